#include "chunker/segment.h"

#include <cassert>
#include <limits>

namespace tidemark {

Segment SegmentAt(uint64_t offset, uint64_t segment_bytes) {
  assert(segment_bytes > 0 && segment_bytes <= kSegmentBytesMax);
  const uint64_t index = offset / segment_bytes;
  const uint64_t begin = index * segment_bytes;
  // The last segment that 64 bits can address is cut short instead of wrapping round.
  const uint64_t room = std::numeric_limits<uint64_t>::max() - begin;
  return {index, begin, begin + (room < segment_bytes ? room : segment_bytes)};
}

uint64_t SegmentCount(uint64_t source_bytes, uint64_t segment_bytes) {
  assert(segment_bytes > 0 && segment_bytes <= kSegmentBytesMax);
  return source_bytes / segment_bytes + (source_bytes % segment_bytes != 0 ? 1 : 0);
}

}  // namespace tidemark
