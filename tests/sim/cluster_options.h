// What one seed of the simulated cluster is: which faults there are and how often, limits,
// workload. Every field has a name, for printing, for --set and for the shrinker.
#ifndef TIDEMARK_TESTS_SIM_CLUSTER_OPTIONS_H_
#define TIDEMARK_TESTS_SIM_CLUSTER_OPTIONS_H_

#include <functional>
#include <string>

#include "absl/status/status.h"
#include "tests/sim/sim_faults.h"

namespace tidemark {

// What happens to the cluster while it works; options.acts[i] is how often, against the others.
enum class Act : uint8_t {
  kCrashSite,
  kKillSite,
  kStopSite,
  kCrashAgent,
  kKillAgent,
  kStopAgent,
  kBlock,
  kReset,
  kPause,
  kHangDisk,
  kJumpClock,
  kCancelPush,
  kStickEntropy,  // an agent's generator gives one byte for a while
  kTakeOver,      // the second agent starts, or the one not running does
  kRot,           // a bit of a stored record is wrong from here on
  kLie,           // a site's word is not to be trusted for a while
  kFailDisk,      // half of what a machine writes or flushes fails for a while
  kCount,
};
inline constexpr size_t kActs = static_cast<size_t>(Act::kCount);
const char* ActName(Act act);

struct ClusterOptions {
  uint64_t seed = 0;
  FaultOptions faults;

  uint32_t acts[kActs] = {};
  uint32_t weight(Act act) const { return acts[static_cast<size_t>(act)]; }
  uint64_t events_between_acts = 0;   // at most; drawn anew each time
  uint64_t chaos_ms = 0;              // simulated
  uint64_t down_ms_max = 0;           // of a crashed process, and of a blocked path
  uint32_t agent_entropy_cloned = 0;  // 1: each start of an agent draws the same bytes
  uint64_t site_capacity_bytes = 0;   // of a site's disk while there are faults; 0: no limit

  // How real it is. In most seeds signatures and channels cost nothing.
  uint32_t real_signatures = 0, real_tls = 0;

  // 1: two of three sites may commit, once a primary was late for so long.
  uint32_t quorum = 0;
  uint64_t quorum_after_ms = 0;

  // Limits.
  uint32_t record_buffers = 6, span_buffers = 4, site_record_buffers = 5;
  uint64_t window_bytes = 0;
  uint64_t log_file_bytes_min = 0, log_file_bytes_max = 0;
  uint64_t versions_per_keyring = 4;
  uint64_t segment_bytes = 0;
  uint64_t resume_bytes = 0;  // of data between two resume points
  uint64_t receipt_interval_ms = 50;
  uint32_t connections = 1;  // to each site, for records

  // Workload.
  uint32_t items = 0, names = 0, pushers = 0, restorers = 0;
  uint64_t item_bytes_max = 0;
  uint32_t may_wait_for_all = 1;  // 0: no push waits for the witness

  static ClusterOptions Draw(uint64_t seed);
  bool breaks_entropy() const {
    return weight(Act::kStickEntropy) > 0 || agent_entropy_cloned != 0;
  }
  // Every value: print it with each failure.
  std::string Describe() const;

  // Each field by name, with a getter and a setter. `calm`: the value at which it does no harm;
  // nullopt-like kNoCalm: it is a limit or a load, not a fault.
  static constexpr uint64_t kNoCalm = ~uint64_t{0};
  struct Field {
    std::string name;
    uint64_t value = 0, calm = kNoCalm;
    std::function<void(uint64_t)> set;  // valid while these options live
  };
  std::vector<Field> Fields();
  // "name=value". kInvalidArgument: no such name, or no number.
  absl::Status Set(const std::string& assignment);
};

}  // namespace tidemark
#endif  // TIDEMARK_TESTS_SIM_CLUSTER_OPTIONS_H_
