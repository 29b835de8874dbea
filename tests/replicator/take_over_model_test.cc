// Law 4 over thousands of random lives of one vault, and the proof that the model would notice.
#include "tests/replicator/take_over_model.h"

#include <gtest/gtest.h>

namespace tidemark {
namespace {

constexpr int kSteps = 1500;

TakeOverModel::Count LiveThousands(bool quorum) {
  TakeOverModel::Count total;
  for (uint64_t seed = 0; seed < 10'000; ++seed) {
    TakeOverModel model(seed, Bug::kNone, quorum);
    for (int step = 0; step < kSteps && model.violation().empty(); ++step) model.Step();
    EXPECT_EQ(model.violation(), "") << "seed " << seed;
    EXPECT_TRUE(model.Heal()) << "seed " << seed << " never converges: " << model.violation();
    if (testing::Test::HasFailure()) break;
    total.committed += model.count().committed;
    total.take_overs += model.count().take_overs;
    total.crashes += model.count().crashes;
    total.fenced += model.count().fenced;
    total.fetched += model.count().fetched;
    total.truncated += model.count().truncated;
    total.quorum_commits += model.count().quorum_commits;
    total.without_a_primary += model.count().without_a_primary;
  }
  std::printf(
      "committed %lu (%lu by quorum), take-overs %lu (%lu without a primary), crashes %lu, "
      "fenced %lu, fetched %lu, truncated %lu\n",
      total.committed, total.quorum_commits, total.take_overs, total.without_a_primary,
      total.crashes, total.fenced, total.fetched, total.truncated);
  return total;
}

TEST(TakeOverModel, LosesNothingCommittedAndKeepsOneWriter) {
  const TakeOverModel::Count total = LiveThousands(false);
  // The lives were eventful.
  EXPECT_GT(total.committed, 100'000u);
  EXPECT_GT(total.take_overs, 30'000u);
  EXPECT_GT(total.crashes, 100'000u);
  EXPECT_GT(total.fenced, 10'000u);
  EXPECT_GT(total.fetched, 10'000u);
}

TEST(TakeOverModel, LosesNothingThatAnyTwoSitesCommitted) {
  const TakeOverModel::Count total = LiveThousands(true);
  EXPECT_GT(total.committed, 100'000u);
  EXPECT_GT(total.quorum_commits, 30'000u);
  EXPECT_GT(total.without_a_primary, 3'000u);
  EXPECT_GT(total.truncated, 1'000u);
}

struct Broken {
  Bug bug;
  bool quorum;
};
class BrokenModel : public testing::TestWithParam<Broken> {};

TEST_P(BrokenModel, IsFoundWithin200Seeds) {
  for (uint64_t seed = 0; seed < 200; ++seed) {
    TakeOverModel model(seed, GetParam().bug, GetParam().quorum);
    for (int step = 0; step < kSteps; ++step) {
      model.Step();
      if (model.violation().empty()) continue;
      std::printf("seed %lu step %d: %s\n", seed, step, model.violation().c_str());
      return;
    }
  }
  FAIL() << "200 seeds and nothing was noticed";
}

INSTANTIATE_TEST_SUITE_P(
    Bugs, BrokenModel,
    testing::Values(Broken{Bug::kNoEpochCheck, false}, Broken{Bug::kPromiseForgotten, false},
                    Broken{Bug::kPromiseNotFenced, false}, Broken{Bug::kAckBeforeFlush, false},
                    Broken{Bug::kNothingAdopted, false}, Broken{Bug::kOnePromiseEnough, false},
                    Broken{Bug::kWitnessFedEarly, false}, Broken{Bug::kNoEpochCheck, true},
                    Broken{Bug::kPromiseForgotten, true}, Broken{Bug::kAckBeforeFlush, true},
                    Broken{Bug::kNothingAdopted, true}, Broken{Bug::kOnePromiseEnough, true},
                    Broken{Bug::kOldTailCounts, true}));

}  // namespace
}  // namespace tidemark
