// Checks blocks that a source gave against the record's header, on a worker.
#ifndef TIDEMARK_AGENT_RECOVER_BLOCK_CHECK_H_
#define TIDEMARK_AGENT_RECOVER_BLOCK_CHECK_H_

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "agent/io/task.h"
#include "replicator/record.h"

namespace tidemark {

// Bytes of blocks [first, first + count). kInvalidArgument: the record has no such blocks.
absl::StatusOr<size_t> BytesOfBlocks(const CanonicalHeader& header, uint32_t first, uint32_t count);
// `bytes` begin with block `first`. kDataLoss names the first block that is wrong.
Task<absl::Status> CheckBlocksOnWorker(Io* io, const CanonicalHeader* header, uint32_t first,
                                       uint32_t count, ByteSpan bytes);

}  // namespace tidemark
#endif  // TIDEMARK_AGENT_RECOVER_BLOCK_CHECK_H_
