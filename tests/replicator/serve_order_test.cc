// Goal: a site's bandwidth goes to the vault that is nearest to missing its RPO target; commits
// that wait for it, and what is missed already, still move.
#include "replicator/serve_order.h"

#include <gtest/gtest.h>

namespace tidemark {
namespace {

using Want = ServeClaim::Want;
constexpr absl::Duration kDatabase = absl::Minutes(15), kMedia = absl::Minutes(60);

ServeClaim Claim(absl::Duration target, absl::Duration rpo, Want want = Want::kRecords) {
  ServeClaim claim;
  claim.want = want;
  claim.target = target;
  claim.rpo = rpo;
  claim.behind = rpo;
  return claim;
}
ServeClaim Unknown(absl::Duration target, Want want = Want::kRecords) {
  ServeClaim claim = Claim(target, absl::ZeroDuration(), want);
  claim.rpo.reset();
  claim.behind.reset();
  return claim;
}
ServeClaim Waiting(Want want = Want::kRecords) {
  ServeClaim claim = Claim(kMedia, absl::ZeroDuration(), want);
  claim.commits_wait = true;
  return claim;
}

size_t Sends(std::vector<ServeClaim> claims) {
  ServeOrder order;
  return order.NextToSend(claims).value_or(99);
}

TEST(ServeOrder, LeastTimeLeftGoesFirstWhoeverWaitsLonger) {
  EXPECT_EQ(Sends({Claim(kMedia, absl::Minutes(20)), Claim(kDatabase, absl::Minutes(1))}), 1u);
  EXPECT_EQ(Sends({Claim(kMedia, absl::Minutes(50)), Claim(kDatabase, absl::Minutes(1))}), 0u);
  EXPECT_EQ(Sends({Claim(kDatabase, absl::Minutes(1)), Claim(kDatabase, absl::Minutes(2))}), 1u);
}

TEST(ServeOrder, WhoWantsNothingIsNotServed) {
  EXPECT_EQ(Sends({}), 99u);
  EXPECT_EQ(Sends({Claim(kDatabase, absl::Minutes(9), Want::kNothing)}), 99u);
  EXPECT_EQ(Sends({Claim(kDatabase, absl::Minutes(9), Want::kFetch),
                   Claim(kMedia, absl::ZeroDuration())}),
            1u);
}

TEST(ServeOrder, WhatCanBeKeptComesBeforeWhatIsMissed) {
  EXPECT_EQ(Sends({Claim(kMedia, absl::Hours(9)), Claim(kDatabase, absl::Seconds(1))}), 1u);
  EXPECT_EQ(Sends({Claim(kDatabase, absl::Hours(9)), Claim(kMedia, absl::Minutes(59))}), 1u);
}

// An outage of two hours: both are late, and the one with an hour's target is so by less.
TEST(ServeOrder, OfTheMissedTheShortestTargetGoesFirst) {
  EXPECT_EQ(Sends({Claim(kMedia, absl::Hours(9)), Claim(kDatabase, absl::Hours(2))}), 1u);
  EXPECT_EQ(Sends({Unknown(kMedia), Claim(kDatabase, absl::Hours(2))}), 1u);
  EXPECT_EQ(Sends({Claim(kDatabase, absl::Hours(2)), Unknown(kDatabase)}), 1u);
}

TEST(ServeOrder, WhatIsMissedDoesNotStandStill) {
  ServeOrder order;
  const std::vector<ServeClaim> claims = {Claim(kMedia, absl::Hours(9)),
                                          Claim(kDatabase, absl::Minutes(2))};
  int missed = 0;
  for (int i = 0; i < 100; ++i) missed += order.NextToSend(claims) == 0u ? 1 : 0;
  EXPECT_EQ(missed, 100 / (ServeOrder::kMissedTurn + 1));
}

TEST(ServeOrder, CommitsThatWaitComeInTurn) {
  ServeOrder order;
  const std::vector<ServeClaim> claims = {Waiting(), Claim(kDatabase, absl::Minutes(14)), Waiting(),
                                          Claim(kMedia, absl::ZeroDuration())};
  std::vector<int> served(claims.size());
  for (int i = 0; i < 300; ++i) ++served[order.NextToSend(claims).value()];
  EXPECT_EQ(served, (std::vector<int>{100, 100, 100, 0}));
}

TEST(WhoMayFetch, TheOneWithTheLeastTimeLeft) {
  EXPECT_EQ(WhoMayFetch({}), std::nullopt);
  EXPECT_EQ(WhoMayFetch({Claim(kMedia, absl::Minutes(20), Want::kFetch),
                         Claim(kDatabase, absl::Minutes(1), Want::kFetch)}),
            1u);
  EXPECT_EQ(WhoMayFetch({Claim(kMedia, absl::Hours(20), Want::kFetch),
                         Claim(kDatabase, absl::Hours(2), Want::kFetch)}),
            1u);
}

TEST(WhoMayFetch, NobodyWhileAVaultThatIsFedNeedsTheSite) {
  const ServeClaim media = Claim(kMedia, absl::Minutes(20), Want::kFetch);
  EXPECT_EQ(WhoMayFetch({media, Claim(kDatabase, absl::Minutes(1))}), 0u);
  EXPECT_EQ(WhoMayFetch({media, Claim(kDatabase, absl::Minutes(8))}), std::nullopt);
  EXPECT_EQ(WhoMayFetch({media, Claim(kDatabase, absl::Minutes(8), Want::kNothing)}), 0u);
  // It has less time left than the one that is fed.
  EXPECT_EQ(WhoMayFetch({Claim(kMedia, absl::Minutes(58), Want::kFetch),
                         Claim(kDatabase, absl::Minutes(8))}),
            0u);
}

// An archive that is pushed for an hour is late wherever it goes: no reason to hold a fetch back.
TEST(WhoMayFetch, ALongPushThatIsFedInTimePressesNobody) {
  ServeClaim fed = Claim(kDatabase, absl::Hours(1));
  fed.behind = absl::Seconds(1);
  EXPECT_EQ(WhoMayFetch({Claim(kMedia, absl::Hours(2), Want::kFetch), fed}), 0u);
}

}  // namespace
}  // namespace tidemark
