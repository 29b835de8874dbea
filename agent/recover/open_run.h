// Worker job of a restore: opens, decompresses and identifies the chunks of one read.
#ifndef TIDEMARK_AGENT_RECOVER_OPEN_RUN_H_
#define TIDEMARK_AGENT_RECOVER_OPEN_RUN_H_

#include <vector>

#include "absl/status/status.h"
#include "crypto/digest.h"
#include "replicator/manifest.h"

namespace tidemark {

// For Io::Compute. All it points to outlives the call.
struct OpenRun {
  const ChunkIdKey* chunk_ids = nullptr;
  const LeafEntry* chunks = nullptr;
  size_t count = 0;
  ByteSpan sealed;  // bytes of the record from sealed_begin on; holds all chunks
  uint32_t sealed_begin = 0;
  MutableByteSpan plain;  // the chunks' bytes, end to end
  absl::Status result;    // kDataLoss: chunk `failed` does not open or is not what its id says
  size_t failed = 0;
  static void Run(void* self);
};

}  // namespace tidemark
#endif  // TIDEMARK_AGENT_RECOVER_OPEN_RUN_H_
