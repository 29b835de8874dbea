// The envelope of one version of an archive: name, wrapped key, where its root is.
//
// It stands in the sealed directory of the same pack as the root, and in every later keyring
// snapshot. Envelopes are the catalogue: archives and versions are whatever envelopes say.
#ifndef TIDEMARK_REPLICATOR_ENVELOPE_H_
#define TIDEMARK_REPLICATOR_ENVELOPE_H_

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "crypto/keys.h"
#include "crypto/layout.h"
#include "crypto/sealing.h"
#include "replicator/manifest.h"

namespace tidemark {

struct Envelope {
  ArchiveId archive;  // one per name, for all its versions
  uint64_t version = 0;
  std::string name;  // 1-255 bytes of UTF-8
  std::array<std::byte, 16> kek_id{};
  WrappedKey wrapped_key{};  // the archive's key under that KEK
  Location root;             // of the sealed root node
  Salt root_salt;
  bool complete = true;           // false: the source changed while it was read
  int64_t captured_at_nanos = 0;  // when the push opened the source
  int64_t closed_at_nanos = 0;    // when the root was placed
  uint64_t source_bytes = 0;
  Digest idempotency;  // keyed hash of the caller's key; zero: none
  friend bool operator==(const Envelope&, const Envelope&) = default;
};
void EncodeEnvelope(const Envelope& envelope, LayoutWriter* out);
Envelope DecodeEnvelope(LayoutReader* in);          // ask in->ok() afterwards
inline constexpr size_t kEnvelopeFixedBytes = 187;  // all but the name
inline constexpr size_t kEnvelopeBytesMax = kEnvelopeFixedBytes + kArchiveNameBytesMax;
size_t EncodedEnvelopeBytes(const Envelope& envelope);

// kInvalidArgument with the reason unless `name` is 1-255 bytes of UTF-8 without NUL, '@' or
// control characters.
absl::Status CheckArchiveName(std::string_view name);

}  // namespace tidemark
#endif  // TIDEMARK_REPLICATOR_ENVELOPE_H_
