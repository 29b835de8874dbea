// What `status` says: sites, vaults and health at one instant (design section 10).
#ifndef TIDEMARK_AGENT_STATUS_REPORT_H_
#define TIDEMARK_AGENT_STATUS_REPORT_H_

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "absl/time/time.h"

namespace tidemark {

struct HealthCode {
  std::string code, severity, message, hint;  // severity: warn | error
};
struct ScrubStatus {                         // as the site last said
  double covered_share = 0;                  // of the pass under way, 0 to 1
  std::optional<absl::Time> last_full_pass;  // when it ended
  uint64_t passes = 0, period_seconds = 0, bytes_per_second = 0;
  uint64_t bad = 0, healed = 0, found = 0;  // places: now; since the store was made
  std::string worst;                        // one that is bad, and why it is not healed
};
struct SiteStatus {  // design section 10; nullopt is null
  std::string name, role, state, last_error;
  std::optional<uint64_t> durable_sequence;
  std::optional<double> replication_lag_seconds, rpo_actual_seconds, rpo_target_seconds;
  uint64_t pending_bytes = 0;
  std::optional<double> iops, commits_per_second, bytes_per_second;
  std::optional<double> ack_p50_seconds, ack_p99_seconds, clock_skew_seconds;
  std::optional<ScrubStatus> scrub;
};
struct VaultStatus {
  std::string name, state;  // opening | open | fenced | failed
  std::string ack_mode;     // strict | quorum: which sites a commit waits for now
  uint64_t committed_sequence = 0, source_bytes = 0, stored_bytes = 0, archives = 0, epoch = 0;
  std::optional<double> dedup_ratio;
  // From a record's closing to its commit, of the newest 4096 records.
  std::optional<double> commit_p50_seconds, commit_p99_seconds;
};
struct StatusReport {
  std::string status;  // ok | warn | error
  std::vector<HealthCode> codes;
  std::vector<SiteStatus> sites;
  std::vector<VaultStatus> vaults;
  std::string agent, software;
  absl::Time at;
  uint64_t pushes_running = 0, loop_stalls = 0;
  double longest_stall_seconds = 0;
};

}  // namespace tidemark
#endif  // TIDEMARK_AGENT_STATUS_REPORT_H_
