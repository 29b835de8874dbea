#include "tests/sim/cluster_options.h"

#include "absl/strings/str_cat.h"
#include "chunker/segment.h"
#include "replicator/limits.h"
#include "tests/sim/sim_random.h"

namespace tidemark {
namespace {

constexpr uint64_t kMebibyte = 1 << 20;

uint32_t DrawWeight(SimRandom* random) {
  return random->Coin() ? 0 : static_cast<uint32_t>(random->Between(1, 8));
}

void DrawChaos(SimRandom* random, ClusterOptions* drawn) {
  for (uint32_t* weight :
       {&drawn->crash_site, &drawn->kill_site, &drawn->stop_site, &drawn->crash_agent,
        &drawn->kill_agent, &drawn->stop_agent, &drawn->block, &drawn->reset, &drawn->pause,
        &drawn->hang_disk, &drawn->jump_clock, &drawn->cancel_push}) {
    *weight = DrawWeight(random);
  }
  if (random->Below(3) == 0) drawn->take_over = static_cast<uint32_t>(random->Between(1, 8));
  drawn->events_between_acts = uint64_t{100} << random->Below(7);
  drawn->chaos_ms = uint64_t{1000} << random->Below(4);
  drawn->down_ms_max = uint64_t{50} << random->Below(7);
  const uint64_t entropy = random->Below(20);
  if (entropy == 0) drawn->stick_entropy = static_cast<uint32_t>(random->Between(1, 8));
  drawn->agent_entropy_cloned = entropy == 1;
}

void DrawLimits(SimRandom* random, ClusterOptions* drawn) {
  drawn->record_buffers = static_cast<uint32_t>(random->Between(4, 8));
  drawn->span_buffers = static_cast<uint32_t>(random->Between(3, 6));
  drawn->site_record_buffers = static_cast<uint32_t>(random->Between(4, 8));
  const uint64_t windows[] = {4096, 64 * 1024, kMebibyte, 8 * kMebibyte, 64 * kMebibyte};
  drawn->window_bytes = windows[random->Below(5)];
  drawn->log_file_bytes_min = kRecordBytesMax + 4096 * random->Between(1, 1024);
  drawn->log_file_bytes_max = drawn->log_file_bytes_min << random->Below(4);
  drawn->versions_per_keyring = uint64_t{1} << random->Below(6);
  drawn->segment_bytes = random->Coin() ? kSegmentBytesMax : uint64_t{65536} << random->Below(4);
  drawn->receipt_interval_ms = uint64_t{10} << random->Below(6);
}

}  // namespace

ClusterOptions ClusterOptions::Draw(uint64_t seed) {
  SimRandom random(MixSeeds(seed, HashText("cluster")));
  ClusterOptions drawn;
  drawn.seed = seed;
  drawn.faults = FaultOptions::Draw(seed);
  DrawChaos(&random, &drawn);
  DrawLimits(&random, &drawn);
  drawn.items = static_cast<uint32_t>(random.Between(2, 12));
  drawn.names = static_cast<uint32_t>(random.Between(1, 4));
  drawn.pushers = static_cast<uint32_t>(random.Between(1, 4));
  drawn.restorers = static_cast<uint32_t>(random.Below(3));
  drawn.item_bytes_max = uint64_t{4096} << random.Below(8);
  // Now and then an archive that needs more than one pack.
  if (random.Below(25) == 0) drawn.item_bytes_max = 6 * kMebibyte;
  drawn.resume_bytes = uint64_t{4096} << random.Below(8);
  return drawn;
}

std::string ClusterOptions::Describe() const {
  std::string text = absl::StrCat(
      "crash_site=", crash_site, " kill_site=", kill_site, " stop_site=", stop_site,
      " crash_agent=", crash_agent, " kill_agent=", kill_agent, " stop_agent=", stop_agent,
      " block=", block, " reset=", reset, " pause=", pause, " hang_disk=", hang_disk,
      " jump_clock=", jump_clock, " cancel_push=", cancel_push, " take_over=", take_over);
  absl::StrAppend(&text, " events_between_acts=", events_between_acts, " chaos_ms=", chaos_ms,
                  " down_ms_max=", down_ms_max, " stick_entropy=", stick_entropy,
                  " agent_entropy_cloned=", agent_entropy_cloned,
                  " record_buffers=", record_buffers, " span_buffers=", span_buffers,
                  " site_record_buffers=", site_record_buffers, " window_bytes=", window_bytes);
  absl::StrAppend(&text, " log_file_bytes=", log_file_bytes_min, "-", log_file_bytes_max,
                  " versions_per_keyring=", versions_per_keyring, " segment_bytes=", segment_bytes,
                  " resume_bytes=", resume_bytes, " receipt_interval_ms=", receipt_interval_ms);
  absl::StrAppend(&text, " items=", items, " names=", names, " pushers=", pushers,
                  " restorers=", restorers, " item_bytes_max=", item_bytes_max, "\n  ",
                  faults.Describe());
  return text;
}

}  // namespace tidemark
