// Segments: spans of at most 2 TB (2 * 10^12 bytes) of one archive. A cut is forced at a
// segment's edge, so each segment has its own manifest subtree and restores alone.
#ifndef TIDEMARK_CHUNKER_SEGMENT_H_
#define TIDEMARK_CHUNKER_SEGMENT_H_

#include <cstdint>

namespace tidemark {

inline constexpr uint64_t kSegmentBytesMax = 2'000'000'000'000;

// Index and edges of the segment that holds `offset`.
struct Segment {
  uint64_t index = 0;
  uint64_t begin = 0;
  uint64_t end = 0;  // one past; the archive may end before it
};
Segment SegmentAt(uint64_t offset, uint64_t segment_bytes);
uint64_t SegmentCount(uint64_t source_bytes, uint64_t segment_bytes);

// An archive's bytes as data and holes.
struct Extent {
  uint64_t begin = 0;
  uint64_t end = 0;
  bool is_hole = false;
};

}  // namespace tidemark
#endif  // TIDEMARK_CHUNKER_SEGMENT_H_
