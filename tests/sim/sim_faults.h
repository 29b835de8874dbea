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

// The port whose connections carry their own checks, so that the network may flip bits in them.
inline constexpr uint16_t kDataPort = 7001;

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
  // Of sectors pending at a power loss: random bytes, or what a deleted file held there (a stale
  // extent).
  uint32_t torn_garbage_ppm = 0;
  uint32_t read_flip_ppm = 0;    // of reads of logs by a site that serves: one bit is wrong, once
  uint64_t capacity_bytes = 0;   // of each disk; 0: no limit
  uint32_t descriptors_max = 0;  // of each node; 0: no limit
  // Both break what a disk promises; Draw leaves them 0. For tests of detection.
  uint32_t lying_sync_ppm = 0, misdirected_write_ppm = 0;

  // --- network
  uint32_t reset_ppm = 0;  // of messages: both ends see -ECONNRESET
  uint32_t stall_ppm = 0;  // of messages: the direction stands still for a while
  uint64_t stall_us_max = 2 * 1000 * 1000;
  uint32_t net_flip_ppm = 0;  // of messages on data connections (port kDataPort): one bit is wrong
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
  // Every value that is not calm: print it with the seed in each failure.
  std::string Describe() const;
  // Calls visit(name, &field, calm) for each field: `calm` is the value at which it does no harm.
  template <class Visit>
  void ForEach(Visit visit);
};

template <class Visit>
void FaultOptions::ForEach(Visit visit) {
  const FaultOptions kind;
  visit("short_transfer_ppm", &short_transfer_ppm, kind.short_transfer_ppm);
  visit("split_recv_ppm", &split_recv_ppm, kind.split_recv_ppm);
  visit("read_us_min", &read_us_min, kind.read_us_min);
  visit("read_us_max", &read_us_max, kind.read_us_max);
  visit("write_us_min", &write_us_min, kind.write_us_min);
  visit("write_us_max", &write_us_max, kind.write_us_max);
  visit("sync_us_min", &sync_us_min, kind.sync_us_min);
  visit("sync_us_max", &sync_us_max, kind.sync_us_max);
  visit("compute_us_min", &compute_us_min, kind.compute_us_min);
  visit("compute_us_max", &compute_us_max, kind.compute_us_max);
  visit("net_us_min", &net_us_min, kind.net_us_min);
  visit("net_us_max", &net_us_max, kind.net_us_max);
  visit("net_bytes_per_us", &net_bytes_per_us, kind.net_bytes_per_us);
  visit("send_window_bytes", &send_window_bytes, kind.send_window_bytes);
  visit("connect_timeout_us", &connect_timeout_us, kind.connect_timeout_us);
  visit("silence_timeout_us", &silence_timeout_us, kind.silence_timeout_us);
  visit("read_eio_ppm", &read_eio_ppm, kind.read_eio_ppm);
  visit("write_eio_ppm", &write_eio_ppm, kind.write_eio_ppm);
  visit("sync_eio_ppm", &sync_eio_ppm, kind.sync_eio_ppm);
  visit("slow_disk_ppm", &slow_disk_ppm, kind.slow_disk_ppm);
  visit("slow_disk_factor", &slow_disk_factor, kind.slow_disk_factor);
  visit("torn_garbage_ppm", &torn_garbage_ppm, kind.torn_garbage_ppm);
  visit("read_flip_ppm", &read_flip_ppm, kind.read_flip_ppm);
  visit("capacity_bytes", &capacity_bytes, kind.capacity_bytes);
  visit("descriptors_max", &descriptors_max, kind.descriptors_max);
  visit("lying_sync_ppm", &lying_sync_ppm, kind.lying_sync_ppm);
  visit("misdirected_write_ppm", &misdirected_write_ppm, kind.misdirected_write_ppm);
  visit("reset_ppm", &reset_ppm, kind.reset_ppm);
  visit("stall_ppm", &stall_ppm, kind.stall_ppm);
  visit("stall_us_max", &stall_us_max, kind.stall_us_max);
  visit("net_flip_ppm", &net_flip_ppm, kind.net_flip_ppm);
  visit("silent_crash_ppm", &silent_crash_ppm, kind.silent_crash_ppm);
  visit("clock_offset_us_max", &clock_offset_us_max, kind.clock_offset_us_max);
  visit("clock_drift_ppm_max", &clock_drift_ppm_max, kind.clock_drift_ppm_max);
  visit("slow_compute_ppm", &slow_compute_ppm, kind.slow_compute_ppm);
  visit("pause_ppm", &pause_ppm, kind.pause_ppm);
  visit("pause_us_max", &pause_us_max, kind.pause_us_max);
}

}  // namespace tidemark
#endif  // TIDEMARK_TESTS_SIM_SIM_FAULTS_H_
