// Goal: what the agent keeps in its state directory is true and new enough to be of use.
#include <gtest/gtest.h>

#include "tests/agent/source/push_world.h"

namespace tidemark {
namespace {

TEST(VaultState, HoldsACheckpointThatFollowsTheLog) {
  PushWorld world(21);
  world.WriteSource("/source/one", "one");
  world.StartAgent();
  const PushReport first = world.PushAll("one", "/source/one");
  world.RunFor(absl::Seconds(6));
  absl::StatusOr<SignedCheckpoint> kept = world.KeptCheckpoint();
  ASSERT_TRUE(kept.ok()) << kept.status();
  EXPECT_GE(kept->checkpoint.upto.sequence, first.sequence);
  EXPECT_LE(kept->checkpoint.upto.sequence, world.committed());
  const PushReport second = world.PushAll("one", "/source/one");
  world.RunFor(absl::Seconds(6));
  kept = world.KeptCheckpoint();
  ASSERT_TRUE(kept.ok()) << kept.status();
  EXPECT_GE(kept->checkpoint.upto.sequence, second.sequence);
}

// A kit made from it must not know of more than every primary holds.
TEST(VaultState, HoldsNoCheckpointOfWhatIsNotCommitted) {
  PushWorld world(22);
  world.WriteSource("/source/one", "one");
  world.StartAgent();
  world.RunFor(absl::Seconds(6));
  const uint64_t committed = world.committed();
  world.BlockSite(1);
  TestCall* call = world.StartPush("one", "/source/one");
  world.RunFor(absl::Seconds(8));
  EXPECT_FALSE(call->report.has_value());
  const absl::StatusOr<SignedCheckpoint> kept = world.KeptCheckpoint();
  ASSERT_TRUE(kept.ok()) << kept.status();
  EXPECT_EQ(kept->checkpoint.upto.sequence, committed);
}

}  // namespace
}  // namespace tidemark
