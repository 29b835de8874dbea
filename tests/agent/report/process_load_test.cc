// Goal: the agent's own share of its machine, from the kernel's figures; what cannot be read is
// unknown.
#include "agent/report/process_load.h"

#include <gtest/gtest.h>

#include "absl/strings/str_format.h"

namespace tidemark {
namespace {

ProcessLoad::Texts At(uint64_t own, uint64_t all) {
  ProcessLoad::Texts texts;
  texts.self_stat =
      absl::StrFormat("17 (a) name (x) S 1 17 17 0 -1 4194560 1 0 0 0 %d %d 0 0 20 0 5 0 100 1 2",
                      own / 2, own - own / 2);
  texts.stat = absl::StrFormat("cpu  %d 0 0 0 0 0 0 0 99 99\ncpu0 1 2 3\n", all);
  texts.self_status = "Name:\tx\nVmRSS:\t  262144 kB\nThreads:\t5\n";
  texts.meminfo = "MemTotal:        1048576 kB\nMemFree:    5 kB\n";
  return texts;
}

TEST(ProcessLoad, SharesAreOfTheWholeMachine) {
  ProcessLoad load;
  for (int second = 0; second <= 30; ++second) {
    const auto at = static_cast<uint64_t>(second);
    // Half of one of two processors, and from the 20th second on all of it.
    const uint64_t own = 50 * at + (at > 20 ? 50 * (at - 20) : 0);
    load.Note(absl::Seconds(1000 + second), At(own, 7000 + 200 * at));
    if (second == 20) {
      EXPECT_DOUBLE_EQ(load.cpu_share().value(), 0.25);
    }
  }
  EXPECT_DOUBLE_EQ(load.cpu_share().value(), 0.5);
  EXPECT_EQ(load.resident_bytes(), 256u << 20);
  EXPECT_DOUBLE_EQ(load.memory_share().value(), 0.25);
}

TEST(ProcessLoad, WhatCannotBeReadIsUnknown) {
  ProcessLoad load;
  EXPECT_FALSE(load.cpu_share().has_value());
  EXPECT_FALSE(load.memory_share().has_value());
  load.Note(absl::Seconds(1), At(5, 100));
  EXPECT_FALSE(load.cpu_share().has_value()) << "one sample says nothing";
  load.Note(absl::Seconds(9), At(9, 900));
  EXPECT_TRUE(load.cpu_share().has_value());
  load.Note(absl::Seconds(10), {});
  EXPECT_FALSE(load.cpu_share().has_value());
  EXPECT_FALSE(load.resident_bytes().has_value());
  ProcessLoad::Texts rubbish = At(1, 1);
  rubbish.self_stat = "17 (x";
  rubbish.stat = "cpu a b";
  load.Note(absl::Seconds(20), rubbish);
  load.Note(absl::Seconds(30), rubbish);
  EXPECT_FALSE(load.cpu_share().has_value());
}

}  // namespace
}  // namespace tidemark
