#include "agent/cli/status_text.h"

#include <algorithm>
#include <vector>

#include "absl/strings/str_format.h"
#include "agent/cli/output.h"
#include "agent/rate_schedule.h"
#include "agent/report/tier.h"
#include "agent/report/times.h"

namespace tidemark {
namespace {

constexpr size_t kEventsShown = 5;

std::string Upper(std::string text) {
  for (char& c : text) c = c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
  return text;
}

std::string Painted(const std::string& text, const std::string& severity, bool in_colour) {
  if (!in_colour) return text;
  const char* colour = severity == "error" ? "31;1" : severity == "warn" ? "33;1" : "32";
  return absl::StrFormat("\033[%sm%s\033[0m", colour, text);
}

std::string Number(const std::optional<double>& number) {
  if (!number.has_value()) return "-";
  if (*number >= 10000) return absl::StrFormat("%.1fk", *number / 1000);
  return *number < 10 ? absl::StrFormat("%.1f", *number) : absl::StrFormat("%.0f", *number);
}

std::string Bytes(const std::optional<uint64_t>& bytes) {
  return bytes.has_value() ? FormatBytes(static_cast<double>(*bytes)) : "-";
}

std::string Rate(const std::optional<double>& bytes) {
  return bytes.has_value() ? FormatBytes(*bytes) + "/s" : "-";
}

std::string Sum(const IoRates& rates) {
  if (!rates.write_iops || !rates.read_iops) return "-";
  return Number(*rates.write_iops + *rates.read_iops);
}

std::string HealthText(const StatusReport& report, bool in_colour) {
  std::string text = "health  " + Painted(Upper(report.status), report.status, in_colour) + "\n";
  for (const HealthCode& code : report.codes) {
    const std::string severity =
        Painted(absl::StrFormat("%-5s", code.severity), code.severity, in_colour);
    text += absl::StrFormat("        %s %s: %s\n", severity, code.code, code.message);
    if (!code.hint.empty()) text += absl::StrFormat("              hint: %s\n", code.hint);
  }
  return text;
}

// The site that is furthest behind decides; one of which nothing is known is furthest.
const VaultSiteStatus* Worst(const VaultStatus& vault) {
  const VaultSiteStatus* worst = nullptr;
  for (const VaultSiteStatus& site : vault.sites) {
    if (!site.rpo_actual_seconds.has_value()) return &site;
    if (worst == nullptr || *site.rpo_actual_seconds > *worst->rpo_actual_seconds) worst = &site;
  }
  return worst;
}

std::string RpoText(const VaultStatus& vault) {
  const VaultSiteStatus* worst = Worst(vault);
  const std::string target = FormatSeconds(vault.rpo_target_seconds);
  if (worst == nullptr || !worst->rpo_actual_seconds.has_value()) return "unknown / " + target;
  std::string text = FormatSeconds(worst->rpo_actual_seconds) + " / " + target;
  if (worst->breach_in_seconds.value_or(0) > 0)
    text += " at " + worst->name + ", breaches in " + FormatSeconds(worst->breach_in_seconds);
  return text;
}

// At the site where it needs most, of what its tier has.
std::string TierText(const VaultStatus& vault) {
  double most = 0;
  for (const VaultSiteStatus& site : vault.sites)
    most = std::max(most, site.rates.write_iops.value_or(0) + site.rates.read_iops.value_or(0));
  const TierLimits* tier = FindTier(vault.tier);
  if (tier == nullptr) return Number(most);
  return absl::StrFormat("%s of %.0f, %s", Number(most), tier->iops, tier->name);
}

std::string VaultsText(const StatusReport& report) {
  std::vector<std::vector<std::string>> rows = {{"VAULT", "CLASS", "STATE", "COPIES",
                                                 "RPO worst / target", "ARCHIVES", "SOURCE",
                                                 "STORED", "DEDUP", "IOPS", "COMMITTED"}};
  for (const VaultStatus& vault : report.vaults) {
    const bool is_held = vault.state == "open" && vault.admission != "open";
    rows.push_back({vault.name, vault.data_class, is_held ? vault.admission : vault.state,
                    absl::StrFormat("%d of %d", vault.copies_available, vault.copies_expected),
                    RpoText(vault), std::to_string(vault.archives),
                    FormatBytes(static_cast<double>(vault.source_bytes)),
                    FormatBytes(static_cast<double>(vault.stored_bytes)),
                    vault.dedup_ratio ? absl::StrFormat("%.2fx", *vault.dedup_ratio) : "-",
                    TierText(vault), std::to_string(vault.committed_sequence)});
  }
  return Columns(rows);
}

std::string SitesText(const StatusReport& report) {
  std::vector<std::vector<std::string>> rows = {{"SITE", "ROLE", "STATE", "DURABLE", "LAG", "RPO",
                                                 "PENDING", "IOPS w+r", "COMMITS/s", "IN", "OUT",
                                                 "ACK p50 / p99", "DISK free"}};
  for (const SiteStatus& site : report.sites) {
    const std::string ack =
        FormatSeconds(site.ack_p50_seconds) + " / " + FormatSeconds(site.ack_p99_seconds);
    rows.push_back({site.name, site.role, site.state,
                    site.durable_sequence ? std::to_string(*site.durable_sequence) : "-",
                    FormatSeconds(site.replication_lag_seconds),
                    FormatSeconds(site.rpo_actual_seconds),
                    FormatBytes(static_cast<double>(site.pending_bytes)), Sum(site.rates),
                    Number(site.commits_per_second), Rate(site.rates.write_bytes_per_second),
                    Rate(site.rates.read_bytes_per_second), ack, Bytes(site.store_free_bytes)});
  }
  std::string text = Columns(rows);
  for (const SiteStatus& site : report.sites) {
    if (!site.last_error.empty() && site.state != "streaming")
      text += absl::StrFormat("%s: %s\n", site.name, site.last_error);
    if (site.rate_limit_bytes_per_second.has_value())
      text += absl::StrFormat("%s: held to %s\n", site.name,
                              FormatRate(*site.rate_limit_bytes_per_second));
  }
  return text;
}

// By operation and vault, where there is more than one vault to tell apart.
std::string FlowsText(const StatusReport& report) {
  if (report.vaults.size() < 2) return "";
  std::vector<std::vector<std::string>> rows = {
      {"VAULT", "SITE", "LAG", "RPO", "WRITE IOPS", "READ IOPS", "IN", "OUT", "PENDING"}};
  for (const VaultStatus& vault : report.vaults) {
    for (const VaultSiteStatus& site : vault.sites) {
      rows.push_back({vault.name, site.name, FormatSeconds(site.replication_lag_seconds),
                      FormatSeconds(site.rpo_actual_seconds), Number(site.rates.write_iops),
                      Number(site.rates.read_iops), Rate(site.rates.write_bytes_per_second),
                      Rate(site.rates.read_bytes_per_second),
                      FormatBytes(static_cast<double>(site.pending_bytes))});
    }
  }
  return "\n" + Columns(rows);
}

// What the sites found by re-reading what they hold, and what came of it.
std::string ScrubText(const StatusReport& report) {
  std::vector<std::vector<std::string>> rows = {
      {"SCRUB", "COVERED", "LAST FULL PASS", "PERIOD", "RATE", "BAD", "HEALED"}};
  for (const SiteStatus& site : report.sites) {
    if (!site.scrub.has_value()) {
      rows.push_back({site.name, "-", "-", "-", "-", "-", "-"});
      continue;
    }
    const ScrubStatus& scrub = *site.scrub;
    rows.push_back(
        {site.name, absl::StrFormat("%.1f %%", scrub.covered_share * 100),
         scrub.last_full_pass.has_value() ? FormatRfc3339(*scrub.last_full_pass) : "never",
         absl::FormatDuration(absl::Seconds(static_cast<int64_t>(scrub.period_seconds))),
         FormatBytes(static_cast<double>(scrub.bytes_per_second)) + "/s", std::to_string(scrub.bad),
         std::to_string(scrub.healed)});
  }
  return Columns(rows);
}

std::string EventsText(const StatusReport& report) {
  std::string text;
  for (size_t i = 0; i < std::min(kEventsShown, report.events.size()); ++i) {
    const StatusEvent& event = report.events[i];
    text += absl::StrFormat("%s %s  %s: %s\n", i == 0 ? "\nrecent" : "      ",
                            FormatRfc3339(event.at), event.what, event.text);
  }
  return text;
}

}  // namespace

std::string StatusText(const StatusReport& report, bool in_colour) {
  std::string text = HealthText(report, in_colour);
  text += absl::StrFormat("agent   %s, %s, %s\n", report.agent, report.software,
                          FormatRfc3339(report.at));
  if (!report.status_url.empty()) text += "page    " + report.status_url + "/\n";
  if (report.pushes_running > 0)
    text += absl::StrFormat("pushes  %d running\n", report.pushes_running);
  return text + "\n" + VaultsText(report) + "\n" + SitesText(report) + FlowsText(report) + "\n" +
         ScrubText(report) + EventsText(report);
}

std::string CheckText(const StatusReport& report) {
  std::string text = "TIDEMARK " + Upper(report.status);
  for (const HealthCode& code : report.codes) {
    if (code.severity != "info") text += absl::StrFormat(" %s: %s;", code.code, code.message);
  }
  text += " |";
  for (const SiteStatus& site : report.sites) {
    if (site.replication_lag_seconds.has_value())
      text += absl::StrFormat(" lag_%s=%.3fs", site.name, *site.replication_lag_seconds);
    if (site.rpo_actual_seconds.has_value())
      text += absl::StrFormat(" rpo_%s=%.3fs;;%.0f", site.name, *site.rpo_actual_seconds,
                              site.rpo_target_seconds.value_or(0));
  }
  return text + "\n";
}

int CheckExit(const StatusReport& report) {
  if (report.status == "ok") return 0;
  return report.status == "warn" ? 1 : 2;
}

}  // namespace tidemark
