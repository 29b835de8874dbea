// Goal: each started half hour beyond a target earns its credit once; what was planned earns none,
// what goes on behind it does.
#include "agent/report/incident_book.h"

#include <gtest/gtest.h>

#include "absl/strings/str_format.h"
#include "agent/report/json_fields.h"

namespace tidemark {
namespace {

using Windows = std::vector<MaintenanceWindow>;

const absl::Time kNovember = absl::FromCivil(absl::CivilDay(2026, 11, 1), absl::UTCTimeZone());
const absl::Time kDecember = kNovember + absl::Hours(720);
const absl::Time kNine = kNovember + absl::Hours(9);

SlaFact Fact(const std::string& alert, SlaLevel level) { return {{alert, "db", ""}, level, alert}; }

void Miss(IncidentBook* book, absl::Time from, absl::Duration length, const Windows& maintenance,
          const std::string& alert = "TidemarkRpo") {
  for (absl::Duration at; at <= length; at += absl::Seconds(1))
    book->Note(from + at, {Fact(alert, SlaLevel::kDanger)}, maintenance);
  for (int second = 1; second <= 90; ++second) {
    book->Note(from + length + absl::Seconds(second), {Fact(alert, SlaLevel::kInfo)}, maintenance);
  }
}

double Credit(const IncidentBook& book, const PriceTable& prices = {}) {
  return CreditPercent(book.incidents(), "db", kNovember, kDecember, prices);
}

IncidentBook Reloaded(const IncidentBook& book) {
  IncidentBook again;
  EXPECT_TRUE(again.Load(book.Save()).ok());
  EXPECT_EQ(again.Save(), book.Save());
  return again;
}

TEST(Incidents, CreditIsTenPercentForEachStartedHalfHour) {
  IncidentBook book;
  Miss(&book, kNovember, absl::Minutes(10), {});                   // 10 %
  Miss(&book, kNovember + absl::Hours(5), absl::Minutes(31), {});  // 20 %
  Miss(&book, kNine, absl::Minutes(120), {{kNine, kNine + absl::Hours(3), "disks"}});
  ASSERT_EQ(book.incidents().size(), 3u);
  EXPECT_EQ(book.incidents()[1].length(), absl::Minutes(31));
  EXPECT_TRUE(book.incidents()[0].is_planned);
  EXPECT_EQ(Credit(book), 30);
  EXPECT_EQ(CreditPercent(book.incidents(), "media", kNovember, kDecember, {}), 0);
  EXPECT_EQ(CreditPercent(book.incidents(), "db", kDecember, absl::InfiniteFuture(), {}), 0);
  Miss(&book, kNovember + absl::Hours(24), absl::Hours(9), {});
  EXPECT_EQ(Credit(book), 100);
  Reloaded(book);
}

TEST(Incidents, CreditCountsFromTheEndOfTheMaintenance) {
  const Windows maintenance = {{kNine - absl::Minutes(5), kNine + absl::Minutes(20), "disks"}};
  IncidentBook book;
  Miss(&book, kNine, absl::Minutes(20 + 61), maintenance);
  EXPECT_EQ(Credit(book), 30) << "61 minutes are three started half hours";
  ASSERT_EQ(book.incidents().size(), 1u);
  const Incident incident = Reloaded(book).incidents()[0];
  EXPECT_FALSE(incident.is_planned) << "not wholly";
  EXPECT_EQ(incident.length(), absl::Minutes(81));
  EXPECT_EQ(incident.planned, TimeSpans({{kNine, kNine + absl::Minutes(20)}}));
  EXPECT_EQ(LengthOf(incident.unplanned()), absl::Minutes(61));
}

TEST(Incidents, MaintenanceInTheMiddleOfAnIncidentIsLeftOut) {
  IncidentBook book;
  Miss(&book, kNine, absl::Minutes(50),
       {{kNine + absl::Minutes(10), kNine + absl::Minutes(20), "disks"},
        {kNine + absl::Minutes(15), kNine + absl::Minutes(30), "more"}});
  EXPECT_EQ(Credit(book), 10) << "30 minutes: one step, not one on each side";
}

// Between two looks, and while no agent ran, windows still count to the second.
TEST(Incidents, AGapIsSplitAtTheEndOfTheMaintenance) {
  const Windows maintenance = {{kNine, kNine + absl::Hours(1), "disks"}};
  IncidentBook book;
  book.Note(kNine, {Fact("TidemarkRpo", SlaLevel::kDanger)}, maintenance);
  EXPECT_TRUE(book.incidents()[0].is_planned);
  IncidentBook again = Reloaded(book);
  again.Note(kNine + absl::Hours(2), {Fact("TidemarkRpo", SlaLevel::kDanger)}, maintenance);
  EXPECT_EQ(LengthOf(again.incidents()[0].planned), absl::Hours(1));
  EXPECT_EQ(Credit(again), 20);
}

TEST(Incidents, OlderFilesAreRead) {
  const std::string saved = absl::StrFormat(
      R"({"version":1,"incidents":[{"alert":"TidemarkRpo","vault":"db","site":"","began":%d,)"
      R"("ended":%d,"open":true,"planned":true,"summary":"RPO"}]})",
      absl::ToUnixMillis(kNine), absl::ToUnixMillis(kNine + absl::Minutes(10)));
  IncidentBook book;
  ASSERT_TRUE(book.Load(saved).ok());
  EXPECT_EQ(Credit(book), 0);
  book.Note(kNine + absl::Minutes(50), {Fact("TidemarkRpo", SlaLevel::kDanger)}, {});
  EXPECT_EQ(Credit(book), 20) << "it goes on without a window";
}

TEST(Incidents, PushesThatAreAwayBeyondTheRtoEarnCredit) {
  IncidentBook book;
  Miss(&book, kNine, absl::Minutes(45), {}, "TidemarkWritable");
  EXPECT_EQ(Credit(book), 0) << "within the RTO";
  Miss(&book, kNine + absl::Hours(3), absl::Minutes(45 + 31), {}, "TidemarkWritable");
  EXPECT_EQ(Credit(book), 20);
  Miss(&book, kNine + absl::Hours(6), absl::Hours(3), {}, "TidemarkSpace");
  EXPECT_EQ(Credit(book), 20) << "no target is missed";
}

TEST(Incidents, TheRtoRunsFromTheEndOfTheMaintenance) {
  IncidentBook book;
  const Windows maintenance = {{kNine, kNine + absl::Hours(1), "disks"}};
  Miss(&book, kNine, absl::Hours(1) + absl::Minutes(45), maintenance, "TidemarkWritable");
  EXPECT_EQ(Credit(book), 0);
}

TEST(Incidents, AHalfHourThatMissesBothTargetsCountsOnce) {
  IncidentBook book;
  Miss(&book, kNine, absl::Minutes(105), {}, "TidemarkWritable");                // 45 to 105
  Miss(&book, kNine + absl::Minutes(15), absl::Minutes(90), {}, "TidemarkRpo");  // 15 to 105
  ASSERT_EQ(book.incidents().size(), 2u);
  EXPECT_EQ(Credit(book), 30);
}

TEST(Incidents, StepAndRtoAreThoseOfThePrices) {
  PriceTable prices;
  prices.credit_percent = 5;
  prices.credit_step = absl::Minutes(10);
  prices.credit_rto = absl::Minutes(1);
  IncidentBook book;
  Miss(&book, kNovember, absl::Minutes(21), {});
  EXPECT_EQ(Credit(book, prices), 15);
  Miss(&book, kNine, absl::Minutes(12), {}, "TidemarkWritable");
  EXPECT_EQ(Credit(book, prices), 25);
}

TEST(Incidents, AFlappingTargetIsOneIncident) {
  IncidentBook book;
  for (int second = 0; second < 600; ++second) {
    const SlaLevel level = second % 20 < 10 ? SlaLevel::kDanger : SlaLevel::kInfo;
    book.Note(kNovember + absl::Seconds(second), {Fact("TidemarkRpo", level)}, {});
  }
  ASSERT_EQ(book.incidents().size(), 1u);
  EXPECT_EQ(book.incidents()[0].length(), absl::Seconds(589)) << "until it was last seen";
}

TEST(Incidents, AClockSetBackTakesNothingAway) {
  IncidentBook book;
  const std::vector<SlaFact> missed = {Fact("TidemarkRpo", SlaLevel::kDanger)};
  book.Note(kNine, missed, {});
  book.Note(kNine + absl::Minutes(31), missed, {});
  book.Note(kNine - absl::Hours(5), missed, {});
  EXPECT_EQ(book.incidents()[0].length(), absl::Minutes(31));
  EXPECT_EQ(Credit(book), 20);
}

}  // namespace
}  // namespace tidemark
