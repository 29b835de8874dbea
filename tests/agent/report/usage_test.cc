// Goal: a month of usage, replayed hour by hour, raises its alerts on the right days and costs what
// a table worked out by hand says. November 2026 has 720 hours.
//
// Vault "db", tier S1 (1 TB): stored 800 GB and 2 GB more each day, so 860 GB at the end. Restored:
// 100 GB a day until the 15th, then 300 GB a day: 1.5 + 4.5 = 6 TB, 5 TB of them free.
//   actual egress   85 % of 5 TB = 4.25 TB after 15 + 2.75/0.3 days  = the 25th, 04:00
//                   95 % of 5 TB = 4.75 TB after 15 + 3.25/0.3 days  = the 26th, 20:00
//   projected       85 %: (1.5 + 0.3 d) / (15 + d) * 30 >= 4.25, d = 3.947 days: the 19th, 23:00
//                   95 %: the same with 4.75, d = 6.176 days: the 22nd, 05:00
//   stored          projected 86 %: known after 24 hourly samples, so on the 1st at 23:00
//   egress cost     1,000 GB at 0.08 = 80.00
// Vault "big", tier S1: 0.9 TB until the 10th, 1.5 TB from the 11th on.
//   overage         500 GB for 20 of 30 days = 333.33 GB months at 0.12 = 40.00
#include <gtest/gtest.h>

#include "agent/report/incident_book.h"
#include "agent/report/json_fields.h"
#include "agent/report/network_metrics.h"
#include "agent/report/usage_book.h"

