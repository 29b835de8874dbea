// What a vault must remember beside its log: the promise (law 4), the highest sequence that was
// ever durable here (law 2), where peer-fed records begin that no checkpoint covers yet, and which
// receipts speak of a tail that was given up.
#ifndef TIDEMARK_AGENT_SITE_PROMISE_FILE_H_
#define TIDEMARK_AGENT_SITE_PROMISE_FILE_H_

#include <optional>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "agent/io/task.h"
#include "agent/site/twin_file.h"
#include "replicator/record.h"

namespace tidemark {

struct VaultMemory {
  uint64_t epoch = 0;  // promised; 0: none yet
  SessionId nonce;
  uint64_t evidence = 0;  // this sequence was durable here once
  // Set before a fetch writes its first record: behind `base` a record counts only if the log holds
  // `checkpoint`, which the agent signed.
  struct Fetch {
    Position base;
    Position checkpoint;
  };
  std::optional<Fetch> fetch;
  // The first receipt that was signed since records were given up (truncation.h): older ones may
  // name them. 0: none ever were.
  uint64_t truncated_before = 0;
};

class PromiseFile {
 public:
  PromiseFile(Io* io, const std::string& vault_directory);
  Io* io() const { return file_.io(); }
  // kNotFound: nothing was promised yet; kDataLoss: damaged; kUnimplemented: newer format.
  Task<absl::StatusOr<VaultMemory>> Load();
  // Durable when OK. One call at a time.
  Task<absl::Status> Store(VaultMemory memory);
  // See TwinFile::Mend.
  Task<absl::StatusOr<uint64_t>> Mend(VaultMemory memory);

 private:
  TwinFile file_;
};

}  // namespace tidemark
#endif  // TIDEMARK_AGENT_SITE_PROMISE_FILE_H_
