// Goal: what becomes of the witness costs the primaries' acks nothing (invariant 10).
// Method: see isolation.h; `tidemark_sim --isolation` plays more.
#include "tests/sim/isolation.h"

#include <gtest/gtest.h>

namespace tidemark {
namespace {

constexpr uint64_t kSeeds = 60;

TEST(Isolation, TheWitnessCostsThePrimariesNothing) {
  Isolation isolation;
  for (uint64_t seed = 1; seed <= kSeeds; ++seed) {
    ASSERT_EQ(isolation.Add(Isolation::Options(seed)), "") << "seed " << seed;
  }
  EXPECT_TRUE(isolation.holds()) << isolation.Text();
}

}  // namespace
}  // namespace tidemark
