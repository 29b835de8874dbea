#include "tests/sim/cluster_options.h"

#include "absl/strings/numbers.h"
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
  const size_t drawn_apart = static_cast<size_t>(Act::kFailDisk);
  for (size_t act = 0; act < drawn_apart; ++act) drawn->acts[act] = DrawWeight(random);
  const auto seldom = [&](Act act, uint64_t one_in) {
    if (random->Below(one_in) != 0) drawn->acts[static_cast<size_t>(act)] = 0;
  };
  seldom(Act::kTakeOver, 2);
  seldom(Act::kRot, 4);
  seldom(Act::kLie, 5);
  drawn->events_between_acts = uint64_t{50} << random->Below(6);
  drawn->chaos_ms = uint64_t{500} << random->Below(4);
  drawn->down_ms_max = uint64_t{50} << random->Below(7);
  const uint64_t entropy = random->Below(20);
  if (entropy > 1) drawn->acts[static_cast<size_t>(Act::kStickEntropy)] = 0;
  drawn->agent_entropy_cloned = entropy == 1 ? 1 : 0;
  if (random->Below(12) == 0) drawn->site_capacity_bytes = (12 * kMebibyte) << random->Below(4);
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

void DrawLoad(SimRandom* random, ClusterOptions* drawn) {
  drawn->items = static_cast<uint32_t>(random->Between(8, 24));
  drawn->names = static_cast<uint32_t>(random->Between(1, 4));
  drawn->pushers = static_cast<uint32_t>(random->Between(1, 4));
  drawn->restorers = static_cast<uint32_t>(random->Below(3));
  drawn->item_bytes_max = uint64_t{1024} << random->Below(7);
  drawn->resume_bytes = uint64_t{1024} << random->Below(6);
  // Now and then an archive that needs more than one pack.
  if (random->Below(100) != 0) return;
  drawn->item_bytes_max = 6 * kMebibyte;
  drawn->items = static_cast<uint32_t>(random->Between(2, 8));
}

}  // namespace

const char* ActName(Act act) {
  static constexpr const char* kNames[] = {
      "crash_site",    "kill_site", "stop_site", "crash_agent", "kill_agent", "stop_agent",
      "block",         "reset",     "pause",     "hang_disk",   "jump_clock", "cancel_push",
      "stick_entropy", "take_over", "rot",       "lie",         "fail_disk"};
  static_assert(std::size(kNames) == kActs);
  return kNames[static_cast<size_t>(act)];
}

ClusterOptions ClusterOptions::Draw(uint64_t seed) {
  SimRandom random(MixSeeds(seed, HashText("cluster")));
  ClusterOptions drawn;
  drawn.seed = seed;
  drawn.faults = FaultOptions::Draw(seed);
  DrawChaos(&random, &drawn);
  DrawLimits(&random, &drawn);
  DrawLoad(&random, &drawn);
  drawn.real_tls = random.Below(100) == 0 ? 1 : 0;
  drawn.real_signatures = drawn.real_tls != 0 || random.Below(8) == 0 ? 1 : 0;
  drawn.quorum = random.Below(4) == 0 ? 1 : 0;
  drawn.quorum_after_ms = uint64_t{50} << random.Below(7);
  // Drawn apart, so that the seeds without it are what they were before there was such a fault.
  SimRandom apart(MixSeeds(seed, HashText("failing disks")));
  if (apart.Below(6) == 0)
    drawn.acts[static_cast<size_t>(Act::kFailDisk)] = static_cast<uint32_t>(apart.Between(1, 8));
  SimRandom lines(MixSeeds(seed, HashText("several connections")));
  if (lines.Below(3) == 0) drawn.connections = static_cast<uint32_t>(lines.Between(2, 3));
  // As a configuration must have it: each connection holds a record while it sends it.
  if (drawn.connections > 1)
    drawn.record_buffers = std::max(drawn.record_buffers, 6 * drawn.connections);
  return drawn;
}

std::vector<ClusterOptions::Field> ClusterOptions::Fields() {
  std::vector<Field> fields;
  const auto add = [&fields](const std::string& name, auto* field, uint64_t calm) {
    fields.push_back({name, *field, calm, [field](uint64_t value) {
                        *field = static_cast<std::remove_reference_t<decltype(*field)>>(value);
                      }});
  };
  for (size_t act = 0; act < kActs; ++act) add(ActName(static_cast<Act>(act)), &acts[act], 0);
  faults.ForEach(add);
  add("agent_entropy_cloned", &agent_entropy_cloned, 0);
  add("site_capacity_bytes", &site_capacity_bytes, 0);
  add("events_between_acts", &events_between_acts, kNoCalm);
  add("chaos_ms", &chaos_ms, kNoCalm);
  add("down_ms_max", &down_ms_max, kNoCalm);
  add("real_signatures", &real_signatures, 0);
  add("real_tls", &real_tls, 0);
  add("quorum", &quorum, kNoCalm);
  add("quorum_after_ms", &quorum_after_ms, kNoCalm);
  add("record_buffers", &record_buffers, kNoCalm);
  add("span_buffers", &span_buffers, kNoCalm);
  add("site_record_buffers", &site_record_buffers, kNoCalm);
  add("window_bytes", &window_bytes, kNoCalm);
  add("log_file_bytes_min", &log_file_bytes_min, kNoCalm);
  add("log_file_bytes_max", &log_file_bytes_max, kNoCalm);
  add("versions_per_keyring", &versions_per_keyring, kNoCalm);
  add("segment_bytes", &segment_bytes, kNoCalm);
  add("receipt_interval_ms", &receipt_interval_ms, kNoCalm);
  add("connections", &connections, 1);
  add("items", &items, kNoCalm);
  add("names", &names, kNoCalm);
  add("pushers", &pushers, kNoCalm);
  add("restorers", &restorers, kNoCalm);
  add("item_bytes_max", &item_bytes_max, kNoCalm);
  add("resume_bytes", &resume_bytes, kNoCalm);
  add("may_wait_for_all", &may_wait_for_all, 1);
  return fields;
}

absl::Status ClusterOptions::Set(const std::string& assignment) {
  const size_t equals = assignment.find('=');
  uint64_t value = 0;
  if (equals == std::string::npos || !absl::SimpleAtoi(assignment.substr(equals + 1), &value)) {
    return absl::InvalidArgumentError("not NAME=NUMBER: " + assignment);
  }
  for (const Field& field : Fields()) {
    if (field.name != assignment.substr(0, equals)) continue;
    field.set(value);
    return absl::OkStatus();
  }
  return absl::InvalidArgumentError("no option has the name " + assignment.substr(0, equals));
}

std::string ClusterOptions::Describe() const {
  ClusterOptions copy = *this;
  std::string text;
  for (const Field& field : copy.Fields()) {
    if (field.value != field.calm) absl::StrAppend(&text, " ", field.name, "=", field.value);
  }
  return text.substr(1);
}

}  // namespace tidemark