namespace tidemark {
namespace {

const absl::Time kNovember = absl::FromCivil(absl::CivilDay(2026, 11, 1), absl::UTCTimeZone());

std::vector<VaultUsage> UsageAt(double day) {
  const double restored = day <= 15 ? 100e9 * day : 1500e9 + 300e9 * (day - 15);
  return {{"db", "S1", 800e9 + 2e9 * day, 3e12, restored},
          {"big", "S1", day < 10 ? 0.9e12 : 1.5e12, 2e12, 0}};
}

const UsageStatement& Of(const std::vector<UsageStatement>& all, const std::string& vault) {
  for (const UsageStatement& made : all) {
    if (made.vault == vault) return made;
  }
  return all.at(0);
}

struct Month {
  UsageBook book{PriceTable{}};
  std::map<std::string, int> first_hour;  // "warning": of db's egress, actual or projected
  void Play(int from_hour, int to_hour) {
    for (int hour = from_hour; hour <= to_hour; ++hour) {
      book.Note(kNovember + absl::Hours(hour), UsageAt(hour / 24.0));
      const std::vector<UsageStatement> now = book.Statements();
      const UsageStatement& db = Of(now, "db");
      const double projected = db.projected_egress_ratio.value_or(0);
      const std::pair<const char*, bool> crossings[] = {
          {"egress 85", db.egress_ratio >= 0.85},
          {"egress 95", db.egress_ratio >= 0.95},
          {"egress projected 85", projected >= 0.85},
          {"egress projected 95", projected >= 0.95},
          {"stored projected 85", db.projected_ratio.value_or(0) >= 0.85},
          {"warning", db.level == SlaLevel::kWarning},
          {"danger", db.level == SlaLevel::kDanger}};
      for (const auto& [what, happened] : crossings) {
        if (happened && hour < 720) first_hour.try_emplace(what, hour);
      }
    }
  }
  // What was restored in the last hour belongs to the month.
  void PlayWhole() {
    Play(0, 719);
    book.Note(kNovember + absl::Hours(720) - absl::Seconds(1), UsageAt(30));
    Play(720, 720);
  }
};

TEST(Usage, AMonthRaisesItsAlertsOnTheRightDays) {
  Month month;
  month.Play(0, 719);
  EXPECT_EQ(month.first_hour["stored projected 85"], 23);
  EXPECT_EQ(month.first_hour["warning"], 23);
  EXPECT_EQ(month.first_hour["egress projected 85"], 18 * 24 + 23);
  EXPECT_EQ(month.first_hour["egress projected 95"], 21 * 24 + 5);
  EXPECT_EQ(month.first_hour["danger"], 21 * 24 + 5);
  EXPECT_EQ(month.first_hour["egress 85"], 24 * 24 + 4);
  EXPECT_EQ(month.first_hour["egress 95"], 25 * 24 + 20);
}

TEST(Usage, AMonthCostsWhatTheTableSays) {
  Month month;
  month.PlayWhole();
  ASSERT_EQ(month.book.past().size(), 2u);
  const std::vector<UsageStatement> past(month.book.past().begin(), month.book.past().end());
  const UsageStatement& db = Of(past, "db");
  EXPECT_EQ(db.month, "2026-11");
  EXPECT_NEAR(db.egress_cost, 80.0, 1e-6);
  EXPECT_NEAR(db.overage_cost, 0, 1e-9);
  const UsageStatement& big = Of(past, "big");
  EXPECT_NEAR(big.overage_gb_months, 1000.0 / 3, 1e-6);
  EXPECT_NEAR(big.overage_cost, 40.0, 1e-6);
  EXPECT_NEAR(big.stored_byte_hours, 0.9e12 * 240 + 1.5e12 * 480, 1);
  // The new month begins with nothing used.
  EXPECT_NEAR(Of(month.book.Statements(), "db").egress_bytes, 0, 1);
}

TEST(Usage, ARestartInTheMiddleChangesNothing) {
  Month whole, first, second;
  whole.Play(0, 720);
  first.Play(0, 400);
  const std::string saved = first.book.Save();
  ASSERT_TRUE(second.book.Load(saved).ok());
  EXPECT_EQ(second.book.Save(), saved);
  EXPECT_FALSE(second.book.Load(saved.substr(0, saved.size() / 2)).ok());
  // The agent counts restores from 0 again after its start.
  const double before = UsageAt(400 / 24.0)[0].restored_bytes_total;
  for (int hour = 401; hour <= 720; ++hour) {
    std::vector<VaultUsage> usage = UsageAt(hour / 24.0);
    usage[0].restored_bytes_total -= before;
    second.book.Note(kNovember + absl::Hours(hour), usage);
  }
  for (size_t i = 0; i < 2; ++i) {
    EXPECT_NEAR(second.book.past()[i].egress_bytes, whole.book.past()[i].egress_bytes, 1);
    EXPECT_NEAR(second.book.past()[i].stored_byte_hours, whole.book.past()[i].stored_byte_hours,
                1e3);
    EXPECT_NEAR(second.book.past()[i].overage_cost, whole.book.past()[i].overage_cost, 1e-6);
  }
}

TEST(Usage, AMonthThatWasMeteredLateIsNotFlattered) {
  UsageBook book{PriceTable{}};
  const absl::Time began = kNovember + absl::Hours(20 * 24);
  book.Note(began, {{"db", "", 0, 0, 0}});
  book.Note(began + absl::Hours(12), {{"db", "", 0, 0, 50e9}});
  EXPECT_FALSE(book.Statements()[0].projected_egress_bytes.has_value()) << "too little is known";
  book.Note(began + absl::Hours(24), {{"db", "", 0, 0, 100e9}});
  // 100 GB a day, nine days are left.
  EXPECT_NEAR(book.Statements()[0].projected_egress_bytes.value_or(0), 1000e9, 1);
}

TEST(Usage, AnAgentThatWasAwayStillStoredWhatItStored) {
  UsageBook book{PriceTable{}};
  book.Note(kNovember, {{"db", "S1", 1e9, 0, 0}});
  book.Note(kNovember + absl::Hours(10), {{"db", "S1", 5e9, 0, 0}});
  EXPECT_NEAR(book.Statements()[0].stored_byte_hours, 10e9, 1);
  book.Note(kNovember + absl::Hours(5), {{"db", "S1", 5e9, 0, 0}});  // the clock was set back
  EXPECT_NEAR(book.Statements()[0].stored_byte_hours, 10e9, 1) << "nothing twice";
}

TEST(NetworkMetrics, CarriesWhatTheTableSays) {
  Month month;
  month.PlayWhole();
  IncidentBook incidents;
  const SlaFact missed{{"TidemarkRpo", "db", ""}, SlaLevel::kDanger, "RPO"};
  incidents.Note(kNovember + absl::Hours(3), {missed}, {});
  incidents.Note(kNovember + absl::Hours(3) + absl::Minutes(31), {missed}, {});
  SlaBook sla{SlaTiming{}};
  const Json json = Json::parse(
      NetworkMetricsJson(kNovember + absl::Hours(720), month.book, incidents, sla, PriceTable{}));
  EXPECT_EQ(json["method"], kProjectionMethod);
  bool found = false;
  for (const Json& past : json["past_months"]) {
    if (past["name"] != "db") continue;
    found = true;
    EXPECT_NEAR(past["egress_cost"].get<double>(), 80, 1e-6);
    EXPECT_EQ(past["currency"], "EUR");
    EXPECT_EQ(past["credit_percent"], 20);
  }
  EXPECT_TRUE(found);
  EXPECT_EQ(json["incidents"][0]["seconds"], 31 * 60);
  EXPECT_EQ(json["incidents"][0]["planned_seconds"], 0);
}

}  // namespace
}  // namespace tidemark
