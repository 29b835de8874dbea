// A record of the log: a canonical header, identical at every site for ever, and a payload.
//
// The record's digest is BLAKE3 of its canonical header, which holds the digest of each 64 KiB
// block of the payload and the digest of the record before it: one digest names the whole log so
// far.
#ifndef TIDEMARK_REPLICATOR_RECORD_H_
#define TIDEMARK_REPLICATOR_RECORD_H_

#include <cstdint>
#include <vector>

#include "absl/status/statusor.h"
#include "crypto/bytes.h"
#include "crypto/digest.h"
#include "crypto/layout.h"
#include "replicator/limits.h"

namespace tidemark {

enum class RecordKind : uint8_t {
  kPack = 1,  // opaque
  // Control records: plain fixed layout, signed by the agent (control_record.h).
  kVaultGenesis = 16,
  kEpochStart = 17,
  kMode = 18,
  kCheckpoint = 19,
  kDying = 20,
  kRelease = 21,
  kKeyring = 22,
  kIdentity = 23,
  kPurge = 24,
};
bool IsControlKind(RecordKind kind);

// A place in a vault's log. Sequences start at 1; position 0 is before the first record.
struct Position {
  uint64_t epoch = 0;
  uint64_t sequence = 0;
  Digest digest;
  friend bool operator==(const Position&, const Position&) = default;
};
// Longest valid tail first: epoch, then sequence (law 4).
inline bool IsLongerTail(const Position& a, const Position& b) {
  return a.epoch != b.epoch ? a.epoch > b.epoch : a.sequence > b.sequence;
}

// 48 bytes inside other layouts: epoch, sequence, digest.
inline constexpr size_t kPositionBytes = 48;
void EncodePosition(const Position& position, LayoutWriter* out);
Position DecodePosition(LayoutReader* in);

struct CanonicalHeader {
  RecordKind kind = RecordKind::kPack;
  VaultId vault;
  uint64_t epoch = 0;
  uint64_t sequence = 0;
  uint64_t committed_sequence = 0;  // as the agent knew it when it made the record
  int64_t made_at_nanos = 0;        // agent's wall clock, Unix time
  uint32_t payload_bytes = 0;       // padded; IsPayloadSize
  Digest previous;                  // digest of the record before
  std::vector<Digest> blocks;       // ceil(payload_bytes / 64 KiB)

  // `blocks` must hold one digest for each block of payload_bytes.
  std::vector<std::byte> Encode() const;
  Digest digest() const;
  Position position() const { return {epoch, sequence, digest()}; }
  static size_t BlockCount(size_t payload_bytes) {
    return (payload_bytes + kBlockBytes - 1) / kBlockBytes;
  }
  // Bytes of block `index`; only the last (of a payload below 64 KiB) is short.
  size_t BlockBytes(size_t index) const;
};
// Reads a canonical header from the front of `bytes` (which may go on). kDataLoss: not one;
// kUnimplemented: made by a newer format version, with both versions named.
absl::StatusOr<CanonicalHeader> ParseCanonicalHeader(ByteSpan bytes);

// Digests of all blocks of a payload.
std::vector<Digest> BlockDigests(ByteSpan payload);
// kDataLoss naming vault, sequence and block when a block does not have its digest.
absl::Status CheckBlock(const CanonicalHeader& header, size_t block_index, ByteSpan block);
absl::Status CheckPayload(const CanonicalHeader& header, ByteSpan payload);

}  // namespace tidemark
#endif  // TIDEMARK_REPLICATOR_RECORD_H_
