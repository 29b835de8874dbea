// Goal: whatever happens to three sites and their agents, the laws hold (tests/sim/checkers.h) and,
// once nothing fails any more, the cluster becomes whole again.
// Method: seeds. Each plays chaos, heal, convergence and audit on the real object files.
#include <gtest/gtest.h>

#include <csignal>
#include <cstdio>

#include "tests/sim/cluster.h"

namespace tidemark {
namespace {

#if defined(__SANITIZE_ADDRESS__)
constexpr uint64_t kSeeds = 100;  // ten times slower, and each does the same work
#else
constexpr uint64_t kSeeds = 1000;
#endif
// One seed in so many is played twice.
constexpr uint64_t kTwiceEvery = 20;

volatile std::sig_atomic_t playing_seed = 0;

// An assertion of the product must say which seed it was.
void OnAbort(int) {
  std::fprintf(stderr, "aborted in seed %d; again: tidemark_sim --seed=%d --trace\n",
               static_cast<int>(playing_seed), static_cast<int>(playing_seed));
}

ClusterResult Play(uint64_t seed) {
  playing_seed = static_cast<std::sig_atomic_t>(seed);
  return PlaySeed(seed);
}

TEST(ClusterSim, EverySeedKeepsTheLawsAndBecomesWholeAgain) {
  std::signal(SIGABRT, OnAbort);
  uint64_t records = 0, restored = 0, acts = 0, resumed = 0;
  for (uint64_t seed = 1; seed <= kSeeds; ++seed) {
    const ClusterResult result = Play(seed);
    ASSERT_EQ(result.finding, "") << "seed " << seed << "\n  "
                                  << ClusterOptions::Draw(seed).Describe()
                                  << "\n  again: tidemark_sim --seed=" << seed << " --trace";
    records += result.records;
    restored += result.restored;
    acts += result.acts;
    resumed += result.resumed;
  }
  // The seeds did something: else they would prove nothing.
  EXPECT_GT(records, 10 * kSeeds);
  EXPECT_GT(restored, 10 * kSeeds);
  EXPECT_GT(acts, 10 * kSeeds);
  EXPECT_GT(resumed, kSeeds / 100);
}

TEST(ClusterSim, OneSeedIsOneHistory) {
  for (uint64_t seed = kTwiceEvery; seed <= kSeeds; seed += kTwiceEvery) {
    const ClusterResult first = Play(seed), second = Play(seed);
    ASSERT_EQ(first.trace, second.trace) << "seed " << seed;
    ASSERT_EQ(first.events, second.events) << "seed " << seed;
  }
}

}  // namespace
}  // namespace tidemark
