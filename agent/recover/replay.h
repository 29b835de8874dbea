// Rebuilding the dedup index from the log: the manifests alone hold chunk keys (design section 4).
#ifndef TIDEMARK_AGENT_RECOVER_REPLAY_H_
#define TIDEMARK_AGENT_RECOVER_REPLAY_H_

#include "agent/recover/vault_reader.h"
#include "chunker/admission.h"

namespace tidemark {

// Brings the index to cover `upto` (committed): reads the manifests of every version whose envelope
// stands in (index coverage, upto] (all living versions when the index is empty or its coverage is
// not in this log, which clears it first) and puts the rows of their chunks; likewise of the resume
// points. Rows whose chunk was born after `upto` are left out. Index calls run on workers.
// kAtLeast: the log goes on behind `upto`, nobody knows yet how far: an index that covers more
// stays as it is.
enum class ReplayUpto : uint8_t { kEnd, kAtLeast };
struct ReplayResult {
  uint64_t versions = 0, rows = 0;
  bool rebuilt = false;  // the index was discarded and made anew
};
Task<absl::StatusOr<ReplayResult>> ReplayIndex(Io* io, RecordSource* source,
                                               const OpenedVault* vault, ChunkIndex* index,
                                               Position upto, ReplayUpto kind = ReplayUpto::kEnd);

}  // namespace tidemark
#endif  // TIDEMARK_AGENT_RECOVER_REPLAY_H_
