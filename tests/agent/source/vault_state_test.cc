// Goal: what the agent keeps in its state directory is true and new enough to be of use.
#include <gtest/gtest.h>

#include "absl/strings/str_format.h"
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

// Where two sites may commit, the third one can hold another log: its records are no rows yet. The
// witness alone tells what is committed where both primaries must have it.
TEST(VaultState, IndexesNothingBeforeATakeOverThatMayChooseAnotherLog) {
  for (const bool may_use_quorum : {false, true}) {
    SCOPED_TRACE(may_use_quorum);
    PushWorld world(27);
    world.may_use_quorum = may_use_quorum;
    world.WriteSource("/source/one", PushWorld::Noise(2 << 20, 2));
    world.StartAgent();
    world.PushAll("one", "/source/one");
    world.PushAll("again", "/source/one");
    ASSERT_TRUE(world.RunUntilLevel(2, "default"));
    world.KillAgent();
    ASSERT_TRUE(world.index()->Clear().ok());
    world.KillSite(0);
    world.KillSite(1);
    world.StartAgent(/*opens=*/false);
    world.RunFor(absl::Seconds(5));
    EXPECT_NE(world.vault()->phase(), Vault::Phase::kOpen);
    EXPECT_EQ(world.index()->Coverage()->has_value(), !may_use_quorum);
    world.StartSite(0);
    world.StartSite(1);
    EXPECT_EQ(world.PushAll("two", "/source/one").new_bytes, 0u);
  }
}

// Rows as a dump has them.
std::string Rows(uint64_t from, size_t bytes) {
  std::string rows;
  for (uint64_t row = from; rows.size() < bytes; ++row) {
    const uint64_t chance = row * 0x9E3779B97F4A7C15;
    rows += absl::StrFormat("%d\t%d\torder-%06x\t2024-%02d-%02d\tshipped\tcustomer %05x\n", row,
                            chance % 1000003, chance >> 40, chance % 12 + 1, (chance >> 8) % 28 + 1,
                            chance >> 44);
  }
  return rows;
}

// It is little work, and nobody waits for it.
TEST(VaultState, WhatIsNewInAKnownArchiveIsCompressedBetter) {
  PushWorld world(25);
  const std::string known = PushWorld::Noise(8 << 20, 3);
  world.WriteSource("/source/known", known);
  world.WriteSource("/source/rows", Rows(0, 1 << 20));
  world.WriteSource("/source/both", known + Rows(1 << 20, 1 << 20));
  world.StartAgent();
  world.PushAll("known", "/source/known");
  const PushReport alone = world.PushAll("rows", "/source/rows");
  const PushReport among = world.PushAll("known", "/source/both");
  EXPECT_LT(among.new_bytes, alone.new_bytes + (64 << 10));
  EXPECT_LT(among.stored_bytes * 10, alone.stored_bytes * 9);
}

}  // namespace
}  // namespace tidemark
