// A pack: sealed chunks and manifest nodes end to end, random-looking padding, a sealed
// directory. To a site it is one string of random bytes, without boundaries.
//
//   objects ... | padding | sealed directory | sealed head (32) | salt (32)      <- end of payload
//
// The head (sealed under k_dir and the salt) says where the directory begins. The directory lists
// ids, kinds and places, no keys; and the envelopes of archives whose root stands in this pack, so
// "committed" covers the archive's key. AAD context: vault || epoch || sequence.
#ifndef TIDEMARK_REPLICATOR_PACK_H_
#define TIDEMARK_REPLICATOR_PACK_H_

#include <optional>
#include <vector>

#include "absl/status/statusor.h"
#include "crypto/keys.h"
#include "crypto/sealing.h"
#include "replicator/envelope.h"
#include "replicator/limits.h"
#include "replicator/resume_point.h"

namespace tidemark {

// Who a record is: part of what authenticates its directory.
struct PackIdentity {
  VaultId vault;
  uint64_t epoch = 0;
  uint64_t sequence = 0;
};

struct PackEntry {
  SealedKind kind = SealedKind::kChunk;
  uint32_t offset = 0;
  uint32_t sealed_bytes = 0;
  ChunkId id;  // zero for nodes and roots
  friend bool operator==(const PackEntry&, const PackEntry&) = default;
};
struct PackDirectory {
  std::vector<PackEntry> entries;
  std::vector<Envelope> envelopes;
  std::vector<ResumeNotice> notices;
};

// Fills one payload buffer (at least kPackBytesMax, owned by the caller).
//   (Reserve (write there) Keep)* AddEnvelope* AddNotice* Finish
class PackBuilder {
 public:
  PackBuilder(PackIdentity identity, MutableByteSpan buffer);

  // Room for one object of up to bytes_max, or empty when it does not fit: finish this pack first.
  // One envelope and one notice always fit beside it.
  MutableByteSpan Reserve(size_t bytes_max);
  // Keeps the first `sealed_bytes` of what Reserve gave; returns its offset in the payload.
  uint32_t Keep(SealedKind kind, const ChunkId& id, size_t sealed_bytes);
  bool FitsEnvelope(const Envelope& envelope) const;
  void AddEnvelope(Envelope envelope);
  bool FitsNotice(const ResumeNotice& notice) const;
  void AddNotice(ResumeNotice notice);
  bool empty() const {
    return directory_.entries.empty() && directory_.envelopes.empty() && directory_.notices.empty();
  }
  size_t used_bytes() const { return used_; }
  const PackIdentity& identity() const { return identity_; }

  // Pads, seals the directory; returns the payload size. Nothing may follow.
  size_t Finish(const VaultSecrets& secrets, EntropySource* entropy);

 private:
  // Of the sealed directory, were it to hold this much more.
  size_t DirectoryBytesUpperBound(size_t more_entries, size_t more_bytes) const;
  bool Fits(size_t object_bytes, size_t directory_bytes) const;
  PackIdentity identity_;
  MutableByteSpan buffer_;
  size_t used_ = 0;
  PackDirectory directory_;
  size_t listed_bytes_ = 0;  // of envelopes and notices
  size_t reserved_ = 0;      // what the last Reserve gave, until Keep
  bool finished_ = false;
};

// Where the directory stands, from the last 64 bytes of a payload. kDataLoss: not ours or changed.
struct DirectoryPlace {
  uint32_t offset = 0;
  uint32_t sealed_bytes = 0;
};
inline constexpr size_t kPackTailBytes = 64;
absl::StatusOr<DirectoryPlace> FindDirectory(const VaultSecrets& secrets,
                                             const PackIdentity& identity, size_t payload_bytes,
                                             ByteSpan tail64);
// `sealed` are the bytes at that place; tail64 as above (it holds the salt).
absl::StatusOr<PackDirectory> OpenDirectory(const VaultSecrets& secrets,
                                            const PackIdentity& identity, ByteSpan sealed,
                                            ByteSpan tail64);
absl::StatusOr<PackDirectory> OpenDirectoryOf(const VaultSecrets& secrets,
                                              const PackIdentity& identity, ByteSpan payload);

}  // namespace tidemark
#endif  // TIDEMARK_REPLICATOR_PACK_H_
