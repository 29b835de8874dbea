// What `status` says: sites, vaults and health at one instant (design section 10). The socket, the
// status port, the alerts and the reports all start from this one snapshot.
//
// Numbers are measured or absent: nullopt is unknown, and becomes null, never 0.
#ifndef TIDEMARK_AGENT_REPORT_STATUS_REPORT_H_
#define TIDEMARK_AGENT_REPORT_STATUS_REPORT_H_

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "absl/time/time.h"

namespace tidemark {

struct HealthCode {
  std::string code, severity, message, hint;  // severity: info | warn | error
};
struct ScrubStatus {                         // as the site last said
  double covered_share = 0;                  // of the pass under way, 0 to 1
  std::optional<absl::Time> last_full_pass;  // when it ended
  uint64_t passes = 0, period_seconds = 0, bytes_per_second = 0;
  uint64_t bad = 0, healed = 0, found = 0;  // places: now; since the store was made
  std::string worst;                        // one that is bad, and why it is not healed
};
// Means of the last 10 s at one store. One I/O: each started 16 KiB of a request.
struct IoRates {
  std::optional<double> write_iops, read_iops, write_bytes_per_second, read_bytes_per_second;
};
struct SiteStatus {
  std::string name, role, state, last_error;
  std::string conviction;  // that it signed two histories, and where; empty: not known to have
  bool connected = false;
  std::optional<uint64_t> durable_sequence;
  std::optional<double> replication_lag_seconds, rpo_actual_seconds, rpo_target_seconds;
  // At the present rate the RPO target of one of its vaults is missed in so many seconds.
  std::optional<double> breach_in_seconds;
  uint64_t pending_bytes = 0;
  std::optional<double> iops, commits_per_second, bytes_per_second;
  IoRates rates;
  std::optional<double> ack_p50_seconds, ack_p99_seconds, clock_skew_seconds;
  std::optional<uint64_t> store_bytes, store_free_bytes, store_disk_bytes;
  std::optional<double> store_full_in_seconds;          // at the present rate
  std::optional<uint64_t> rate_limit_bytes_per_second;  // in force now; absent: none
  std::vector<std::string> shares_host_with;            // other sites on the same machine
  std::optional<ScrubStatus> scrub;
};
// A vault at one site.
struct VaultSiteStatus {
  std::string name, state;  // state: as a site's; empty: the site's
  bool is_late = false;     // a primary that does not keep up; known where quorum mode is possible
  std::optional<double> replication_lag_seconds, rpo_actual_seconds, breach_in_seconds;
  uint64_t pending_bytes = 0;
  IoRates rates;
  // By the ledger, of the last 30 days; nullopt: no receipts are kept. The share is of the minutes
  // that were met or missed; nullopt: there were none.
  std::optional<uint64_t> minutes_missed, minutes_unknown;
  std::optional<double> share_within_target;
};
struct VaultStatus {
  std::string name, state;  // opening | open | fenced | failed
  std::string trouble, index_trouble;
  std::string data_class = "general", tier;  // tier: empty for none, else S1 | S2 | S3
  bool tier_enforced = false;
  std::string rpo_policy = "alert", admission = "open";  // alert | throttle | refuse; and what it
                                                         // does now: open | throttled | refused
  // Fixed when it was made. Known once it is open.
  std::optional<uint64_t> chunk_bytes_min, chunk_bytes_average, chunk_bytes_max;
  std::string ack_mode;  // strict | quorum: which sites a commit waits for now
  std::optional<double> commit_p50_seconds, commit_p99_seconds;  // of the newest 4096 records
  uint64_t committed_sequence = 0, source_bytes = 0, stored_bytes = 0, archives = 0, epoch = 0;
  uint64_t restored_bytes = 0, restores_running = 0;  // since the agent's start
  std::optional<double> dedup_ratio, rpo_target_seconds;
  uint32_t copies_available = 0, copies_expected = 0;
  std::vector<VaultSiteStatus> sites;
};
struct StatusEvent {  // something changed
  absl::Time at;
  std::string what, text;  // "site w", "streaming"
};
struct AgentLoad {  // what the agent itself takes of its machine, and what it should not exceed
  std::optional<double> cpu_share, memory_share;  // of all processors, mean of 10 s; of the memory
  std::optional<uint64_t> resident_bytes;
  uint64_t cpu_percent_max = 80, memory_percent_max = 85;
};
struct StatusReport {
  std::string status;  // ok | warn | error
  std::vector<HealthCode> codes;
  std::vector<SiteStatus> sites;
  std::vector<VaultStatus> vaults;
  std::vector<StatusEvent> events;  // newest first
  std::string agent, software;
  std::string status_url, status_trouble;  // of the status port; empty: none
  std::string proof_trouble;               // why receipts are not kept; empty: they are
  absl::Time at;
  bool same_host_allowed = false;
  AgentLoad load;
  uint64_t pushes_running = 0, loop_stalls = 0;
  double longest_stall_seconds = 0;
};

}  // namespace tidemark
#endif  // TIDEMARK_AGENT_REPORT_STATUS_REPORT_H_
