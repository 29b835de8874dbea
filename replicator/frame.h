// Frames: what a data connection carries. A fixed header with a MAC, then at most one block.
//
// The MAC (BLAKE3 keyed, 16 bytes) covers the whole header, and is checked before a length is
// believed or memory taken. The payload's digest is the record's digest (kRecordHead) or the
// block digest of its canonical header (kBlock): no byte is hashed twice for framing.
// The counter counts frames of one connection and direction, from 0: nothing replays or reorders.
#ifndef TIDEMARK_REPLICATOR_FRAME_H_
#define TIDEMARK_REPLICATOR_FRAME_H_

#include <array>
#include <cstdint>
#include <span>
#include <string_view>
#include <utility>

#include "absl/status/statusor.h"
#include "crypto/bytes.h"
#include "crypto/digest.h"
#include "replicator/limits.h"

namespace tidemark {

enum class FrameKind : uint8_t {
  kHello = 1,       // first in each direction: no payload
  kRecordHead = 2,  // canonical header of the record whose blocks follow
  kBlock = 3,
  kReadEnd = 4,  // answer to a read: nothing more for this request
};

inline constexpr size_t kFrameHeaderBytes = 128;
inline constexpr uint32_t kFramePayloadBytesMax = kBlockBytes;

struct FrameHeader {
  FrameKind kind = FrameKind::kBlock;
  uint8_t connection = 0;  // 1: reads; else appends
  uint32_t request = 0;    // which read it answers; 0 for appends
  VaultId vault;
  uint64_t epoch = 0;
  uint64_t sequence = 0;
  uint32_t block_index = 0;
  uint32_t payload_bytes = 0;
  Digest payload_digest;
  friend bool operator==(const FrameHeader&, const FrameHeader&) = default;
};

enum class Direction : uint8_t { kToSite = 1, kFromSite = 2 };
// Context for SecureChannel::ExportKey with kDataLabel: session || connection || direction.
inline constexpr std::string_view kDataLabel = "EXPORTER-tidemark-data";
std::array<std::byte, 18> DataKeyContext(const SessionId& session, uint8_t connection,
                                         Direction direction);

// The first bytes of a data connection, in clear: which session it belongs to. Then frames.
inline constexpr size_t kPrefaceBytes = 32;
std::array<std::byte, kPrefaceBytes> EncodePreface(const SessionId& session, uint8_t connection);
struct Preface {
  SessionId session;
  uint8_t connection = 0;
};
absl::StatusOr<Preface> ParsePreface(std::span<const std::byte, kPrefaceBytes> bytes);

// Writes headers of one connection and direction. Not copyable: a copied counter is a broken MAC.
class FrameSender {
 public:
  explicit FrameSender(Secret32 key) : key_(std::move(key)) {}
  FrameSender(FrameSender&&) = default;
  void Encode(const FrameHeader& header, std::span<std::byte, kFrameHeaderBytes> out);

 private:
  Secret32 key_;
  uint64_t counter_ = 0;
};

class FrameReceiver {
 public:
  explicit FrameReceiver(Secret32 key) : key_(std::move(key)) {}
  FrameReceiver(FrameReceiver&&) = default;
  // kUnauthenticated: the MAC or counter is wrong; the connection must end. kUnimplemented: newer
  // version; kInvalidArgument: authentic but malformed (unknown kind, payload above its maximum).
  absl::StatusOr<FrameHeader> Decode(std::span<const std::byte, kFrameHeaderBytes> bytes);

 private:
  Secret32 key_;
  uint64_t counter_ = 0;
};

}  // namespace tidemark
#endif  // TIDEMARK_REPLICATOR_FRAME_H_
