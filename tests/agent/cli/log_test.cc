// Goal: lines are filtered, dated, and cannot be forged. Method: a sink that collects.
#include "agent/log.h"

#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

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

std::string Formatted(LogFormat format, const std::string& text, const LogFields& fields = {}) {
  std::string all;
  Logger log(
      LogLevel::kInfo, [] { return absl::UnixEpoch(); },
      [&all](const std::string& line) { all += line; }, format);
  log.Warn(text, fields);
  return all;
}

TEST(Log, ComesInFourFormats) {
  EXPECT_EQ(Formatted(LogFormat::kText, "x \"y\""), "1970-01-01T00:00:00.000Z warn  x \"y\"\n");
  EXPECT_EQ(Formatted(LogFormat::kLogfmt, "x \"y\""),
            "ts=1970-01-01T00:00:00.000Z level=warn msg=\"x \\\"y\\\"\"\n");
  EXPECT_EQ(Formatted(LogFormat::kJson, "x \\"),
            "{\"ts\":\"1970-01-01T00:00:00.000Z\",\"level\":\"warn\",\"msg\":\"x \\\\\"}\n");
  EXPECT_EQ(Formatted(LogFormat::kJournald, "x"), "<4>x\n");
  EXPECT_FALSE(ParseLogFormat("xml").ok());
}

TEST(Log, FieldsStandBesideTheTextAndForgeNothing) {
  const LogFields fields = {{"site", "a"}, {"peer", "x\" y=\nz"}};
  EXPECT_EQ(Formatted(LogFormat::kText, "site a: lost", fields),
            "1970-01-01T00:00:00.000Z warn  site a: lost\n")
      << "the text says it already";
  EXPECT_EQ(Formatted(LogFormat::kLogfmt, "t", fields),
            "ts=1970-01-01T00:00:00.000Z level=warn msg=\"t\" site=\"a\" peer=\"x\\\" y= z\"\n");
  EXPECT_EQ(Formatted(LogFormat::kJson, "t", fields),
            "{\"ts\":\"1970-01-01T00:00:00.000Z\",\"level\":\"warn\",\"msg\":\"t\","
            "\"site\":\"a\",\"peer\":\"x\\\" y= z\"}\n");
}

TEST(Log, TheJournalGetsFieldsOfItsOwn) {
  const std::string path = testing::TempDir() + "journal." + std::to_string(getpid());
  unlink(path.c_str());
  sockaddr_un at{};
  at.sun_family = AF_UNIX;
  ASSERT_LT(path.size(), sizeof(at.sun_path));
  path.copy(at.sun_path, path.size());
  const int fd = socket(AF_UNIX, SOCK_DGRAM, 0);
  ASSERT_EQ(bind(fd, reinterpret_cast<sockaddr*>(&at), sizeof(at)), 0);
  Logger log = Logger::ToStderr(LogLevel::kInfo, [] { return kNow; }, LogFormat::kJournald, path);
  log.Error("site a: lost\nPRIORITY=0", {{"site", "a\nMESSAGE=forged"}});
  char datagram[4096];
  const ssize_t got = recv(fd, datagram, sizeof(datagram), MSG_DONTWAIT);
  close(fd);
  unlink(path.c_str());
  ASSERT_GT(got, 0);
  EXPECT_EQ(std::string(datagram, static_cast<size_t>(got)),
            "PRIORITY=3\nSYSLOG_IDENTIFIER=tidemark\nMESSAGE=site a: lost PRIORITY=0\n"
            "TIDEMARK_SITE=a MESSAGE=forged\n");
}

TEST(Log, WithoutAJournalStandardErrorHasTheLine) {
  testing::internal::CaptureStderr();
  Logger log = Logger::ToStderr(
      LogLevel::kInfo, [] { return kNow; }, LogFormat::kJournald, "/nowhere/journal");
  log.Info("serving", {{"site", "a"}});
  EXPECT_EQ(testing::internal::GetCapturedStderr(), "<6>serving\n");
}

TEST(Log, ADayIsBoundedHoweverMuchGoesWrong) {
  uint64_t lines = 0, longest = 0, left_out = 0;
  absl::Time now = absl::UnixEpoch();
  Logger log(
      LogLevel::kInfo, [&now] { return now; },
      [&](const std::string& line) {
        ++lines;
        longest = std::max<uint64_t>(longest, line.size());
        if (line.find("were left out") != std::string::npos) ++left_out;
      });
  const std::string text(5000, 'x');
  for (; now < absl::UnixEpoch() + absl::Hours(24); now += absl::Milliseconds(100)) log.Info(text);
  EXPECT_LE(lines, 2 * 86400 + 2000u) << "a line a second, and beside it what was left out";
  EXPECT_LE(longest, Logger::kLineBytesMax + 40);
  EXPECT_GT(left_out, 0u) << "it says so";
}

}  // namespace
}  // namespace tidemark
