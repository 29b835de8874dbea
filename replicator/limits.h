// Every limit of the formats, with the relations between them checked at compile time.
#ifndef TIDEMARK_REPLICATOR_LIMITS_H_
#define TIDEMARK_REPLICATOR_LIMITS_H_

#include <cstddef>
#include <cstdint>

namespace tidemark {

inline constexpr uint16_t kFormatVersion = 1;    // of everything at rest
inline constexpr uint16_t kProtocolVersion = 1;  // of what is said on the wire

inline constexpr size_t kBlockBytes = 64 * 1024;          // unit of digest, frame, scrub, heal
inline constexpr size_t kPackBytesMax = 4 * 1024 * 1024;  // payload of one record
inline constexpr size_t kPayloadBytesMin = 4096;
inline constexpr size_t kPackBlocksMax = kPackBytesMax / kBlockBytes;
inline constexpr size_t kRecordHeaderBytes = 4096;  // canonical + placement, at rest
inline constexpr size_t kPlacementOffset = 3584;    // of the placement header in those
inline constexpr size_t kPlacementBytes = 512;
inline constexpr size_t kCanonicalFixedBytes = 104;  // before its block digests
inline constexpr size_t kCanonicalBytesMax = kCanonicalFixedBytes + kPackBlocksMax * 32;
inline constexpr size_t kRecordBytesMax = kRecordHeaderBytes + kPackBytesMax;
inline constexpr size_t kNodeBytesMax = 64 * 1024;        // a sealed manifest node
inline constexpr size_t kDirectoryBytesMax = 128 * 1024;  // a sealed pack directory
inline constexpr size_t kSealedChunkBytesMax = 1024 * 1024 + 64;
inline constexpr size_t kRootBytesMax = 1024 * 1024;  // a manifest root, before sealing
inline constexpr size_t kArchiveNameBytesMax = 255;
inline constexpr size_t kControlMessageBytesMax = 1024 * 1024;

static_assert(kCanonicalBytesMax <= kPlacementOffset);
static_assert(kPlacementOffset + kPlacementBytes == kRecordHeaderBytes);
static_assert(kSealedChunkBytesMax + kNodeBytesMax + kDirectoryBytesMax < kPackBytesMax);

// Payload sizes a site may see: 4, 8, 16, 32, 64 KiB, then multiples of 64 KiB up to 4 MiB.
// The smallest of them that holds `bytes`, which is at most kPackBytesMax.
size_t PaddedPayloadBytes(size_t bytes);
bool IsPayloadSize(size_t bytes);

}  // namespace tidemark
#endif  // TIDEMARK_REPLICATOR_LIMITS_H_
