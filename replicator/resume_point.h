// A resume point: how far the push of a file had come, so that a later push goes on from there.
//
// The point itself is a partial root, sealed into a pack like a root. A cut depends on the bytes
// from the chunk's start only, and a point stands at a chunk's edge: its offset is all the state
// that the cutting needs. A notice in a pack's directory says where the newest point is; the notice
// beside the version's envelope says that the push is done.
#ifndef TIDEMARK_REPLICATOR_RESUME_POINT_H_
#define TIDEMARK_REPLICATOR_RESUME_POINT_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "crypto/keys.h"
#include "replicator/manifest.h"

namespace tidemark {

// What a file was when it was opened. While all of this is the same, so are its bytes.
struct SourceIdentity {
  uint64_t device = 0, inode = 0, size = 0;
  int64_t mtime_nanos = 0, ctime_nanos = 0;
  friend bool operator==(const SourceIdentity&, const SourceIdentity&) = default;
};
inline constexpr size_t kSourceIdentityBytes = 40;

struct ResumePoint {
  SourceIdentity source;
  uint64_t stored_bytes = 0;  // as the push counts them, without the point itself
  // The segments that are whole; its counts cover what is in `open` too.
  ManifestRoot root;
  // The inner nodes of the segment at hand that are not full, by rising level. There is no open
  // leaf: a point closes it.
  std::vector<Node> open;
  // How much of the archive it covers: the next chunk begins there.
  uint64_t offset() const;
};
inline constexpr size_t kResumePointBytesMax = 2 * 1024 * 1024;
std::vector<std::byte> EncodeResumePoint(const ResumePoint& point);
// kDataLoss: malformed; kUnimplemented: newer.
absl::StatusOr<ResumePoint> ParseResumePoint(ByteSpan plain);
// In the place of a node's level in the AAD context.
inline constexpr uint8_t kResumeLevel = 0xfe;

struct ResumeNotice {
  ArchiveId archive;
  std::string name;
  std::array<std::byte, 16> kek_id{};
  WrappedKey wrapped_key{};  // the archive's key: it may have no version yet
  Location point;            // zero: the push is done, its earlier points are void
  Salt salt;                 // makes the point's key from the archive's
  SourceIdentity source;
  int64_t at_nanos = 0;  // when the point was made; done: when that push opened its source
  bool done() const { return point == Location{}; }
  friend bool operator==(const ResumeNotice&, const ResumeNotice&) = default;
};
void EncodeResumeNotice(const ResumeNotice& notice, LayoutWriter* out);
ResumeNotice DecodeResumeNotice(LayoutReader* in);  // ask in->ok() afterwards
inline constexpr size_t kResumeNoticeFixedBytes =
    16 + 2 + 16 + kWrappedKeyBytes + 16 + kSaltBytes + kSourceIdentityBytes + 8;
inline constexpr size_t kResumeNoticeBytesMax = kResumeNoticeFixedBytes + kArchiveNameBytesMax;
size_t EncodedResumeNoticeBytes(const ResumeNotice& notice);

}  // namespace tidemark
#endif  // TIDEMARK_REPLICATOR_RESUME_POINT_H_
