#include "tests/sim/sim_faults.h"

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
  drawn.read_flip_ppm = DrawRate(&random, 30000);
  drawn.net_flip_ppm = DrawRate(&random, 3000);
  if (random.Below(20) == 0) drawn.descriptors_max = static_cast<uint32_t>(random.Between(24, 40));
  return drawn;
}

FaultOptions FaultOptions::Healed() const {
  FaultOptions healed = *this;
  healed.read_eio_ppm = healed.write_eio_ppm = healed.sync_eio_ppm = 0;
  healed.slow_disk_ppm = healed.torn_garbage_ppm = healed.read_flip_ppm = healed.net_flip_ppm = 0;
  healed.lying_sync_ppm = healed.misdirected_write_ppm = 0;
  healed.capacity_bytes = 0;
  healed.descriptors_max = 0;
  healed.reset_ppm = healed.stall_ppm = healed.silent_crash_ppm = 0;
  healed.slow_compute_ppm = healed.pause_ppm = 0;
  return healed;
}

std::string FaultOptions::Describe() const {
  std::string text;
  FaultOptions copy = *this;
  copy.ForEach([&text](const char* name, const auto* field, uint64_t calm) {
    if (*field != calm) text += std::string(" ") + name + "=" + std::to_string(*field);
  });
  return text.empty() ? "calm" : text.substr(1);
}

}  // namespace tidemark
