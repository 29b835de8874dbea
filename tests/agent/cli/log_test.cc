// Goal: lines are filtered, dated, and cannot be forged. Method: a sink that collects.
#include "agent/log.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <vector>

namespace tidemark {
namespace {

const absl::Time kNow = absl::FromUnixMillis(1795221271123);

TEST(Log, WritesTimeLevelAndText) {
  std::vector<std::string> lines;
  Logger log(
      LogLevel::kInfo, [] { return kNow; },
      [&lines](const std::string& line) { lines.push_back(line); });
  log.Info("serving");
  log.Error("broken");
  log.Debug("not wanted");
  ASSERT_EQ(lines.size(), 2u);
  EXPECT_EQ(lines[0], "2026-11-21T00:34:31.123Z info  serving\n");
  EXPECT_EQ(lines[1], "2026-11-21T00:34:31.123Z error broken\n");
}

TEST(Log, ALineBreakInAMessageForgesNoLine) {
  std::string written;
  Logger log(
      LogLevel::kDebug, [] { return kNow; },
      [&written](const std::string& line) { written += line; });
  log.Warn("name\n2026-11-21T00:00:00.000Z error forged\x1b[2J");
  EXPECT_EQ(std::count(written.begin(), written.end(), '\n'), 1);
  EXPECT_EQ(written.find('\x1b'), std::string::npos);
}

TEST(Log, LevelsAreNamedAndParsedBack) {
  for (const char* word : {"error", "warn", "info", "debug"}) {
    const absl::StatusOr<LogLevel> level = ParseLogLevel(word);
    ASSERT_TRUE(level.ok());
    EXPECT_EQ(LogLevelName(*level), word);
  }
  EXPECT_FALSE(ParseLogLevel("loud").ok());
}

}  // namespace
}  // namespace tidemark
