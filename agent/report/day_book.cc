#include "agent/report/day_book.h"

#include <algorithm>
#include <cmath>

namespace tidemark {
namespace {

constexpr absl::Duration kGapMax = absl::Seconds(10);

// The worst site's; unknown at one is unknown.
std::optional<double> WorstLag(const VaultStatus& vault) {
  std::optional<double> worst = 0.0;
  for (const VaultSiteStatus& site : vault.sites) {
    if (!site.replication_lag_seconds.has_value()) return std::nullopt;
    worst = std::max(*worst, *site.replication_lag_seconds);
  }
  return worst;
}

size_t BucketOf(const std::optional<double>& lag) {
  if (!lag.has_value()) return DayRow::kBuckets - 1;
  const double bucket = std::ceil(std::log2(std::max(1.0, *lag * 1000)));
  return std::min(DayRow::kBuckets - 1, static_cast<size_t>(bucket));
}

bool IsWritable(const StatusReport& report, const VaultStatus& vault) {
  if (vault.ack_mode == "quorum") return vault.state == "open";
  return vault.state == "open" &&
         std::all_of(report.sites.begin(), report.sites.end(), [](const SiteStatus& site) {
           return site.role != "primary" || (site.connected && site.state != "full");
         });
}

}  // namespace

std::optional<double> DayRow::LagPercentile(double share) const {
  double all = 0, seen = 0;
  for (const double seconds : lag) all += seconds;
  if (all <= 0) return std::nullopt;
  for (size_t i = 0; i + 1 < kBuckets; ++i) {
    seen += lag[i];
    if (seen >= share * all) return std::exp2(static_cast<double>(i)) / 1000;
  }
  return std::nullopt;  // unknown, or longer than anything
}

void DayRow::Add(const DayRow& other) {
  watched += other.watched;
  writable += other.writable;
  planned += other.planned;
  rpo_met += other.rpo_met;
  rpo_missed += other.rpo_missed;
  for (size_t i = 0; i < kBuckets; ++i) lag[i] += other.lag[i];
}

void DayBook::Note(const StatusReport& report, bool is_planned) {
  const absl::Duration passed = report.at - noted_;
  noted_ = report.at;
  if (passed <= absl::ZeroDuration() || passed > kGapMax) return;
  const double seconds = absl::ToDoubleSeconds(passed);
  const std::string day = absl::FormatTime("%Y-%m-%d", report.at, absl::UTCTimeZone());
  for (const VaultStatus& vault : report.vaults) {
    DayRow& row = rows_[{vault.name, day}];
    row.watched += seconds;
    if (is_planned) row.planned += seconds;
    if (IsWritable(report, vault)) row.writable += seconds;
    bool missed = false, known = true;
    for (const VaultSiteStatus& site : vault.sites) {
      known = known && site.rpo_actual_seconds.has_value();
      missed = missed || (site.rpo_actual_seconds && vault.rpo_target_seconds &&
                          *site.rpo_actual_seconds > *vault.rpo_target_seconds);
    }
    if (missed) {
      row.rpo_missed += seconds;
    } else if (known) {
      row.rpo_met += seconds;
    }
    row.lag[BucketOf(WorstLag(vault))] += seconds;
  }
  const absl::CivilDay oldest =
      absl::CivilDay(absl::ToCivilSecond(report.at, absl::UTCTimeZone())) - kDaysMax;
  const std::string first = absl::FormatCivilTime(oldest);
  std::erase_if(rows_, [&first](const auto& entry) { return entry.first.second < first; });
}

}  // namespace tidemark
