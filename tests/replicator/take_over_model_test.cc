// Law 4 over thousands of random lives of one vault, and the proof that the model would notice.
#include "tests/replicator/take_over_model.h"

#include <gtest/gtest.h>

namespace tidemark {
namespace {

constexpr int kSteps = 1500;

TEST(TakeOverModel, LosesNothingCommittedAndKeepsOneWriter) {
  TakeOverModel::Count total;
  for (uint64_t seed = 0; seed < 10'000; ++seed) {
    TakeOverModel model(seed, Bug::kNone);
    for (int step = 0; step < kSteps; ++step) {
      model.Step();
      ASSERT_EQ(model.violation(), "") << "seed " << seed << " step " << step;
    }
    ASSERT_TRUE(model.Heal()) << "seed " << seed << " never converges: " << model.violation();
    total.committed += model.count().committed;
    total.take_overs += model.count().take_overs;
    total.crashes += model.count().crashes;
    total.fenced += model.count().fenced;
    total.fetched += model.count().fetched;
  }
  // The lives were eventful.
  EXPECT_GT(total.committed, 100'000u);
  EXPECT_GT(total.take_overs, 30'000u);
  EXPECT_GT(total.crashes, 100'000u);
  EXPECT_GT(total.fenced, 10'000u);
  EXPECT_GT(total.fetched, 10'000u);
  std::printf("committed %lu, take-overs %lu, crashes %lu, fenced %lu, fetched %lu\n",
              total.committed, total.take_overs, total.crashes, total.fenced, total.fetched);
}

class BrokenModel : public testing::TestWithParam<Bug> {};

TEST_P(BrokenModel, IsFoundWithin200Seeds) {
  for (uint64_t seed = 0; seed < 200; ++seed) {
    TakeOverModel model(seed, GetParam());
    for (int step = 0; step < kSteps; ++step) {
      model.Step();
      if (model.violation().empty()) continue;
      std::printf("seed %lu step %d: %s\n", seed, step, model.violation().c_str());
      return;
    }
  }
  FAIL() << "200 seeds and nothing was noticed";
}

INSTANTIATE_TEST_SUITE_P(Bugs, BrokenModel,
                         testing::Values(Bug::kNoEpochCheck, Bug::kPromiseForgotten,
                                         Bug::kPromiseNotFenced, Bug::kAckBeforeFlush,
                                         Bug::kNothingAdopted, Bug::kOnePromiseEnough,
                                         Bug::kWitnessFedEarly));

}  // namespace
}  // namespace tidemark
