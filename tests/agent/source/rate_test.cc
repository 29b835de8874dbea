// Goal: a site is sent no faster than its rate, by nobody, and the others do not feel it.
// Method: a real agent and real sites; simulated time.
#include <gtest/gtest.h>

#include "tests/agent/source/push_world.h"

namespace tidemark {
namespace {

constexpr uint64_t kRate = 1'000'000;
constexpr int kPrimary = 1, kWitness = 2;

struct Limited : ::testing::Test {
  Limited() : world(31) {
    world.WriteSource("/source/one", PushWorld::Noise(8 << 20, 3));
    world.StartAgent();
  }
  bool IsLevel(int site) {
    return world.durable_at(static_cast<SiteIndex>(site)) >= world.committed();
  }
  double SecondsUntilLevel(int site) {
    const absl::Duration from = world.Clock();
    EXPECT_TRUE(world.RunUntil([this, site] { return IsLevel(site); }));
    return absl::ToDoubleSeconds(world.Clock() - from);
  }
  PushWorld world;
};

// 8 MiB at 1 MB/s.
TEST_F(Limited, AWitnessIsFedAtItsRateAndAPushDoesNotWait) {
  world.link(kWitness)->SetRate(kRate);
  const absl::Duration from = world.Clock();
  world.PushAll("one", "/source/one");
  EXPECT_LT(world.Clock() - from, absl::Seconds(2));
  const double seconds = SecondsUntilLevel(kWitness) + absl::ToDoubleSeconds(world.Clock() - from);
  EXPECT_GT(seconds, 8.0);
  EXPECT_LT(seconds, 20.0);
}

TEST_F(Limited, APushWaitsForAPrimaryThatIsHeld) {
  world.link(kPrimary)->SetRate(kRate);
  const absl::Duration from = world.Clock();
  world.PushAll("one", "/source/one");
  EXPECT_GT(world.Clock() - from, absl::Seconds(8));
  EXPECT_LT(world.Clock() - from, absl::Seconds(12));
}

TEST_F(Limited, AnotherRateCountsInTheMiddleOfARecord) {
  world.link(kPrimary)->SetRate(kRate / 50);
  TestCall* call = world.StartPush("one", "/source/one");
  world.RunFor(absl::Seconds(5));
  EXPECT_FALSE(call->report.has_value());
  const absl::Duration from = world.Clock();
  world.link(kPrimary)->SetRate(0);
  world.FinishPush(call);
  EXPECT_LT(world.Clock() - from, absl::Seconds(5));
}

// What fell out of the window comes from a primary: at the same rate.
TEST_F(Limited, AFetchFromAPeerKeepsToTheRate) {
  world.KillAgent();
  world.window_bytes = 4 << 20;
  world.StartAgent();
  world.BlockSite(kWitness);
  world.PushAll("one", "/source/one");
  world.WriteSource("/source/more", PushWorld::Noise(48 << 20, 4));
  world.PushAll("more", "/source/more");
  world.HealSites();
  world.link(kWitness)->SetRate(5 * kRate);
  const double seconds = SecondsUntilLevel(kWitness);
  EXPECT_GT(seconds, 8.0) << "some 58 MB at 5 MB/s, less what the window still held";
  EXPECT_LT(seconds, 30.0);
}

TEST_F(Limited, AnAgentStopsInTheMiddle) {
  world.link(kPrimary)->SetRate(kRate / 100);
  world.StartPush("one", "/source/one");
  world.RunFor(absl::Seconds(2));
  world.KillAgent();
  world.StartAgent();
  world.PushAll("two", "/source/one");
  EXPECT_EQ(world.Restored("two", 1).size(), size_t{8} << 20);
}

}  // namespace
}  // namespace tidemark
