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

// Each holds every version: one for so and so many pushes would grow with the square of the log.
TEST(VaultState, WritesItsKeyringRarerTheLargerItIs) {
  constexpr uint64_t kPushes = 60, kSnapshotsMax = 25;
  PushWorld world(23);
  world.versions_per_keyring = 1;
  world.WriteSource("/source/small", "small");
  world.StartAgent();
  const uint64_t begun = world.committed();
  for (uint64_t i = 0; i < kPushes; ++i) world.PushAll("small", "/source/small");
  world.RunFor(absl::Seconds(1));
  EXPECT_GT(world.committed() - begun, kPushes + 5);
  EXPECT_LE(world.committed() - begun, kPushes + kSnapshotsMax);
  const uint64_t grown = world.committed();
  for (int lives = 0; lives < 3; ++lives) {  // a snapshot is as new as it was
    world.KillAgent();
    world.StartAgent();
    world.PushAll("small", "/source/small");
  }
  EXPECT_LE(world.committed() - grown, 9u);
  EXPECT_EQ(world.Listed("small").size(), kPushes + 3);
}

// What a vault was made with stands in its log: a configuration that says otherwise does not make
// known data new.
TEST(VaultState, KeepsTheChunksItWasMadeWith) {
  PushWorld world(23);
  const CutLimits made_with = world.cut;
  world.WriteSource("/source/one", PushWorld::Noise(3 << 20, 1));
  world.StartAgent();
  const PushReport first = world.PushAll("one", "/source/one");
  EXPECT_GT(first.new_chunks, 100u);
  world.KillAgent();
  world.cut = CutLimits();
  world.StartAgent();
  EXPECT_EQ(world.cut_limits(), made_with);
  const PushReport again = world.PushAll("two", "/source/one");
  EXPECT_EQ(again.chunks, first.chunks);
  EXPECT_EQ(again.new_bytes, 0u);
}

// The same take-over again, by an agent that has nothing of its own: no index, no keyring copy.
TEST(VaultState, AnotherAgentCutsAsTheFirstDid) {
  PushWorld world(24);
  world.WriteSource("/source/one", PushWorld::Noise(2 << 20, 2));
  world.StartAgent();
  world.PushAll("one", "/source/one");
  world.KillAgent();
  ASSERT_TRUE(world.index()->Clear().ok());
  world.cut = {16 * 1024, 64 * 1024, 256 * 1024};
  world.StartAgent();
  EXPECT_EQ(world.PushAll("two", "/source/one").new_bytes, 0u);
}

}  // namespace
}  // namespace tidemark
