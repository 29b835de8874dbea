#include "tests/sim/sim_faults.h"

#include "absl/strings/str_cat.h"
#include "tests/sim/sim_random.h"

namespace tidemark {
namespace {

// Half of the seeds do not have the fault at all.
uint32_t DrawRate(SimRandom* random, uint32_t per_million_max) {
  if (random->Coin()) return 0;
  const uint32_t divisors[] = {1, 3, 10, 30, 100, 1000};
  return per_million_max / divisors[random->Below(6)];
}

}  // namespace

FaultOptions FaultOptions::Draw(uint64_t seed) {
  SimRandom random(MixSeeds(seed, HashText("faults")));
  FaultOptions drawn;
  drawn.short_transfer_ppm = DrawRate(&random, 300000);
  drawn.split_recv_ppm = DrawRate(&random, 800000);
  drawn.read_us_max = drawn.read_us_min << random.Below(7);
  drawn.write_us_max = drawn.write_us_min << random.Below(7);
  drawn.sync_us_max = drawn.sync_us_min << random.Below(7);
  drawn.compute_us_max = 1u << random.Below(12);
  drawn.net_us_min = 5u << random.Below(6);
  drawn.net_us_max = drawn.net_us_min << random.Below(8);
  drawn.net_bytes_per_us = 1u << random.Between(4, 12);
  drawn.send_window_bytes = uint64_t{2048} << random.Below(9);
  drawn.connect_timeout_us = uint64_t{250000} << random.Below(8);
  drawn.silence_timeout_us = uint64_t{500000} << random.Below(8);

  drawn.read_eio_ppm = DrawRate(&random, 1000);
  drawn.write_eio_ppm = DrawRate(&random, 1000);
  drawn.sync_eio_ppm = DrawRate(&random, 3000);
  drawn.slow_disk_ppm = DrawRate(&random, 10000);
  drawn.slow_disk_factor = static_cast<uint32_t>(2u << random.Below(9));
  drawn.torn_garbage_ppm = DrawRate(&random, 300000);

  drawn.reset_ppm = DrawRate(&random, 1000);
  drawn.stall_ppm = DrawRate(&random, 1000);
  drawn.stall_us_max = uint64_t{10000} << random.Below(10);
  drawn.silent_crash_ppm = DrawRate(&random, 1000000);

  drawn.clock_offset_us_max = random.Coin() ? 0 : uint64_t{1000} << random.Below(32);
  drawn.clock_drift_ppm_max = random.Coin() ? 0 : random.Between(1, 200);
  drawn.slow_compute_ppm = DrawRate(&random, 10000);
  drawn.pause_ppm = DrawRate(&random, 100);
  drawn.pause_us_max = uint64_t{10000} << random.Below(9);
  return drawn;
}

FaultOptions FaultOptions::Healed() const {
  FaultOptions healed = *this;
  healed.read_eio_ppm = healed.write_eio_ppm = healed.sync_eio_ppm = 0;
  healed.slow_disk_ppm = healed.torn_garbage_ppm = 0;
  healed.lying_sync_ppm = healed.misdirected_write_ppm = 0;
  healed.capacity_bytes = 0;
  healed.descriptors_max = 0;
  healed.reset_ppm = healed.stall_ppm = healed.silent_crash_ppm = 0;
  healed.slow_compute_ppm = healed.pause_ppm = 0;
  return healed;
}

std::string FaultOptions::Describe() const {
  std::string text = absl::StrCat(
      "short_transfer_ppm=", short_transfer_ppm, " split_recv_ppm=", split_recv_ppm,
      " read_us=", read_us_min, "-", read_us_max, " write_us=", write_us_min, "-", write_us_max,
      " sync_us=", sync_us_min, "-", sync_us_max, " compute_us=", compute_us_min, "-",
      compute_us_max, " net_us=", net_us_min, "-", net_us_max);
  absl::StrAppend(&text, " net_bytes_per_us=", net_bytes_per_us,
                  " send_window_bytes=", send_window_bytes,
                  " connect_timeout_us=", connect_timeout_us,
                  " silence_timeout_us=", silence_timeout_us, " read_eio_ppm=", read_eio_ppm,
                  " write_eio_ppm=", write_eio_ppm, " sync_eio_ppm=", sync_eio_ppm);
  absl::StrAppend(&text, " slow_disk_ppm=", slow_disk_ppm, " slow_disk_factor=", slow_disk_factor,
                  " torn_garbage_ppm=", torn_garbage_ppm, " capacity_bytes=", capacity_bytes,
                  " descriptors_max=", descriptors_max, " lying_sync_ppm=", lying_sync_ppm,
                  " misdirected_write_ppm=", misdirected_write_ppm);
  absl::StrAppend(
      &text, " reset_ppm=", reset_ppm, " stall_ppm=", stall_ppm, " stall_us_max=", stall_us_max,
      " silent_crash_ppm=", silent_crash_ppm, " clock_offset_us_max=", clock_offset_us_max,
      " clock_drift_ppm_max=", clock_drift_ppm_max, " slow_compute_ppm=", slow_compute_ppm,
      " pause_ppm=", pause_ppm, " pause_us_max=", pause_us_max);
  return text;
}

}  // namespace tidemark
