// Goal: a push of a file that was cut off goes on where it was, without reading what it has read,
// and makes the same version; and never goes on from what is not there or is not the same file.
// Method: real agent and sites in the simulator; what must not be read again is unreadable.
#include <gtest/gtest.h>

#include "tests/agent/source/push_world.h"

namespace tidemark {
namespace {

constexpr uint64_t kMebibyte = 1 << 20;
constexpr uint64_t kSize = 24 * kMebibyte;
// Of the source, between the newest committed point and where the reading was: spans on their way
// (4 of 2 MiB), a pack that is open, what is between two points.
constexpr uint64_t kBehindMax = 14 * kMebibyte;
constexpr char kPath[] = "/source/file";

// Cut off at `read` by kill -9 of the agent.
void CutOff(PushWorld* world, const std::string& name, const std::string& path, uint64_t read) {
  TestCall* call = world->StartPush(name, path);
  ASSERT_TRUE(world->RunUntilRead(call, read));
  world->RunFor(absl::Milliseconds(50));
  world->KillAgent();
}

TEST(PushResume, GoesOnAfterTheAgentWasKilled) {
  PushWorld world(1);
  std::string content = PushWorld::Noise(kSize, 1);
  world.WriteSource(kPath, content);
  world.PunchSource(kPath, 3 * kMebibyte, kMebibyte);
  content.replace(3 * kMebibyte, kMebibyte, kMebibyte, '\0');
  world.StartAgent();
  CutOff(&world, "file", kPath, kSize * 9 / 10);
  world.StartAgent();
  // Whatever was read before the last point is not read again.
  const uint64_t behind = kSize * 9 / 10 - kBehindMax;
  world.MakeUnreadable(kPath, 0, behind);
  TestCall* call = world.StartPush("file", kPath);
  const PushReport report = world.FinishPush(call);
  EXPECT_TRUE(call->Heard("resuming at ")) << testing::PrintToString(call->notes);
  EXPECT_GE(report.resumed_at_bytes, behind);
  EXPECT_LT(report.resumed_at_bytes, kSize);
  EXPECT_EQ(report.version, 1u);
  EXPECT_EQ(report.source_bytes, kSize);
  EXPECT_EQ(report.data_bytes, kSize - kMebibyte);
  EXPECT_TRUE(report.complete);
  for (const char* site : {"a", "b", "w"}) EXPECT_EQ(world.Restored("file", 1, site), content);
  EXPECT_EQ(world.Listed("file").size(), 1u);
}

TEST(PushResume, MakesTheVersionThatAnUninterruptedPushMakes) {
  PushWorld world(2);
  world.segment_bytes = 5 * kMebibyte;
  world.WriteSource(kPath, PushWorld::Noise(kSize, 2));
  world.StartAgent();
  CutOff(&world, "file", kPath, kSize * 8 / 10);
  world.StartAgent();
  const PushReport resumed = world.PushAll("file", kPath);
  EXPECT_GT(resumed.resumed_at_bytes, 0u);
  const PushReport whole = world.PushAll("other", kPath);
  EXPECT_EQ(whole.resumed_at_bytes, 0u);
  EXPECT_EQ(resumed.chunks, whole.chunks);
  EXPECT_EQ(resumed.segments, whole.segments);
  EXPECT_EQ(resumed.segments, 5u);
  EXPECT_EQ(resumed.source_bytes, whole.source_bytes);
  EXPECT_EQ(resumed.data_bytes, whole.data_bytes);
  EXPECT_EQ(whole.new_bytes, 0u);  // cut alike, and known
}

TEST(PushResume, GoesOnAfterItsCallerWentAway) {
  PushWorld world(3);
  const std::string content = PushWorld::Noise(kSize, 3);
  world.WriteSource(kPath, content);
  world.StartAgent();
  TestCall* call = world.StartPush("file", kPath);
  ASSERT_TRUE(world.RunUntilRead(call, kSize * 9 / 10));
  call->Cancel();
  world.RunFor(absl::Seconds(1));
  ASSERT_TRUE(call->report.has_value());
  EXPECT_FALSE(call->report->ok());
  const PushReport report = world.PushAll("file", kPath);
  EXPECT_GT(report.resumed_at_bytes, 0u);
  EXPECT_EQ(report.version, 1u);
  EXPECT_EQ(world.Restored("file", 1), content);
}

TEST(PushResume, BeginsAnewAndSaysSoWhenTheSourceHasChanged) {
  PushWorld world(4);
  std::string content = PushWorld::Noise(kSize, 4);
  world.WriteSource(kPath, content);
  world.StartAgent();
  CutOff(&world, "file", kPath, kSize * 9 / 10);
  content[5] ^= 1;
  world.WriteSource(kPath, content);
  world.StartAgent();
  TestCall* call = world.StartPush("file", kPath);
  const PushReport report = world.FinishPush(call);
  EXPECT_EQ(report.resumed_at_bytes, 0u);
  EXPECT_TRUE(call->Heard("the source changed")) << testing::PrintToString(call->notes);
  EXPECT_EQ(report.source_bytes, kSize);
  EXPECT_LT(report.new_bytes, kSize - 4 * kMebibyte);  // what the first one stored is known
  EXPECT_EQ(world.Restored("file", 1), content);
  EXPECT_EQ(world.book()->size(), 0u);  // and nobody says so again
}

TEST(PushResume, IsNotTriedWhenTheCallerDoesNotWantIt) {
  PushWorld world(5);
  world.WriteSource(kPath, PushWorld::Noise(kSize, 5));
  world.StartAgent();
  CutOff(&world, "file", kPath, kSize * 9 / 10);
  world.StartAgent();
  const PushReport report = world.FinishPush(world.StartPush("file", kPath, /*resume=*/false));
  EXPECT_EQ(report.resumed_at_bytes, 0u);
  EXPECT_EQ(report.source_bytes, kSize);
}

TEST(PushResume, OnlyFromPointsWhoseRecordIsCommitted) {
  PushWorld world(6);
  world.window_bytes = 8 * kMebibyte;  // so that it cannot place its root
  const std::string content = PushWorld::Noise(kSize, 6);
  world.WriteSource(kPath, content);
  world.StartAgent();
  const uint64_t committed = world.committed();
  world.BlockSite(1);  // from here on nothing commits
  TestCall* call = world.StartPush("file", kPath);
  ASSERT_TRUE(world.RunUntilRead(call, kSize / 3));
  world.RunFor(absl::Seconds(1));
  ASSERT_GT(world.book()->size(), 0u);
  ASSERT_EQ(world.committed(), committed);
  call->Cancel();
  world.RunFor(absl::Seconds(1));
  TestCall* again = world.StartPush("file", kPath);
  world.RunFor(absl::Seconds(1));
  world.HealSites();
  const PushReport report = world.FinishPush(again);
  EXPECT_EQ(report.resumed_at_bytes, 0u);
  EXPECT_FALSE(again->Heard("resuming"));
  EXPECT_EQ(world.Restored("file", 1), content);
}

// What only one primary holds is adopted with that one's tail, and then it is committed.
TEST(PushResume, FromAPointThatATakeOverCommits) {
  PushWorld world(7);
  const std::string content = PushWorld::Noise(kSize, 7);
  world.WriteSource(kPath, content);
  world.StartAgent();
  world.BlockSite(1);
  CutOff(&world, "file", kPath, kSize / 2);
  world.HealSites();
  world.StartAgent();
  const PushReport report = world.PushAll("file", kPath);
  EXPECT_GT(report.resumed_at_bytes, 0u);
  for (const char* site : {"a", "b", "w"}) EXPECT_EQ(world.Restored("file", 1, site), content);
}

TEST(PushResume, AlsoWhenTheResumedPushIsCutOffAgain) {
  PushWorld world(8);
  const std::string content = PushWorld::Noise(kSize, 8);
  world.WriteSource(kPath, content);
  for (const uint64_t read : {kSize / 2, kSize * 7 / 10, kSize * 8 / 10}) {
    world.StartAgent();
    CutOff(&world, "file", kPath, read);
  }
  world.StartAgent();
  TestCall* call = world.StartPush("file", kPath);
  const PushReport report = world.FinishPush(call);
  EXPECT_GE(report.resumed_at_bytes, kSize * 8 / 10 - kBehindMax);
  EXPECT_EQ(report.source_bytes, kSize);
  EXPECT_EQ(report.version, 1u);
  EXPECT_EQ(world.Restored("file", 1), content);
}

TEST(PushResume, TwoPushesOfOneNameGoOnEachWithItsOwn) {
  PushWorld world(9);
  const std::string one = PushWorld::Noise(kSize, 91), two = PushWorld::Noise(kSize, 92);
  world.WriteSource("/source/one", one);
  world.WriteSource("/source/two", two);
  world.StartAgent();
  TestCall* first = world.StartPush("file", "/source/one");
  TestCall* second = world.StartPush("file", "/source/two");
  ASSERT_TRUE(world.RunUntilRead(first, kSize / 2));
  ASSERT_TRUE(world.RunUntilRead(second, kSize / 2));
  world.RunFor(absl::Milliseconds(20));
  world.KillAgent();
  world.StartAgent();
  first = world.StartPush("file", "/source/one");
  second = world.StartPush("file", "/source/two");
  const PushReport of_one = world.FinishPush(first), of_two = world.FinishPush(second);
  EXPECT_GT(of_one.resumed_at_bytes, 0u);
  EXPECT_GT(of_two.resumed_at_bytes, 0u);
  EXPECT_EQ(of_one.version + of_two.version, 3u);
  EXPECT_EQ(world.Restored("file", of_one.version), one);
  EXPECT_EQ(world.Restored("file", of_two.version), two);
}

TEST(PushResume, IsOverOnceTheVersionIsThere) {
  PushWorld world(10);
  world.WriteSource(kPath, PushWorld::Noise(kSize, 10));
  world.StartAgent();
  const PushReport whole = world.PushAll("file", kPath);
  EXPECT_EQ(whole.resumed_at_bytes, 0u);
  const PushReport again = world.PushAll("file", kPath);
  EXPECT_EQ(again.resumed_at_bytes, 0u);
  world.KillAgent();
  world.StartAgent();  // the log says so too
  EXPECT_EQ(world.book()->size(), 0u);
  const PushReport later = world.PushAll("file", kPath);
  EXPECT_EQ(later.resumed_at_bytes, 0u);
  EXPECT_EQ(later.version, 3u);
}

// The next agent reads on from the newest keyring: the points before it must be said again.
TEST(PushResume, OutlivesSnapshotsOfTheKeyring) {
  PushWorld world(11);
  world.versions_per_keyring = 1;
  const std::string content = PushWorld::Noise(kSize, 11);
  world.WriteSource(kPath, content);
  world.WriteSource("/source/small", "small");
  world.StartAgent();
  CutOff(&world, "file", kPath, kSize * 9 / 10);
  for (int lives = 0; lives < 2; ++lives) {
    world.StartAgent();
    for (int i = 0; i < 3; ++i) world.PushAll("small", "/source/small");
    world.RunFor(absl::Seconds(1));
    world.KillAgent();
  }
  world.StartAgent();
  const PushReport report = world.PushAll("file", kPath);
  EXPECT_GT(report.resumed_at_bytes, 0u);
  EXPECT_EQ(world.Restored("file", 1), content);
}

// A lost index is made anew from manifests; what was pushed before the cut stands in none yet.
TEST(PushResume, KnowsTheChunksOfBeforeAlsoWithAnEmptyIndex) {
  PushWorld world(12);
  world.WriteSource(kPath, PushWorld::Noise(kSize, 12));
  world.StartAgent();
  CutOff(&world, "file", kPath, kSize * 9 / 10);
  ASSERT_TRUE(world.index()->Clear().ok());
  world.StartAgent();
  const PushReport resumed = world.PushAll("file", kPath);
  EXPECT_GT(resumed.resumed_at_bytes, 0u);
  const PushReport same = world.PushAll("other", kPath);
  EXPECT_EQ(same.new_bytes, 0u);
}

}  // namespace
}  // namespace tidemark
