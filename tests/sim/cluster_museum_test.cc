// Goal: the simulator finds bugs; a checker that never objects would pass every other test.
// Method: some exhibits of the museum each day, in turn, so that all have their turn within a
// fortnight; scripts/shows/B2.sh plays all.
#include <gtest/gtest.h>

#include <cstdio>
#include <ctime>
#include <string>

#include "crypto/museum.h"
#include "tests/sim/museum_bugs.h"
#include "tests/sim/seed_fleet.h"

namespace tidemark {
namespace {

constexpr size_t kBugsPerTurn = 5;
constexpr uint64_t kSeedsWithoutBugs = 200;
constexpr int64_t kSecondsPerDay = 24 * 60 * 60;

size_t Turn() { return static_cast<size_t>(std::time(nullptr) / kSecondsPerDay); }

// The first seed of `count` that objects; 0: none does.
uint64_t SeedsNeeded(const std::string& bug, uint64_t count) {
  museum_bug_on_display = bug;
  FleetOptions fleet;
  fleet.count = count;
  uint64_t found = 0;
  PlayFleet(fleet, [&](const SeedRecord& record) {
    if (record.finding.empty() || found != 0) return;
    found = record.seed;
    std::printf("%s: seed %d: %s\n", bug.c_str(), static_cast<int>(record.seed),
                record.finding.c_str());
  });
  museum_bug_on_display = "";
  return found;
}

TEST(Museum, TheBugsOfThisTurnAreFound) {
  const std::vector<std::string>& bugs = MuseumBugs();
  for (size_t i = 0; i < kBugsPerTurn; ++i) {
    const std::string bug = bugs[(Turn() * kBugsPerTurn + i) % bugs.size()];
    EXPECT_GT(SeedsNeeded(bug, kMuseumSeedsMax), 0u) << bug;
  }
}

TEST(Museum, NothingIsFoundWithoutBugs) { EXPECT_EQ(SeedsNeeded("", kSeedsWithoutBugs), 0u); }

}  // namespace
}  // namespace tidemark
