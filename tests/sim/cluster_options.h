// What one seed of the simulated cluster is: which faults there are and how often, limits,
// workload.
#ifndef TIDEMARK_TESTS_SIM_CLUSTER_OPTIONS_H_
#define TIDEMARK_TESTS_SIM_CLUSTER_OPTIONS_H_

#include <string>

#include "tests/sim/sim_faults.h"

namespace tidemark {

struct ClusterOptions {
  uint64_t seed = 0;
  FaultOptions faults;

  // How often each act of chaos is chosen, against the others; 0: never.
  uint32_t crash_site = 0, kill_site = 0, stop_site = 0;
  uint32_t crash_agent = 0, kill_agent = 0, stop_agent = 0;
  uint32_t block = 0, reset = 0, pause = 0, hang_disk = 0, jump_clock = 0, cancel_push = 0;
  uint32_t take_over = 0;             // the second agent starts, or the one not running does
  uint64_t events_between_acts = 0;   // at most; drawn anew each time
  uint64_t chaos_ms = 0;              // simulated
  uint64_t down_ms_max = 0;           // of a crashed process, and of a blocked path
  uint32_t stick_entropy = 0;         // an agent's generator gives one byte for a while
  bool agent_entropy_cloned = false;  // each start of an agent draws the same bytes

  // Limits.
  uint32_t record_buffers = 6, span_buffers = 4, site_record_buffers = 5;
  uint64_t window_bytes = 0;
  uint64_t log_file_bytes_min = 0, log_file_bytes_max = 0;
  uint64_t versions_per_keyring = 4;
  uint64_t segment_bytes = 0;
  uint64_t resume_bytes = 0;  // of data between two resume points
  uint64_t receipt_interval_ms = 50;

  // Workload.
  uint32_t items = 0, names = 0, pushers = 0, restorers = 0;
  uint64_t item_bytes_max = 0;

  static ClusterOptions Draw(uint64_t seed);
  bool breaks_entropy() const { return stick_entropy > 0 || agent_entropy_cloned; }
  bool has_disk_faults() const {
    return faults.read_eio_ppm + faults.write_eio_ppm + faults.sync_eio_ppm != 0;
  }
  // Every value: print it with each failure.
  std::string Describe() const;
};

}  // namespace tidemark
#endif  // TIDEMARK_TESTS_SIM_CLUSTER_OPTIONS_H_
