// Goal: a warning comes before the breach, from a straight line; what stands or falls gives none.
#include "agent/report/forecast.h"

#include <gtest/gtest.h>

#include "agent/report/outlook.h"

namespace tidemark {
namespace {

TEST(Forecast, ALineIsFollowedToItsLimit) {
  Forecast forecast;
  for (int i = 0; i <= 20; ++i) forecast.Note(absl::Seconds(i), 100.0 + 2 * i);
  ASSERT_TRUE(forecast.rate().has_value());
  EXPECT_NEAR(*forecast.rate(), 2.0, 1e-9);
  EXPECT_NEAR(forecast.Reaches(240).value_or(-1), 50.0, 1e-6);
  EXPECT_EQ(forecast.Reaches(140), 0.0) << "passed";
}

TEST(Forecast, TooLittleIsNoForecast) {
  Forecast forecast;
  for (int i = 0; i < 10; ++i) {
    forecast.Note(absl::Seconds(i), i);
    EXPECT_FALSE(forecast.Reaches(100).has_value());
  }
  forecast.Note(absl::Seconds(10), 10);
  EXPECT_TRUE(forecast.Reaches(100).has_value());
}

TEST(Forecast, WhatStandsOrFallsReachesNothing) {
  Forecast stands, falls;
  for (int i = 0; i <= 20; ++i) {
    stands.Note(absl::Seconds(i), 5);
    falls.Note(absl::Seconds(i), 100 - i);
  }
  EXPECT_FALSE(stands.Reaches(10).has_value());
  EXPECT_FALSE(falls.Reaches(200).has_value());
}

TEST(Forecast, AFigureThatFellStartsANewStory) {
  Forecast forecast;
  for (int i = 0; i <= 20; ++i) forecast.Note(absl::Seconds(i), 10.0 * i);
  forecast.Note(absl::Seconds(21), 1);
  EXPECT_FALSE(forecast.Reaches(1000).has_value());
  forecast.Note(absl::Seconds(22), std::nullopt);
  EXPECT_FALSE(forecast.rate().has_value()) << "unknown forgets";
}

StatusReport Lagging(double rpo, double target) {
  StatusReport report;
  SiteStatus site;
  site.name = "w";
  report.sites.push_back(site);
  VaultStatus vault;
  vault.name = "v";
  vault.rpo_target_seconds = target;
  VaultSiteStatus row;
  row.name = "w";
  row.rpo_actual_seconds = rpo;
  vault.sites.push_back(row);
  report.vaults.push_back(vault);
  return report;
}

// Law 7 in small: the prediction made at any time before the breach is never late by more than the
// samples are apart.
TEST(Outlook, AClampedWitnessIsForeseenLongBeforeItsBreach) {
  constexpr double kTarget = 300;
  Outlook outlook;
  bool was_warned = false;
  for (int second = 0; second < 300; ++second) {
    StatusReport report = Lagging(second, kTarget);  // nothing arrives: it grows by 1 s a second
    outlook.Complete(absl::Seconds(second), &report);
    const std::optional<double> in = report.vaults[0].sites[0].breach_in_seconds;
    if (second >= 20) {
      ASSERT_TRUE(in.has_value()) << second;
      EXPECT_NEAR(*in, kTarget - second, 0.5);
      was_warned = true;
    }
    EXPECT_EQ(report.sites[0].breach_in_seconds, in);
  }
  EXPECT_TRUE(was_warned);
}

TEST(Outlook, ASmallRpoOnlyBreathes) {
  Outlook outlook;
  for (int second = 0; second < 60; ++second) {
    StatusReport report = Lagging(0.2 * second, 900);
    outlook.Complete(absl::Seconds(second), &report);
    EXPECT_FALSE(report.vaults[0].sites[0].breach_in_seconds.has_value());
  }
}

}  // namespace
}  // namespace tidemark
