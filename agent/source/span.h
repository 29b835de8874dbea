// A span: a stretch of one archive on its way from the source to its chunks.
#ifndef TIDEMARK_AGENT_SOURCE_SPAN_H_
#define TIDEMARK_AGENT_SOURCE_SPAN_H_

#include <vector>

#include "absl/time/time.h"
#include "agent/io/pool.h"
#include "crypto/digest.h"

namespace tidemark {

// Room in front of what is read, for the tail of the span before that was not cut yet.
inline constexpr size_t kSpanCarryBytes = 1024 * 1024;
inline constexpr size_t kSpanReadBytes = 2 * 1024 * 1024;
inline constexpr size_t kSpanBufferBytes = kSpanCarryBytes + kSpanReadBytes;

struct CutChunk {
  uint32_t begin = 0;  // in the span's buffer
  uint32_t bytes = 0;
  bool forced = false;
  ChunkId id;
};

struct Span {
  uint64_t number = 0;      // unique within the agent: the lag book's token
  uint64_t offset = 0;      // in the archive, of the bytes read (or of the hole)
  uint64_t hole_bytes = 0;  // > 0: a hole, no buffer
  PooledBuffer buffer;
  uint32_t begin = kSpanCarryBytes;  // of the bytes, in the buffer
  uint32_t end = kSpanCarryBytes;
  bool ends_extent = false;  // a cut is forced behind it: hole, segment edge or end
  bool ends_segment = false;
  absl::Time taken_at;           // of the lag clock
  std::vector<CutChunk> chunks;  // after cutting
  // After cutting: bytes from this span on were not cut, they go into a later one's chunks. 0:
  // none.
  uint64_t carried_from = 0;
};

}  // namespace tidemark
#endif  // TIDEMARK_AGENT_SOURCE_SPAN_H_
