// Restore: manifest -> packs -> open -> archive. Whole or by range, to a file or a stream; from any
// one site or around damage.
#ifndef TIDEMARK_AGENT_RECOVER_RESTORE_H_
#define TIDEMARK_AGENT_RECOVER_RESTORE_H_

#include <functional>

#include "agent/recover/vault_reader.h"

namespace tidemark {

struct RestoreRequest {
  Envelope envelope;  // which version
  uint64_t offset = 0;
  uint64_t length = UINT64_MAX;  // to the end
  Fd output = -1;
  bool output_is_stream =
      false;  // write in order, only verified bytes; else sparse, at offsets from 0
};
struct RestoreResult {
  uint64_t restored_bytes = 0;  // logical, holes included
  uint64_t data_bytes = 0;
  uint32_t mode = 0;
  int64_t mtime_nanos = 0;
  bool complete = true;
};
// Restored so far, of how many.
using RestoreProgress = std::function<void(uint64_t done_bytes, uint64_t total_bytes)>;

// Chunks are fetched ahead in bounded memory, opened on workers, checked against their ids and
// written in order (stream) or at their offset; the output is flushed at the end, not renamed: that
// is the caller's. kOutOfRange: the range starts or ends past the archive; kDataLoss names archive,
// version, offset, sequence and block.
Task<absl::StatusOr<RestoreResult>> Restore(Io* io, RecordSource* source, const VaultKeys* keys,
                                            RestoreRequest request, RestoreProgress progress);

}  // namespace tidemark
#endif  // TIDEMARK_AGENT_RECOVER_RESTORE_H_
