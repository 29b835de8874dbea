// Goal: the simulator finds bugs. Each bug of the museum must be found within kSeedsMax seeds; a
// checker that never objects would pass every other test.
// Method: one child process for each bug, as an assertion of the product counts as a finding too.
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <string>

#include "crypto/museum.h"
#include "tests/sim/cluster.h"

namespace tidemark {
namespace {

constexpr uint64_t kSeedsMax = 200;
constexpr int kNotFound = 0, kFound = 3;

// True when a seed, or an assertion, objects.
bool IsFound(const std::string& bug) {
  std::fflush(nullptr);
  const pid_t child = fork();
  if (child == 0) {
    museum_bug_on_display = bug;
    for (uint64_t seed = 1; seed <= kSeedsMax; ++seed) {
      const ClusterResult result = PlaySeed(seed);
      if (result.finding.empty()) continue;
      std::fprintf(stderr, "%s: seed %d: %s\n", bug.c_str(), static_cast<int>(seed),
                   result.finding.c_str());
      _exit(kFound);
    }
    _exit(kNotFound);
  }
  int status = 0;
  if (child < 0 || waitpid(child, &status, 0) != child) return false;
  return WIFSIGNALED(status) || WEXITSTATUS(status) == kFound;
}

std::string NameOf(const testing::TestParamInfo<const char*>& bug) {
  std::string name = bug.param;
  std::replace(name.begin(), name.end(), '-', '_');
  return name;
}

class Museum : public testing::TestWithParam<const char*> {};

TEST_P(Museum, TheBugIsFound) { EXPECT_TRUE(IsFound(GetParam())); }

INSTANTIATE_TEST_SUITE_P(Bugs, Museum,
                         testing::Values("ack-before-flush", "epoch-check-skipped",
                                         "index-row-before-commit", "directory-not-flushed",
                                         "promise-not-stored", "key-not-hedged"),
                         NameOf);

TEST(MuseumWithoutBugs, IsNotFound) { EXPECT_FALSE(IsFound("")); }

}  // namespace
}  // namespace tidemark
