#include "agent/report/usage_book.h"

#include <algorithm>

#include "absl/strings/str_format.h"
#include "agent/report/tier.h"

namespace tidemark {
namespace {

constexpr double kGigabyte = 1e9;
constexpr double kWarningRatio = 0.85, kDangerRatio = 0.95;
constexpr size_t kHourlyMax = 7 * 24, kHourlyLeast = 24;
constexpr size_t kPastMax = 400;  // statements: 13 months of 30 vaults

absl::Time MonthBegins(absl::Time now) {
  return absl::FromCivil(absl::CivilMonth(absl::ToCivilSecond(now, absl::UTCTimeZone())),
                         absl::UTCTimeZone());
}
absl::Time NextMonth(absl::Time begins) {
  return absl::FromCivil(absl::CivilMonth(absl::ToCivilSecond(begins, absl::UTCTimeZone())) + 1,
                         absl::UTCTimeZone());
}

// Bytes a second.
std::optional<double> Slope(const std::deque<std::pair<absl::Time, double>>& samples) {
  if (samples.size() < kHourlyLeast) return std::nullopt;
  const double count = static_cast<double>(samples.size());
  double at_mean = 0, value_mean = 0, both = 0, square = 0;
  for (const auto& [at, value] : samples) {
    at_mean += absl::ToDoubleSeconds(at - samples.front().first) / count;
    value_mean += value / count;
  }
  for (const auto& [at, value] : samples) {
    const double apart = absl::ToDoubleSeconds(at - samples.front().first) - at_mean;
    both += apart * (value - value_mean);
    square += apart * apart;
  }
  return square > 0 ? std::optional<double>(both / square) : std::nullopt;
}

SlaLevel LevelOf(double ratio) {
  if (ratio >= kDangerRatio) return SlaLevel::kDanger;
  return ratio >= kWarningRatio ? SlaLevel::kWarning : SlaLevel::kInfo;
}

}  // namespace

void UsageBook::Note(absl::Time now, const std::vector<VaultUsage>& vaults) {
  if (now_ == absl::InfinitePast()) {
    month_begins_ = MonthBegins(now);
    month_ends_ = NextMonth(month_begins_);
    now_ = now;
  }
  // A clock set back counts nothing twice: time stands until it has caught up.
  if (now > now_) Advance(now);
  for (const VaultUsage& usage : vaults) {
    const auto [found, is_new] = meters_.try_emplace(usage.vault);
    Meter& meter = found->second;
    if (is_new) meter.since = now_;
    const double grown = usage.restored_bytes_total - meter.restored_total;
    meter.egress += grown >= 0 ? grown : usage.restored_bytes_total;  // the agent was restarted
    meter.restored_total = usage.restored_bytes_total;
    meter.tier = usage.tier;
    meter.stored = usage.stored_bytes;
    meter.logical = usage.logical_bytes;
    if (meter.hourly.empty() || now >= meter.hourly.back().first + absl::Hours(1))
      meter.hourly.emplace_back(now, usage.stored_bytes);
    if (meter.hourly.size() > kHourlyMax) meter.hourly.pop_front();
  }
}

void UsageBook::Advance(absl::Time now) {
  while (now_ < now) {
    const absl::Time until = std::min(now, month_ends_);
    const double seconds = absl::ToDoubleSeconds(until - now_);
    for (auto& [name, meter] : meters_) {
      const TierLimits* tier = FindTier(meter.tier);
      meter.byte_seconds += meter.stored * seconds;
      if (tier != nullptr)
        meter.overage_byte_seconds += std::max(0.0, meter.stored - tier->bytes) * seconds;
    }
    now_ = until;
    if (until == month_ends_) CloseMonth(until);
  }
}

void UsageBook::CloseMonth(absl::Time end) {
  for (auto& [name, meter] : meters_) {
    past_.push_front(StatementOf(name, meter, end));
    meter.since = end;
    meter.egress = meter.byte_seconds = meter.overage_byte_seconds = 0;
  }
  if (past_.size() > kPastMax) past_.resize(kPastMax);
  month_begins_ = end;
  month_ends_ = NextMonth(end);
}

UsageStatement UsageBook::StatementOf(const std::string& vault, const Meter& meter,
                                      absl::Time now) const {
  UsageStatement made;
  made.vault = vault;
  made.tier = meter.tier;
  made.month = absl::FormatTime("%Y-%m", month_begins_, absl::UTCTimeZone());
  made.stored_bytes = meter.stored;
  made.logical_bytes = meter.logical;
  made.egress_bytes = meter.egress;
  made.stored_byte_hours = meter.byte_seconds / 3600;
  made.egress_included_bytes = prices_.egress_included_bytes;
  const double elapsed = absl::ToDoubleSeconds(now - month_begins_);
  const double whole = absl::ToDoubleSeconds(month_ends_ - month_begins_);
  if (const std::optional<double> slope = Slope(meter.hourly))
    made.projected_stored_bytes = std::max(0.0, meter.stored + *slope * (whole - elapsed));
  const double metered = absl::ToDoubleSeconds(now - meter.since);
  if (metered >= 86400)
    made.projected_egress_bytes = meter.egress * (1 + (whole - elapsed) / metered);
  double worst = 0;
  if (const TierLimits* tier = FindTier(meter.tier)) {
    made.capacity_bytes = tier->bytes;
    made.used_ratio = meter.stored / tier->bytes;
    if (made.projected_stored_bytes)
      made.projected_ratio = *made.projected_stored_bytes / tier->bytes;
    worst = std::max(*made.used_ratio, made.projected_ratio.value_or(0));
  }
  if (prices_.egress_included_bytes > 0) {
    made.egress_ratio = meter.egress / prices_.egress_included_bytes;
    if (made.projected_egress_bytes)
      made.projected_egress_ratio = *made.projected_egress_bytes / prices_.egress_included_bytes;
    worst = std::max({worst, made.egress_ratio, made.projected_egress_ratio.value_or(0)});
  }
  made.level = LevelOf(worst);
  made.overage_gb_months = meter.overage_byte_seconds / whole / kGigabyte;
  made.overage_cost = made.overage_gb_months * prices_.overage_per_gb_month;
  made.egress_cost = std::max(0.0, meter.egress - prices_.egress_included_bytes) / kGigabyte *
                     prices_.egress_per_gb;
  return made;
}

std::vector<UsageStatement> UsageBook::Statements() const {
  std::vector<UsageStatement> statements;
  for (const auto& [name, meter] : meters_) statements.push_back(StatementOf(name, meter, now_));
  return statements;
}

std::vector<SlaFact> QuotaFacts(const std::vector<UsageStatement>& statements) {
  std::vector<SlaFact> facts;
  for (const UsageStatement& made : statements) {
    std::string summary = "vault " + made.vault + " is within its quota";
    if (made.level != SlaLevel::kInfo) {
      const auto percent = [](const std::optional<double>& ratio) {
        return ratio.has_value() ? absl::StrFormat("%.0f %%", *ratio * 100) : "unknown";
      };
      summary = absl::StrFormat(
          "vault %s: stored %s of tier %s, at the month's end %s; egress %s of what is included, "
          "at "
          "the month's end %s",
          made.vault, percent(made.used_ratio), made.tier.empty() ? "none" : made.tier,
          percent(made.projected_ratio), percent(made.egress_ratio),
          percent(made.projected_egress_ratio));
    }
    facts.push_back({{"TidemarkQuota", made.vault, ""}, made.level, summary});
  }
  return facts;
}

}  // namespace tidemark
