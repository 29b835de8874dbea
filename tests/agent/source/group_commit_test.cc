// Goal: pushes that come together are committed together, and nobody waits for company in vain.
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "tests/agent/source/push_world.h"

namespace tidemark {
namespace {

constexpr int kPushes = 48;
constexpr char kPath[] = "/source/small";

TEST(GroupCommit, PutsPushesThatComeTogetherIntoFewRecords) {
  PushWorld world(31);
  world.WriteSource(kPath, "small");
  world.StartAgent();
  const uint64_t begun = world.committed();
  std::vector<TestCall*> calls;
  for (int i = 0; i < kPushes; ++i) {
    calls.push_back(world.StartPush("archive-" + std::to_string(i), kPath));
    world.RunFor(absl::Microseconds(50));
  }
  for (TestCall* call : calls) world.FinishPush(call);
  EXPECT_LE(world.committed() - begun, uint64_t{kPushes / 4});
}

TEST(GroupCommit, DoesNotHoldBackOneWhoPushesAlone) {
  PushWorld world(32);
  world.WriteSource(kPath, "small");
  world.StartAgent();
  const uint64_t begun = world.committed();
  for (int i = 0; i < 5; ++i) world.PushAll("alone", kPath);
  EXPECT_EQ(world.committed() - begun, 5u);
}

// What one primary can hold it is given, also while nothing can be committed.
TEST(GroupCommit, WaitsForAnAbsentSiteNoLongerThanAPackLingers) {
  PushWorld world(33);
  world.WriteSource(kPath, "small");
  world.StartAgent();
  world.RunFor(absl::Seconds(1));
  world.BlockSite(1);
  uint64_t held = world.durable_at(0);
  const uint64_t committed = world.committed();
  for (int i = 0; i < 6; ++i) {
    world.StartPush("archive-" + std::to_string(i), kPath);
    world.RunFor(absl::Milliseconds(400));
    EXPECT_GT(world.durable_at(0), held) << "push " << i;
    held = world.durable_at(0);
  }
  EXPECT_EQ(world.committed(), committed);
}

}  // namespace
}  // namespace tidemark
