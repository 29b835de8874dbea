#include "agent/report/metrics_text.h"

#include <vector>

#include "absl/strings/str_format.h"
#include "absl/strings/str_replace.h"
#include "agent/report/tier.h"

namespace tidemark {
namespace {

constexpr const char* kStates[] = {"connecting", "streaming", "catching_up", "down",
                                   "damaged",    "fenced",    "full",        "unknown"};
constexpr const char* kSeverities[] = {"info", "warn", "error"};

std::optional<double> Number(const std::optional<uint64_t>& count) {
  return count.has_value() ? std::optional<double>(static_cast<double>(*count)) : std::nullopt;
}

void AddSites(const StatusReport& report, MetricsText* text) {
  const auto each = [&](const char* name, const char* help, auto value) {
    text->Begin(name, "gauge", help);
    for (const SiteStatus& site : report.sites)
      text->Sample({{"site", site.name}, {"role", site.role}}, value(site));
  };
  each("tidemark_link_online", "1 while the agent is connected to the site.",
       [](const SiteStatus& site) { return site.connected ? 1.0 : 0.0; });
  text->Begin("tidemark_site_state", "gauge", "1 for the state that the site is in, 0 for others.");
  for (const SiteStatus& site : report.sites) {
    for (const char* state : kStates)
      text->Sample({{"site", site.name}, {"role", site.role}, {"state", state}},
                   site.state == state ? 1 : 0);
  }
  each("tidemark_durable_sequence", "Newest record that the site said is durable.",
       [](const SiteStatus& site) { return Number(site.durable_sequence); });
  each("tidemark_commits_per_second", "Flushes a second at the store, mean of 10 s.",
       [](const SiteStatus& site) { return site.commits_per_second; });
  each("tidemark_ack_p50_seconds", "Median time from sending a record to its ack, of 60 s.",
       [](const SiteStatus& site) { return site.ack_p50_seconds; });
  each("tidemark_ack_p99_seconds", "99th percentile of the time from sending to ack, of 60 s.",
       [](const SiteStatus& site) { return site.ack_p99_seconds; });
  each("tidemark_clock_error_seconds", "The site's clock less the agent's.",
       [](const SiteStatus& site) { return site.clock_skew_seconds; });
  each("tidemark_store_bytes", "Bytes of logs in the site's store.",
       [](const SiteStatus& site) { return Number(site.store_bytes); });
  each("tidemark_store_free_bytes", "Free bytes of the file system under the store.",
       [](const SiteStatus& site) { return Number(site.store_free_bytes); });
  each("tidemark_store_disk_bytes", "Size of the file system under the store.",
       [](const SiteStatus& site) { return Number(site.store_disk_bytes); });
  each("tidemark_bad_places", "Places in the store that are bad and not healed.",
       [](const SiteStatus& site) {
         return site.scrub ? std::optional<double>(static_cast<double>(site.scrub->bad))
                           : std::nullopt;
       });
  each("tidemark_scrub_covered_ratio", "Share of the store that the scrub under way has re-read.",
       [](const SiteStatus& site) {
         return site.scrub ? std::optional<double>(site.scrub->covered_share) : std::nullopt;
       });
}

void AddVaultSites(const StatusReport& report, MetricsText* text) {
  const auto each = [&](const char* name, const char* help, auto value) {
    text->Begin(name, "gauge", help);
    for (const VaultStatus& vault : report.vaults) {
      for (size_t i = 0; i < vault.sites.size() && i < report.sites.size(); ++i)
        text->Sample({{"vault", vault.name},
                      {"class", vault.data_class},
                      {"site", vault.sites[i].name},
                      {"role", report.sites[i].role}},
                     value(vault, vault.sites[i]));
    }
  };
  using Vault = VaultStatus;
  using Row = VaultSiteStatus;
  each("tidemark_replication_lag_seconds",
       "Now less the latest instant of which the site is proven to hold everything taken.",
       [](const Vault&, const Row& row) { return row.replication_lag_seconds; });
  each("tidemark_rpo_actual_seconds",
       "Now less the capture time of the oldest byte that the site cannot restore yet.",
       [](const Vault&, const Row& row) { return row.rpo_actual_seconds; });
  each("tidemark_meeting_rpo", "1 while the RPO is proven to be within its target.",
       [](const Vault& vault, const Row& row) {
         const bool meets = row.rpo_actual_seconds && vault.rpo_target_seconds &&
                            *row.rpo_actual_seconds <= *vault.rpo_target_seconds;
         return meets ? 1.0 : 0.0;
       });
  each("tidemark_breach_in_seconds", "Seconds until the RPO target is missed at the present rate.",
       [](const Vault&, const Row& row) { return row.breach_in_seconds; });
  each("tidemark_pending_bytes", "Bytes appended that the site has not said to be durable.",
       [](const Vault&, const Row& row) { return static_cast<double>(row.pending_bytes); });
  each("tidemark_rpo_missed_seconds",
       "Of the last 30 days, in whole minutes that missed the target.",
       [](const Vault&, const Row& row) {
         return row.minutes_missed
                    ? std::optional<double>(60 * static_cast<double>(*row.minutes_missed))
                    : std::nullopt;
       });
  each("tidemark_rpo_within_target_ratio",
       "Share of the minutes of 30 days, known ones, that were within the target.",
       [](const Vault&, const Row& row) { return row.share_within_target; });
  const auto by_operation = [&](const char* name, const char* help, auto write, auto read) {
    text->Begin(name, "gauge", help);
    for (const Vault& vault : report.vaults) {
      for (const Row& row : vault.sites) {
        text->Sample({{"vault", vault.name}, {"site", row.name}, {"op", "write"}}, write(row));
        text->Sample({{"vault", vault.name}, {"site", row.name}, {"op", "read"}}, read(row));
      }
    }
  };
  by_operation(
      "tidemark_iops", "I/Os of 16 KiB a second at the site's store, mean of 10 s.",
      [](const Row& row) { return row.rates.write_iops; },
      [](const Row& row) { return row.rates.read_iops; });
  by_operation(
      "tidemark_transfer_bytes_per_second", "Bytes a second at the site's store, mean of 10 s.",
      [](const Row& row) { return row.rates.write_bytes_per_second; },
      [](const Row& row) { return row.rates.read_bytes_per_second; });
}

void AddVaults(const StatusReport& report, MetricsText* text) {
  const auto each = [&](const char* name, const char* type, const char* help, auto value) {
    text->Begin(name, type, help);
    for (const VaultStatus& vault : report.vaults)
      text->Sample({{"vault", vault.name}, {"class", vault.data_class}}, value(vault));
  };
  using Vault = VaultStatus;
  each("tidemark_vault_open", "gauge", "1 while the vault can be written.",
       [](const Vault& vault) { return vault.state == "open" ? 1.0 : 0.0; });
  each("tidemark_pushes_held", "gauge",
       "For the RPO target: 0 no, 1 records are let in slowly, 2 new pushes are refused.",
       [](const Vault& vault) {
         return vault.admission == "refused" ? 2.0 : vault.admission == "throttled" ? 1.0 : 0.0;
       });
  each("tidemark_rpo_target_seconds", "gauge", "The RPO target of the vault's class.",
       [](const Vault& vault) { return vault.rpo_target_seconds; });
  each("tidemark_copies_available", "gauge",
       "Sites that hold what is committed, or are within the target.",
       [](const Vault& vault) { return static_cast<double>(vault.copies_available); });
  each("tidemark_copies_expected", "gauge", "Sites that should.",
       [](const Vault& vault) { return static_cast<double>(vault.copies_expected); });
  each("tidemark_committed_sequence", "gauge", "Newest record that is committed.",
       [](const Vault& vault) { return static_cast<double>(vault.committed_sequence); });
  each("tidemark_source_bytes", "gauge", "Logical bytes of all versions.",
       [](const Vault& vault) { return static_cast<double>(vault.source_bytes); });
  each("tidemark_stored_bytes", "gauge", "Bytes of the vault's log at one site.",
       [](const Vault& vault) { return static_cast<double>(vault.stored_bytes); });
  each("tidemark_dedup_ratio", "gauge", "Logical bytes by stored bytes.",
       [](const Vault& vault) { return vault.dedup_ratio; });
  each("tidemark_archives", "gauge", "Archives in the vault.",
       [](const Vault& vault) { return static_cast<double>(vault.archives); });
  each("tidemark_restored_bytes_total", "counter", "Bytes restored since the agent's start.",
       [](const Vault& vault) { return static_cast<double>(vault.restored_bytes); });
  each("tidemark_tier_iops", "gauge", "I/Os a second that the vault's tier has.",
       [](const Vault& vault) {
         const TierLimits* tier = FindTier(vault.tier);
         return tier != nullptr ? std::optional<double>(tier->iops) : std::nullopt;
       });
}

}  // namespace

void MetricsText::Begin(const char* name, const char* type, const char* help) {
  name_ = name;
  text_ += absl::StrFormat("# HELP %s %s\n# TYPE %s %s\n", name, help, name, type);
}

void MetricsText::Sample(Labels labels, const std::optional<double>& value) {
  if (!value.has_value()) return;
  std::string list;
  for (const auto& [label, text] : labels) {
    const std::string escaped =
        absl::StrReplaceAll(text, {{"\\", "\\\\"}, {"\"", "\\\""}, {"\n", "\\n"}});
    list += absl::StrFormat("%s%s=\"%s\"", list.empty() ? "" : ",", label, escaped);
  }
  if (!list.empty()) list = "{" + list + "}";
  text_ += absl::StrFormat("%s%s %.17g\n", name_, list, *value);
}

void AddStatus(const StatusReport& report, absl::Duration age, MetricsText* text) {
  text->Begin("tidemark_build_info", "gauge", "1, with the version of the agent.");
  text->Sample({{"version", report.software}, {"agent", report.agent}}, 1);
  text->Begin("tidemark_metrics_age_seconds", "gauge", "Age of the snapshot that this is made of.");
  text->Sample({}, absl::ToDoubleSeconds(age));
  text->Begin("tidemark_snapshot_timestamp_seconds", "gauge", "When the snapshot was made.");
  text->Sample({}, absl::ToDoubleSeconds(report.at - absl::UnixEpoch()));
  text->Begin("tidemark_health_codes", "gauge", "Health codes that stand, by severity.");
  for (const char* severity : kSeverities) {
    double count = 0;
    for (const HealthCode& code : report.codes) count += code.severity == severity ? 1 : 0;
    text->Sample({{"severity", severity}}, count);
  }
  text->Begin("tidemark_pushes_running", "gauge", "Pushes under way.");
  text->Sample({}, static_cast<double>(report.pushes_running));
  text->Begin("tidemark_agent_cpu_ratio", "gauge", "What the agent takes of all processors.");
  text->Sample({}, report.load.cpu_share);
  text->Begin("tidemark_agent_resident_bytes", "gauge", "What the agent takes of the memory.");
  text->Sample({}, Number(report.load.resident_bytes));
  text->Begin("tidemark_agent_memory_ratio", "gauge", "The same as a share of the machine's.");
  text->Sample({}, report.load.memory_share);
  text->Begin("tidemark_loop_stalls_total", "counter", "Times that the agent's loop was away.");
  text->Sample({}, static_cast<double>(report.loop_stalls));
  const StatusReport now = Aged(report, age);
  AddSites(now, text);
  AddVaultSites(now, text);
  AddVaults(now, text);
}

StatusReport Aged(StatusReport report, absl::Duration age) {
  const double seconds = absl::ToDoubleSeconds(age);
  const auto grow = [seconds](std::optional<double>* figure) {
    if (figure->has_value()) **figure += seconds;
  };
  for (SiteStatus& site : report.sites) {
    grow(&site.replication_lag_seconds);
    grow(&site.rpo_actual_seconds);
  }
  for (VaultStatus& vault : report.vaults) {
    for (VaultSiteStatus& row : vault.sites) {
      grow(&row.replication_lag_seconds);
      grow(&row.rpo_actual_seconds);
    }
  }
  return report;
}

}  // namespace tidemark
