// Goal: whatever happens to three sites and their agents, the invariants hold (README.md) and, once
// nothing fails any more, the cluster becomes whole again.
// Method: seeds. Each plays chaos, heal, convergence and audit on the real object files.
#include <gtest/gtest.h>

#include "tests/sim/seed_fleet.h"

namespace tidemark {
namespace {

#if defined(__SANITIZE_ADDRESS__)
constexpr uint64_t kSeeds = 100;  // ten times slower, and each does the same work
#else
constexpr uint64_t kSeeds = 1000;
#endif
// One seed in so many is played again, in another process and with another history of its heap.
constexpr uint64_t kAgainEvery = 20;

TEST(ClusterSim, EverySeedKeepsTheInvariantsAndBecomesWholeAgain) {
  FleetOptions fleet;
  fleet.count = kSeeds;
  uint64_t records = 0, restored = 0, faults = 0, resumed = 0;
  const Measures measures = PlayFleet(fleet, [&](const SeedRecord& record) {
    EXPECT_EQ(record.finding, "") << "seed " << record.seed << "\n  "
                                  << ClusterOptions::Draw(record.seed).Describe()
                                  << "\n  again: tidemark_sim --seed=" << record.seed << " --trace";
    records += record.records;
    restored += record.restored;
    faults += record.faults;
    resumed += record.resumed;
  });
  // The seeds did something: else they would prove nothing.
  EXPECT_EQ(measures.seeds(), kSeeds);
  EXPECT_GT(records, 10 * kSeeds);
  EXPECT_GT(restored, 10 * kSeeds);
  EXPECT_GT(faults, 5 * kSeeds);
  EXPECT_GE(resumed, kSeeds / 200);
}

TEST(ClusterSim, OneSeedIsOneHistory) {
  for (uint64_t seed = kAgainEvery; seed <= kSeeds; seed += kAgainEvery) {
    FleetOptions fleet;
    fleet.first = seed;
    uint64_t there = 0;
    PlayFleet(fleet, [&](const SeedRecord& record) { there = record.trace; });
    const SeedRecord here = PlayRecorded(ClusterOptions::Draw(seed));
    ASSERT_EQ(here.trace, there) << "seed " << seed;
  }
}

// What the shrinker and a person who looks at a seed rely on.
TEST(ClusterOptions, EachFieldCanBeReadAndSetByName) {
  ClusterOptions options = ClusterOptions::Draw(1);
  for (const ClusterOptions::Field& field : ClusterOptions::Draw(1).Fields()) {
    ASSERT_TRUE(options.Set(field.name + "=7").ok()) << field.name;
  }
  for (const ClusterOptions::Field& field : options.Fields()) {
    EXPECT_EQ(field.value, 7u) << field.name;
  }
  EXPECT_FALSE(options.Set("no_such=1").ok());
  EXPECT_FALSE(options.Set("items=many").ok());
}

TEST(SeedRecord, SurvivesItsLine) {
  SeedRecord record = PlayRecorded(ClusterOptions::Draw(2));
  record.finding = "said one=two";
  const std::optional<SeedRecord> back = SeedRecord::FromLine(record.ToLine());
  ASSERT_TRUE(back.has_value());
  EXPECT_EQ(back->ToLine(), record.ToLine());
  EXPECT_EQ(back->trace, record.trace);
  EXPECT_FALSE(SeedRecord::FromLine("seed=1 cut off").has_value());
}

}  // namespace
}  // namespace tidemark
