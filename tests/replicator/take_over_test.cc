#include "replicator/take_over.h"

#include <gtest/gtest.h>

#include "tests/replicator/positions.h"

namespace tidemark {
namespace {

using enum absl::StatusCode;

SitePromise PromiseOf(const std::string& site, const Position& tail, uint64_t epoch = 9,
                      uint8_t nonce = 1) {
  SitePromise given;
  given.site = site;
  given.promise.promise.site = site;
  given.promise.promise.store.bytes[0] = static_cast<std::byte>(site[0]);
  given.promise.promise.epoch = epoch;
  given.promise.promise.nonce = Nonce(nonce);
  given.promise.promise.tail = tail;
  return given;
}

TEST(NextEpochs, AreAboveEverythingSeen) {
  EXPECT_EQ(NextEpoch(0, {}), 1u);
  EXPECT_EQ(NextEpoch(4, {2, 7, 3}), 8u);
  EXPECT_EQ(NextEpoch(9, {2}), 10u);
  EXPECT_EQ(NextEpoch(~uint64_t{0}, {}), 0u) << "none is left, sites refuse 0";
}

TEST(TakingOver, AFreshVault) {
  const auto plan = PlanTakeOver({PromiseOf("a", {}), PromiseOf("b", {})}, 2);
  ASSERT_TRUE(plan.ok());
  EXPECT_TRUE(plan->fresh);
  EXPECT_EQ(plan->base, Position());
  EXPECT_TRUE(plan->behind.empty());
}

TEST(TakingOver, EqualTails) {
  const auto plan = PlanTakeOver({PromiseOf("a", LogAt(5)), PromiseOf("b", LogAt(5))}, 2);
  ASSERT_TRUE(plan.ok());
  EXPECT_FALSE(plan->fresh);
  EXPECT_EQ(plan->base, LogAt(5));
  EXPECT_TRUE(plan->behind.empty());
}

TEST(TakingOver, AdoptsTheLongestTailAndNamesWhoIsBehind) {
  const auto plan = PlanTakeOver({PromiseOf("a", LogAt(3)), PromiseOf("b", LogAt(5))}, 2);
  ASSERT_TRUE(plan.ok());
  EXPECT_EQ(plan->base, LogAt(5));
  EXPECT_EQ(plan->source, "b");
  EXPECT_EQ(plan->behind, std::vector<std::string>{"a"});
}

TEST(TakingOver, AHigherEpochIsLongerThanAHigherSequenceOfItsPrefix) {
  const Position newer = RecordAfter(LogAt(5, 1), 2).position();
  const auto plan = PlanTakeOver({PromiseOf("a", newer), PromiseOf("b", LogAt(5, 1))}, 2);
  ASSERT_TRUE(plan.ok());
  EXPECT_EQ(plan->base, newer);
  EXPECT_EQ(plan->behind, std::vector<std::string>{"b"});
}

TEST(TakingOver, RefusesDivergedLogsAndNamesBoth) {
  const Position other = RecordAfter(LogAt(4), 1, 99).position();
  const auto plan = PlanTakeOver({PromiseOf("a", LogAt(5)), PromiseOf("b", other)}, 2);
  EXPECT_EQ(plan.status().code(), kDataLoss);
  EXPECT_NE(plan.status().message().find("site a"), absl::string_view::npos);
  EXPECT_NE(plan.status().message().find("site b"), absl::string_view::npos);
}

// Whether it may give up what it holds beyond is asked when it fetches: truncation.h.
TEST(TakingOver, AnOlderEpochsLongerTailMustFollowTheBaseToo) {
  const Position newer = RecordAfter(LogAt(4, 1), 2).position();
  for (uint64_t sequence : {5, 8}) {
    const auto plan = PlanTakeOver({PromiseOf("a", newer), PromiseOf("b", LogAt(sequence, 1))}, 2);
    ASSERT_TRUE(plan.ok()) << sequence;
    EXPECT_EQ(plan->base, newer);
    EXPECT_EQ(plan->behind, std::vector<std::string>{"b"});
  }
}

TEST(TakingOver, NeedsEveryPrimaryOnce) {
  EXPECT_EQ(PlanTakeOver({}, 2).status().code(), kFailedPrecondition);
  EXPECT_EQ(PlanTakeOver({}, 0).status().code(), kFailedPrecondition);
  EXPECT_EQ(PlanTakeOver({PromiseOf("a", {})}, 2).status().code(), kFailedPrecondition);
  EXPECT_EQ(PlanTakeOver({PromiseOf("a", {}), PromiseOf("a", {})}, 2).status().code(),
            kFailedPrecondition);
  auto same_store = PromiseOf("b", {});
  same_store.promise.promise.store = PromiseOf("a", {}).promise.promise.store;
  EXPECT_EQ(PlanTakeOver({PromiseOf("a", {}), same_store}, 2).status().code(), kFailedPrecondition);
}

TEST(TakingOver, NeedsOneEpochSessionAndVault) {
  const auto a = PromiseOf("a", LogAt(2));
  EXPECT_EQ(PlanTakeOver({a, PromiseOf("b", LogAt(2), 10)}, 2).status().code(),
            kFailedPrecondition);
  EXPECT_EQ(PlanTakeOver({a, PromiseOf("b", LogAt(2), 9, 2)}, 2).status().code(),
            kFailedPrecondition);
  auto elsewhere = PromiseOf("b", LogAt(2));
  elsewhere.promise.promise.vault.bytes[3] = std::byte{1};
  EXPECT_EQ(PlanTakeOver({a, elsewhere}, 2).status().code(), kFailedPrecondition);
}

TEST(TakingOver, RefusesAPromiseBelowTheSitesOwnLog) {
  EXPECT_EQ(
      PlanTakeOver({PromiseOf("a", LogAt(2, 10)), PromiseOf("b", LogAt(2, 10))}, 2).status().code(),
      kFailedPrecondition);
}

TEST(TakingOver, WorksForOneAndForThreePrimaries) {
  EXPECT_TRUE(PlanTakeOver({PromiseOf("a", LogAt(2))}, 1).ok());
  const auto plan =
      PlanTakeOver({PromiseOf("a", LogAt(2)), PromiseOf("b", {}), PromiseOf("c", LogAt(3))}, 3);
  ASSERT_TRUE(plan.ok());
  EXPECT_EQ(plan->source, "c");
  EXPECT_EQ(plan->behind, (std::vector<std::string>{"a", "b"}));
}

}  // namespace
}  // namespace tidemark
