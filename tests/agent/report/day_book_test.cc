// Goal: availability counts the time in which nobody looked as not available, whatever restarts and
// clocks do; what was planned is told apart.
#include "agent/report/day_book.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "agent/report/json_fields.h"
#include "agent/report/sla_report.h"

namespace tidemark {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

const absl::Time kNovember = absl::FromCivil(absl::CivilDay(2026, 11, 1), absl::UTCTimeZone());

StatusReport DayReport(absl::Time at, double lag, bool connected) {
  StatusReport report;
  report.at = at;
  SiteStatus site;
  site.name = "a";
  site.role = "primary";
  site.state = "streaming";
  site.connected = connected;
  report.sites.push_back(site);
  VaultStatus vault;
  vault.name = "db";
  vault.state = "open";
  vault.rpo_target_seconds = 60;
  VaultSiteStatus row;
  row.name = "a";
  row.replication_lag_seconds = row.rpo_actual_seconds = lag;
  vault.sites.push_back(row);
  report.vaults.push_back(vault);
  return report;
}

// An agent that looks once a second, by a clock that may be set.
struct World {
  DayBook book;
  SlaConfig config;
  absl::Time clock = kNovember;
  absl::Duration monotonic;
  void Live(absl::Duration length, bool well = true) {
    for (absl::Duration at; at <= length; at += absl::Seconds(1)) {
      if (at > absl::ZeroDuration()) Pass(absl::Seconds(1));
      book.Note(DayReport(clock, well ? 0.1 : 100, well), monotonic, config.maintenance);
    }
  }
  void Pass(absl::Duration length) {
    clock += length;
    monotonic += length;
  }
  // Dead for so long; the monotonic clock begins anew.
  void Restart(absl::Duration dead) {
    const std::string saved = book.Save();
    book = DayBook();
    ASSERT_TRUE(book.Load(saved).ok());
    EXPECT_EQ(book.Save(), saved);
    clock += dead;
    monotonic = absl::ZeroDuration();
  }
  SlaReport::Vault Report(const std::string& period) {
    const absl::StatusOr<SlaReport> report =
        MakeSlaReport(period, "agent", clock, book, IncidentBook(), UsageBook({}), config);
    if (!report.ok() || report->vaults.size() != 1) {
      ADD_FAILURE() << period << ": " << report.status();
      return {};
    }
    return report->vaults[0];
  }
  double Availability(const std::string& period) {
    return Report(period).availability.value_or(-1);
  }
};

TEST(DayBook, CountsWhatWasWatchedAndNothingElse) {
  World world;
  world.Live(absl::Seconds(900));
  world.Pass(absl::Seconds(1));
  world.Live(absl::Seconds(99), false);
  world.Pass(absl::Hours(1));  // unseen: the process was stopped
  world.Live(absl::ZeroDuration());
  ASSERT_EQ(world.book.rows().size(), 1u);
  const DayRow& row = world.book.rows().at({"db", "2026-11-01"});
  EXPECT_DOUBLE_EQ(row.watched, 1000);
  EXPECT_DOUBLE_EQ(row.writable, 900);
  EXPECT_DOUBLE_EQ(row.rpo_met, 900);
  EXPECT_DOUBLE_EQ(row.rpo_missed, 100);
  EXPECT_GE(row.LagPercentile(0.5).value_or(-1), 0.1);
  EXPECT_LE(row.LagPercentile(0.5).value_or(-1), 0.2);
  EXPECT_GE(row.LagPercentile(0.99).value_or(-1), 100);
  EXPECT_NEAR(world.Availability("2026-11-01"), 900.0 / 4600, 1e-9);
}

TEST(DayBook, ADeadAgentIsNotAvailable) {
  World world;
  world.Live(absl::Hours(1));
  EXPECT_DOUBLE_EQ(world.Availability("2026-11-01"), 1);
  world.Restart(absl::Hours(3));
  EXPECT_NEAR(world.Availability("2026-11-01"), 0.25, 1e-9) << "read while no agent runs";
  world.Live(absl::Hours(1));
  EXPECT_NEAR(world.Availability("2026-11-01"), 0.4, 1e-9);
  EXPECT_NEAR(world.Report("2026-11-01").unwatched, 3 * 3600, 1e-6);
}

TEST(DayBook, ABookThatIsWrittenEachMinuteIsNoDeadAgent) {
  World world;
  world.Live(absl::Minutes(10));
  world.clock += absl::Seconds(70);
  EXPECT_DOUBLE_EQ(world.Availability("2026-11-01"), 1);
}

TEST(DayBook, TimeBeforeAVaultWasSeenIsNotHeldAgainstIt) {
  World world;
  world.clock += absl::Hours(20);
  world.Live(absl::Hours(1));
  EXPECT_DOUBLE_EQ(world.Availability("2026-11"), 1);
}

TEST(DayBook, AGapIsSplitAtMidnight) {
  World world;
  world.clock = kNovember + absl::Hours(22);
  world.Live(absl::Hours(1));
  world.Restart(absl::Hours(48 + 2));  // until the 4th, 01:00
  world.Live(absl::Hours(1));
  EXPECT_NEAR(world.Availability("2026-11-01"), 0.5, 1e-9);
  EXPECT_DOUBLE_EQ(world.Availability("2026-11-02"), 0) << "no agent ran all day";
  EXPECT_NEAR(world.Availability("2026-11-04"), 0.5, 1e-9);
  EXPECT_NEAR(world.Availability("2026-11"), 2.0 / 52, 1e-9);
}

TEST(DayBook, ALookAcrossMidnightBelongsToBothDays) {
  World world;
  world.clock = kNovember + absl::Hours(24) - absl::Seconds(3);
  world.Live(absl::ZeroDuration());
  world.Pass(absl::Seconds(8));
  world.Live(absl::ZeroDuration());
  EXPECT_DOUBLE_EQ(world.book.rows().at({"db", "2026-11-01"}).watched, 3);
  EXPECT_DOUBLE_EQ(world.book.rows().at({"db", "2026-11-02"}).watched, 5);
}

TEST(DayBook, PlannedTimeIsLeftOutAndShown) {
  World world;
  world.config.maintenance = {{kNovember + absl::Hours(1), kNovember + absl::Hours(3), "new disks"},
                              {kNovember + absl::Hours(2), kNovember + absl::Hours(4), "overlaps"}};
  world.Live(absl::Hours(1));
  world.Live(absl::Hours(1), false);  // planned
  world.Restart(absl::Hours(2));      // planned
  world.Live(absl::Minutes(90));      // after it
  world.Restart(absl::Minutes(30));   // not planned
  world.Live(absl::ZeroDuration());
  const SlaReport::Vault vault = world.Report("2026-11-01");
  EXPECT_NEAR(vault.availability.value_or(-1), 2.5 / 3, 1e-9);
  EXPECT_NEAR(vault.availability_with_planned.value_or(-1), 2.5 / 6, 1e-9);
  EXPECT_NEAR(vault.planned, 3 * 3600, 1e-6);
  EXPECT_NEAR(vault.unwatched, 2.5 * 3600, 1e-6);
}

TEST(DayBook, AClockSetBackCountsNothingTwice) {
  World world;
  world.Live(absl::Hours(6));
  world.Restart(absl::Hours(2));
  world.Live(absl::Hours(2));
  for (int i = 0; i < 3; ++i) {
    world.clock -= absl::Hours(1);
    world.Live(absl::Hours(1));
  }
  EXPECT_NEAR(world.book.rows().at({"db", "2026-11-01"}).watched, 8 * 3600, 1e-6);
  EXPECT_NEAR(world.Availability("2026-11-01"), 0.8, 1e-9);
}

TEST(DayBook, AClockThatWasAYearAheadLeavesTheRowsAsTheyWere) {
  World world;
  world.Live(absl::Hours(1));
  const absl::Time right = world.clock;
  world.clock += absl::Hours(24 * 366);
  world.Live(absl::Minutes(1));
  world.Restart(absl::Hours(24 * 800));
  world.Live(absl::Minutes(1));
  EXPECT_LE(world.book.rows().size(), 3u) << "a day without an agent has no row";
  world.clock = right;
  world.Live(absl::Hours(1));
  EXPECT_NEAR(world.Availability("2026-11-01"), 1, 1e-9);
}

TEST(DayBook, RowsAndSpansAreBounded) {
  World world;
  for (size_t i = 0; i < DayBook::kDaysMax + 50; ++i) {
    world.clock += absl::Hours(24);
    world.Live(absl::Seconds(1));
  }
  EXPECT_EQ(world.book.rows().size(), DayBook::kDaysMax);
  EXPECT_EQ(Json::parse(world.book.Save())["covered"].size(), DayBook::kSpansMax);
}

TEST(DayBook, SmallStepsOfTheClockAreNoGaps) {
  World world;
  for (int i = 0; i < 1000; ++i) {
    world.Live(absl::ZeroDuration());
    world.Pass(absl::Milliseconds(500));
    world.clock += absl::Milliseconds(i % 2 == 0 ? 3 : -2);
  }
  EXPECT_EQ(Json::parse(world.book.Save())["covered"].size(), 1u);
  EXPECT_GT(world.Availability("2026-11-01"), 0.99999);
}

TEST(DayBook, AVaultThatIsConfiguredNoMoreEndsThere) {
  World world;
  world.Live(absl::Hours(1));
  StatusReport without = DayReport(world.clock + absl::Hours(5), 0.1, true);
  without.vaults.clear();
  world.book.Note(without, world.monotonic + absl::Hours(5), {});
  world.clock += absl::Hours(5);
  EXPECT_DOUBLE_EQ(world.Availability("2026-11-01"), 1);
}

TEST(DayBook, OlderFilesAreRead) {
  World world;
  world.config.maintenance = {{kNovember, kNovember + absl::Minutes(10), "disks"}};
  world.Live(absl::Hours(1));
  Json old = Json::parse(world.book.Save());
  for (const char* key : {"noted", "covered", "vaults"}) old.erase(key);
  for (Json& row : old["rows"]) row.erase("planned_writable");
  DayBook book;
  ASSERT_TRUE(book.Load(old.dump()).ok());
  world.book = std::move(book);
  world.clock += absl::Hours(24);
  const SlaReport::Vault vault = world.Report("2026-11-01");
  EXPECT_DOUBLE_EQ(vault.row.watched, 3600);
  EXPECT_DOUBLE_EQ(vault.availability.value_or(-1), 1);
  world.Live(absl::Minutes(1));
  EXPECT_NEAR(world.Availability("2026-11-02"), 1.0 / 61, 1e-9) << "known from the 1st on";
  EXPECT_FALSE(world.book.Load("{}").ok());
}

TEST(SlaReport, SaysWhatTheBooksSayInEveryFormat) {
  World world;
  world.Live(absl::Seconds(900));
  world.Pass(absl::Seconds(1));
  world.Live(absl::Seconds(99), false);
  world.Restart(absl::Seconds(1000));
  IncidentBook incidents;
  for (const int second : {900, 1000}) {
    incidents.Note(kNovember + absl::Seconds(second),
                   {{{"TidemarkRpo", "db", ""}, SlaLevel::kDanger, "RPO"}}, {});
  }
  incidents.Note(kNovember + absl::Seconds(1090),
                 {{{"TidemarkRpo", "db", ""}, SlaLevel::kInfo, "RPO"}}, {});
  const UsageBook usage{PriceTable{}};
  const auto make = [&](const std::string& period) {
    return MakeSlaReport(period, "agent", world.clock, world.book, incidents, usage, world.config);
  };
  absl::StatusOr<SlaReport> report = make("2026-11-01");
  ASSERT_TRUE(report.ok());
  ASSERT_EQ(report->vaults.size(), 1u);
  EXPECT_NEAR(report->vaults[0].availability.value_or(0), 0.45, 1e-9);
  EXPECT_NEAR(report->vaults[0].rpo_met.value_or(0), 0.9, 1e-9);
  EXPECT_NEAR(report->vaults[0].mean_repair_seconds.value_or(0), 100, 1e-9);
  EXPECT_EQ(report->vaults[0].credit_percent, 10);
  EXPECT_NEAR(report->watched_share, 0.5, 1e-9);
  EXPECT_THAT(SlaReportText(*report), HasSubstr("45.000 %"));
  const Json json = Json::parse(SlaReportJson(*report));
  EXPECT_EQ(json["vaults"][0]["incidents"].size(), 1u);
  EXPECT_EQ(json["vaults"][0]["unwatched_seconds"], 1000);
  report->vaults[0].name = "<script>";
  EXPECT_THAT(SlaReportPage(*report), Not(HasSubstr("<script>")));
  EXPECT_TRUE(make("2026-11").ok());
  EXPECT_FALSE(make("November").ok());
}

}  // namespace
}  // namespace tidemark
