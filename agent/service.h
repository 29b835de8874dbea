// What the agent does for its callers. The control socket speaks to this; so do tests and the
// simulated cluster.
#ifndef TIDEMARK_AGENT_SERVICE_H_
#define TIDEMARK_AGENT_SERVICE_H_

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "agent/io/task.h"
#include "agent/proof/rpo_figures.h"
#include "agent/report/status_report.h"
#include "replicator/ledger_report.h"

namespace tidemark {

// One call while it runs: what the caller hears, and how it goes away.
class Call {
 public:
  virtual ~Call() = default;
  // One line a state change, for stderr: "waiting for primary b: connection refused (since 3 s)".
  virtual void Note(const std::string& line) = 0;
  virtual void Progress(uint64_t done_bytes, uint64_t total_bytes) = 0;  // total 0: unknown
  // The caller went away: run this (set by the service, unset with nullptr when the call ends).
  void OnCancel(std::function<void()> cancel) { cancel_ = std::move(cancel); }
  void Cancel() {
    if (cancel_) cancel_();
  }

 private:
  std::function<void()> cancel_;
};

struct PushCall {
  std::string vault = "default";
  std::string name;
  Fd source = -1;  // stays the caller's
  bool is_stream = false;
  absl::Duration timeout = absl::Minutes(10);  // without progress
  bool wait_all = false;                       // the witness too
  std::string idempotency_key;
  bool compress = true;  // false: --no-compression
  bool resume = true;    // false: --no-resume
};
struct PushReport {  // design section 10, JSON of `push`
  std::string archive, vault, ack_mode;
  uint64_t version = 0, sequence = 0;
  absl::Time committed_at;
  uint64_t source_bytes = 0, data_bytes = 0, new_bytes = 0, stored_bytes = 0;
  uint64_t chunks = 0, new_chunks = 0, segments = 0;
  uint64_t resumed_at_bytes = 0;  // 0: read from the start
  bool complete =
      true;  // false: the source changed while it was read; the caller is told by exit 75
};
struct ListedVersion {
  std::string archive, vault;
  uint64_t version = 0, sequence = 0, source_bytes = 0;
  absl::Time committed_at, captured_at;
  bool complete = true;
};
struct RestoreCall {
  std::string vault = "default";
  std::string name;
  std::optional<uint64_t> version;
  std::optional<absl::Time> before;
  uint64_t offset = 0, length = UINT64_MAX;
  std::string from;  // a site's name; empty: the best, around damage
  Fd output = -1;    // stays the caller's
  bool output_is_stream = false;
};
struct RestoreReport {
  std::string archive;
  uint64_t version = 0, restored_bytes = 0, data_bytes = 0;
  uint32_t mode = 0;
  int64_t mtime_nanos = 0;  // 0: was a stream
  bool complete = true;
};

struct VerifyCall {
  std::string vault = "default";
  bool deep = false;
};
struct VerifyReport {
  struct Site {
    std::string name, state;  // right | damaged | unreachable
    uint64_t records = 0, blocks = 0;
    uint64_t found = 0, healed = 0;          // places: were bad, are right now
    std::vector<std::string> bad;            // not healed: "record 17 block 3: ..."
    std::vector<std::string> healed_places;  // the same
  };
  std::vector<Site> sites;
  uint64_t versions_checked = 0;
  std::vector<std::string> bad;  // what no site can give: "archive@1: record 17 block 3 ..."
};

struct ReplaceCall {
  std::string site;  // whose store is lost
};
struct ReplaceReport {
  std::string site, lost_store, new_store;  // ids in hex
};

struct RpoCall {
  std::string vault;  // empty: all
  std::optional<absl::Time> since, until;
  bool for_export = false;
  Fd output = -1;  // stays the caller's; the evidence of an export is written there
};
struct RpoReport {
  absl::Time at;
  LedgerReport ledger;  // of the period
  std::vector<RpoFigures> figures;
  // Of an export: files to write beside the evidence, by name; the manifest is one of them.
  std::vector<std::pair<std::string, std::string>> files;
  uint64_t evidence_bytes = 0, receipts = 0, checkpoints = 0, records = 0;
  std::vector<std::string> facts;  // what the evidence lacks, in words
};

class AgentService {
 public:
  virtual ~AgentService() = default;
  virtual Task<absl::StatusOr<PushReport>> Push(PushCall call, Call* events) = 0;
  virtual Task<absl::StatusOr<RestoreReport>> Restore(RestoreCall call, Call* events) = 0;
  virtual Task<absl::StatusOr<VerifyReport>> Verify(VerifyCall call, Call* events) = 0;
  virtual absl::StatusOr<ReplaceReport> Replace(ReplaceCall call) = 0;
  virtual absl::StatusOr<std::vector<ListedVersion>> List(const std::string& vault,
                                                          const std::string* name) = 0;
  virtual StatusReport Status() = 0;
  virtual Task<absl::StatusOr<RpoReport>> Rpo(RpoCall call, Call* events) = 0;
};

}  // namespace tidemark
#endif  // TIDEMARK_AGENT_SERVICE_H_
