// What can go wrong in a simulated world, and how often. Swarm testing: Draw(seed) turns most
// faults off and gives the others a rate, so that seeds differ in kind and not only in order.
//
// Rates are per million of the thing named. All zero (the default) is a kind world: latencies,
// short counts and split streams happen, but nothing fails.
#ifndef TIDEMARK_TESTS_SIM_SIM_FAULTS_H_
#define TIDEMARK_TESTS_SIM_SIM_FAULTS_H_

#include <cstdint>
#include <string>

namespace tidemark {

struct FaultOptions {
  // --- normal behaviour, which code must bear without counting it as a failure
  uint32_t short_transfer_ppm = 20000;  // reads, writes and sends that move less than asked
  uint32_t split_recv_ppm = 200000;     // receives that return less than what has arrived
  uint64_t read_us_min = 20, read_us_max = 200;
  uint64_t write_us_min = 20, write_us_max = 200;
  uint64_t sync_us_min = 200, sync_us_max = 3000;
  uint64_t compute_us_min = 1, compute_us_max = 200;
  uint64_t net_us_min = 20, net_us_max = 300;  // one way; drawn per message, order is kept
  uint64_t net_bytes_per_us = 1000;
  uint64_t send_window_bytes = 64 * 1024;
  uint64_t connect_timeout_us = 10 * 1000 * 1000;
  uint64_t silence_timeout_us = 10 * 1000 * 1000;  // unacknowledged bytes this old: -ETIMEDOUT

  // --- disk
  uint32_t read_eio_ppm = 0, write_eio_ppm = 0;
  // Sync gives -EIO once, drops what was pending, and the next one gives 0 (reliability.md fact 1).
  uint32_t sync_eio_ppm = 0;
  uint32_t slow_disk_ppm = 0;  // operations that take slow_disk_factor times as long
  uint32_t slow_disk_factor = 50;
  uint32_t torn_garbage_ppm = 0;  // of sectors pending at a power loss: random bytes
  uint64_t capacity_bytes = 0;    // of each disk; 0: no limit
  uint32_t descriptors_max = 0;   // of each node; 0: no limit
  // Both break what a disk promises; Draw leaves them 0. For tests of detection.
  uint32_t lying_sync_ppm = 0, misdirected_write_ppm = 0;

  // --- network
  uint32_t reset_ppm = 0;  // of messages: both ends see -ECONNRESET
  uint32_t stall_ppm = 0;  // of messages: the direction stands still for a while
  uint64_t stall_us_max = 2 * 1000 * 1000;
  uint32_t silent_crash_ppm = 0;  // of crashes: peers hear nothing, no reset and no end

  // --- time and CPU
  uint64_t clock_offset_us_max = 0;  // of each node's wall clock, either way
  uint64_t clock_drift_ppm_max = 0;
  uint32_t slow_compute_ppm = 0;  // of computes: 100 times as long
  uint32_t pause_ppm = 0;         // of events: the process stands still for a while
  uint64_t pause_us_max = 3 * 1000 * 1000;

  static FaultOptions Draw(uint64_t seed);
  // The same world without failures, for the phase that must converge: normal behaviour stays.
  FaultOptions Healed() const;
  // Every value, one line: print it with the seed in each failure.
  std::string Describe() const;
};

}  // namespace tidemark
#endif  // TIDEMARK_TESTS_SIM_SIM_FAULTS_H_
