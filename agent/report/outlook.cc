#include "agent/report/outlook.h"

#include <algorithm>

namespace tidemark {
namespace {
constexpr absl::Duration kDiskWindow = absl::Minutes(10);
constexpr absl::Duration kDiskKnownAfter = absl::Minutes(2);
constexpr double kSettledShare = 0.05;  // of the target: below it an RPO only breathes
}  // namespace

void Outlook::Complete(absl::Duration now, StatusReport* report) {
  for (VaultStatus& vault : report->vaults) {
    for (VaultSiteStatus& row : vault.sites) {
      Forecast& forecast = rpo_[{vault.name, row.name}];
      forecast.Note(now, row.rpo_actual_seconds);
      if (!row.rpo_actual_seconds.has_value() || !vault.rpo_target_seconds.has_value()) continue;
      if (*row.rpo_actual_seconds < kSettledShare * *vault.rpo_target_seconds) continue;
      row.breach_in_seconds = forecast.Reaches(*vault.rpo_target_seconds);
      const auto site =
          std::find_if(report->sites.begin(), report->sites.end(),
                       [&row](const SiteStatus& each) { return each.name == row.name; });
      if (site == report->sites.end() || !row.breach_in_seconds.has_value()) continue;
      site->breach_in_seconds = std::min(site->breach_in_seconds.value_or(*row.breach_in_seconds),
                                         *row.breach_in_seconds);
    }
  }
  for (SiteStatus& site : report->sites) {
    Forecast& forecast = used_.try_emplace(site.name, kDiskWindow, kDiskKnownAfter).first->second;
    if (!site.store_free_bytes.has_value()) continue;
    const double disk = static_cast<double>(*site.store_disk_bytes);
    forecast.Note(now, disk - static_cast<double>(*site.store_free_bytes));
    site.store_full_in_seconds = forecast.Reaches(disk);
  }
}

}  // namespace tidemark
