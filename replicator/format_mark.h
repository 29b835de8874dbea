// The mark at the front of every layout that stands alone, and the checksum at the end of those
// that no signature or tag covers.
//
// A mark is 8 bytes of magic, then the u16 format version. A checksum is the BLAKE3 digest of all
// bytes before it, and always the last 32 bytes, in every version: so a flipped bit in the version
// field is damage and not "newer".
#ifndef TIDEMARK_REPLICATOR_FORMAT_MARK_H_
#define TIDEMARK_REPLICATOR_FORMAT_MARK_H_

#include <cstdint>
#include <string_view>

#include "absl/status/status.h"
#include "crypto/layout.h"
#include "replicator/limits.h"

namespace tidemark {

struct FormatMark {
  std::string_view magic;  // 8 bytes
  std::string_view what;   // for messages, e.g. "record header"
};
inline constexpr size_t kFormatMarkBytes = 10;
inline constexpr size_t kChecksumBytes = 32;

void WriteMark(const FormatMark& mark, LayoutWriter* out, uint16_t version = kFormatVersion);
// kDataLoss: these bytes are something else; kUnimplemented: made by a newer format version.
absl::Status ReadMark(const FormatMark& mark, LayoutReader* in, uint16_t newest = kFormatVersion,
                      uint16_t* version = nullptr);
// The same for layouts that stand inside others and have a version only.
absl::Status CheckFormatVersion(std::string_view what, uint16_t version,
                                uint16_t newest = kFormatVersion);

// Appends the digest of all that was written so far.
void WriteChecksum(LayoutWriter* out);
bool ChecksumHolds(ByteSpan bytes_with_checksum);

}  // namespace tidemark
#endif  // TIDEMARK_REPLICATOR_FORMAT_MARK_H_
