#include "agent/report/day_book.h"

#include <algorithm>
#include <cmath>
#include <set>

#include "agent/report/push_service.h"

namespace tidemark {
namespace {

constexpr absl::Duration kGapMax = absl::Seconds(10);
constexpr absl::Duration kSlack = absl::Seconds(1);  // between the two clocks from look to look
constexpr absl::Duration kFresh = absl::Minutes(2);  // the book is written each minute

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

absl::CivilDay DayOf(absl::Time time) {
  return absl::CivilDay(absl::ToCivilSecond(time, absl::UTCTimeZone()));
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
  planned_writable += other.planned_writable;
  rpo_met += other.rpo_met;
  rpo_missed += other.rpo_missed;
  for (size_t i = 0; i < kBuckets; ++i) lag[i] += other.lag[i];
}

void DayBook::Note(const StatusReport& report, absl::Duration monotonic,
                   const std::vector<MaintenanceWindow>& maintenance) {
  const absl::Duration passed = looked_ ? monotonic - *looked_ : absl::ZeroDuration();
  const absl::Time before = std::exchange(noted_, report.at);
  looked_ = monotonic;
  for (const VaultStatus& vault : report.vaults) {
    Seen& seen = seen_.try_emplace(vault.name, Seen{report.at, report.at}).first->second;
    seen = {std::min(seen.since, report.at), report.at};
  }
  if (passed <= absl::ZeroDuration() || passed > kGapMax) return;
  TimeSpan look{report.at - passed, report.at};
  if (absl::AbsDuration(look.from - before) <= kSlack) look.from = std::min(before, look.to);
  for (const TimeSpan& fresh : Without({look}, covered_)) {
    for (TimeSpan part = fresh; part.from < fresh.to; part.from = part.to) {
      part.to = std::min(fresh.to, absl::FromCivil(DayOf(part.from) + 1, absl::UTCTimeZone()));
      AddLook(part, report, maintenance);
    }
  }
  covered_.push_back(look);
  covered_ = United(std::move(covered_));
  while (covered_.size() > kSpansMax) covered_.erase(covered_.begin());
}

// `span`: within one day.
void DayBook::AddLook(const TimeSpan& span, const StatusReport& report,
                      const std::vector<MaintenanceWindow>& maintenance) {
  const double seconds = absl::ToDoubleSeconds(span.length());
  const double planned = absl::ToDoubleSeconds(LengthOf(PlannedParts(maintenance, span)));
  const std::string day = absl::FormatCivilTime(DayOf(span.from));
  const size_t rows_before = rows_.size();
  for (const VaultStatus& vault : report.vaults) {
    DayRow& row = rows_[{vault.name, day}];
    row.watched += seconds;
    row.planned += planned;
    if (PushBlocks(report, vault).empty()) {
      row.writable += seconds;
      row.planned_writable += planned;
    }
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
  if (rows_.size() > rows_before) Prune();
}

// By count, not by date: a clock that is a year ahead for a minute must not cost a year of rows.
void DayBook::Prune() {
  std::set<std::string> days;
  for (const auto& [key, row] : rows_) days.insert(key.second);
  while (days.size() > kDaysMax) {
    std::erase_if(rows_, [&days](const auto& row) { return row.first.second == *days.begin(); });
    days.erase(days.begin());
  }
  std::erase_if(seen_, [this](const auto& seen) {
    const auto row = rows_.lower_bound({seen.first, ""});
    const bool has_rows = row != rows_.end() && row->first.first == seen.first;
    return !has_rows && seen.second.until != noted_;
  });
}

TimeSpan DayBook::Known(const std::string& vault, const TimeSpan& span, absl::Time now) const {
  const auto found = seen_.find(vault);
  if (found == seen_.end()) return {span.from, span.from};
  const Seen& seen = found->second;
  const bool still_watches = now >= noted_ && now - noted_ <= kFresh;
  absl::Time last = still_watches ? noted_ : now;
  if (seen.until != noted_) last = seen.until;
  const absl::Time from = std::max(span.from, seen.since);
  return {from, std::max(from, std::min(span.to, last))};
}

std::vector<std::string> DayBook::vaults() const {
  std::vector<std::string> names;
  for (const auto& [name, seen] : seen_) names.push_back(name);
  return names;
}

}  // namespace tidemark
