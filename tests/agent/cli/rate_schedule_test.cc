// Goal: at every instant a site has the rate that its lines say, in its own time zone.
// Method: a table of instants, and texts that must or must not be understood.
#include "agent/rate_schedule.h"

#include <gtest/gtest.h>

#include "agent/report/times.h"

namespace tidemark {
namespace {

RateSchedule Schedule(uint64_t always, const std::vector<std::string>& windows,
                      const std::string& zone = "UTC") {
  RateSchedule schedule;
  schedule.bytes_per_second = always;
  schedule.zone = zone;
  for (const std::string& text : windows) {
    const absl::StatusOr<RateWindow> window = ParseRateWindow(text);
    EXPECT_TRUE(window.ok()) << text;
    if (window.ok()) schedule.windows.push_back(*window);
  }
  return schedule;
}

uint64_t At(const RateSchedule& schedule, const std::string& time) {
  return RateAt(schedule, *ParseRfc3339(time));
}

TEST(Rate, IsReadAndWritten) {
  const std::pair<std::string, uint64_t> table[] = {
      {"none", 0},
      {"10000B/s", 10'000},
      {"10kB/s", 10'000},
      {"512KiB/s", 524'288},
      {"20MB/s", 20'000'000},
      {"20 MB/s", 20'000'000},
      {"3GiB/s", 3ull << 30},
      {"200Mbit/s", 25'000'000},
      {"1Gbit/s", 125'000'000},
      {"1000GB/s", kRateMax},
  };
  for (const auto& [text, bytes] : table) {
    const absl::StatusOr<uint64_t> rate = ParseRate(text);
    ASSERT_TRUE(rate.ok()) << text;
    EXPECT_EQ(*rate, bytes) << text;
    EXPECT_EQ(*ParseRate(FormatRate(bytes)), bytes) << FormatRate(bytes);
  }
  EXPECT_EQ(FormatRate(20'000'000), "20MB/s");
  EXPECT_EQ(FormatRate(25'500'000), "25500kB/s");
  EXPECT_EQ(FormatRate(0), "none");
}

TEST(Rate, RefusesWhatCouldBeMisread) {
  for (const char* text :
       {"", "0", "20", "20MB", "MB/s", "/s", "20mb/s", "-1MB/s", "1.5MB/s", "20MB/s ", "0MB/s",
        "9kB/s", "1001GB/s", "99999999999999999999B/s", "20MB/min", "unlimited"})
    EXPECT_FALSE(ParseRate(text).ok()) << text;
}

TEST(RateWindow, IsReadAndWritten) {
  for (const char* text : {"08:00-18:00 20MB/s", "Mon-Fri 08:00-18:00 20MB/s",
                           "Sat 00:00-24:00 none", "22:00-06:00 1GB/s"}) {
    const absl::StatusOr<RateWindow> window = ParseRateWindow(text);
    ASSERT_TRUE(window.ok()) << text;
    EXPECT_EQ(FormatRateWindow(*window), text);
  }
  EXPECT_EQ(*ParseRateWindow("08:00-18:00 20 MB/s"), *ParseRateWindow("08:00-18:00 20MB/s"));
  for (const char* text : {"", "20MB/s", "08:00 20MB/s", "8:00-18:00 20MB/s", "08:00-25:00 20MB/s",
                           "08:60-18:00 20MB/s", "08:00-08:00 20MB/s", "24:00-06:00 20MB/s",
                           "Fri-Mon 08:00-18:00 20MB/s", "Mon-Fry 08:00-18:00 20MB/s",
                           "08:00-18:00", "08:00-18:00 fast"})
    EXPECT_FALSE(ParseRateWindow(text).ok()) << text;
}

TEST(RateSchedule, WithoutWindowsTheLimitAlwaysHolds) {
  EXPECT_EQ(At(RateSchedule(), "2026-11-23T12:00:00Z"), 0u);
  EXPECT_EQ(At(Schedule(5'000'000, {}), "2026-11-23T12:00:00Z"), 5'000'000u);
}

// The 23rd is a Monday.
TEST(RateSchedule, AWindowHoldsFromItsFirstMinuteToTheOneBeforeItsLast) {
  const RateSchedule schedule = Schedule(0, {"Mon-Fri 08:00-18:00 20MB/s"});
  EXPECT_EQ(At(schedule, "2026-11-23T07:59:59Z"), 0u);
  EXPECT_EQ(At(schedule, "2026-11-23T08:00:00Z"), 20'000'000u);
  EXPECT_EQ(At(schedule, "2026-11-23T17:59:59Z"), 20'000'000u);
  EXPECT_EQ(At(schedule, "2026-11-23T18:00:00Z"), 0u);
  EXPECT_EQ(At(schedule, "2026-11-27T12:00:00Z"), 20'000'000u);
  EXPECT_EQ(At(schedule, "2026-11-28T12:00:00Z"), 0u) << "a Saturday";
}

TEST(RateSchedule, AWindowOverMidnightBelongsToTheDayOnWhichItBegins) {
  const RateSchedule schedule = Schedule(1'000'000, {"Sun 22:00-06:00 none"});
  EXPECT_EQ(At(schedule, "2026-11-22T21:59:00Z"), 1'000'000u);
  EXPECT_EQ(At(schedule, "2026-11-22T22:00:00Z"), 0u);
  EXPECT_EQ(At(schedule, "2026-11-23T05:59:00Z"), 0u) << "Monday morning";
  EXPECT_EQ(At(schedule, "2026-11-23T06:00:00Z"), 1'000'000u);
  EXPECT_EQ(At(schedule, "2026-11-23T22:00:00Z"), 1'000'000u) << "Monday night";
  EXPECT_EQ(At(schedule, "2026-11-22T03:00:00Z"), 1'000'000u) << "Sunday morning";
}

TEST(RateSchedule, TheFirstWindowThatHoldsCounts) {
  const RateSchedule schedule = Schedule(3'000'000, {"12:00-13:00 2MB/s", "08:00-18:00 1MB/s"});
  EXPECT_EQ(At(schedule, "2026-11-23T12:30:00Z"), 2'000'000u);
  EXPECT_EQ(At(schedule, "2026-11-23T13:00:00Z"), 1'000'000u);
  EXPECT_EQ(At(schedule, "2026-11-23T18:00:00Z"), 3'000'000u);
}

TEST(RateSchedule, HoursAreThoseOfItsZone) {
  const RateSchedule schedule = Schedule(0, {"08:00-18:00 1MB/s"}, "Europe/Paris");
  EXPECT_EQ(At(schedule, "2026-11-23T07:00:00Z"), 1'000'000u) << "an hour ahead in winter";
  EXPECT_EQ(At(schedule, "2026-07-20T06:00:00Z"), 1'000'000u) << "two in summer";
  EXPECT_EQ(At(schedule, "2026-07-20T16:00:00Z"), 0u);
}

}  // namespace
}  // namespace tidemark
