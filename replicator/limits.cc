#include "replicator/limits.h"

#include <cassert>

namespace tidemark {

size_t PaddedPayloadBytes(size_t bytes) {
  assert(bytes <= kPackBytesMax);
  for (size_t size = kPayloadBytesMin; size < kBlockBytes; size *= 2) {
    if (bytes <= size) return size;
  }
  return (bytes + kBlockBytes - 1) / kBlockBytes * kBlockBytes;
}

bool IsPayloadSize(size_t bytes) {
  return bytes <= kPackBytesMax && PaddedPayloadBytes(bytes) == bytes;
}

}  // namespace tidemark
