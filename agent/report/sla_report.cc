#include "agent/report/sla_report.h"

#include <algorithm>
#include <set>

#include "absl/strings/str_format.h"
#include "absl/strings/str_replace.h"
#include "agent/report/json_fields.h"

namespace tidemark {
namespace {

struct Period {
  absl::Time from, to;
};

std::optional<Period> PeriodOf(const std::string& text) {
  const absl::TimeZone utc = absl::UTCTimeZone();
  absl::CivilDay day;
  absl::CivilMonth month;
  if (text.size() == 10 && absl::ParseCivilTime(text, &day))
    return Period{absl::FromCivil(day, utc), absl::FromCivil(day + 1, utc)};
  if (text.size() == 7 && absl::ParseCivilTime(text, &month))
    return Period{absl::FromCivil(month, utc), absl::FromCivil(month + 1, utc)};
  return std::nullopt;
}

std::optional<double> Share(double part, double whole) {
  return whole > 0 ? std::optional<double>(std::min(1.0, part / whole)) : std::nullopt;
}

// `known`: the part of the period that something can be told of.
void AddAvailability(const TimeSpan& known, const std::vector<MaintenanceWindow>& maintenance,
                     SlaReport::Vault* vault) {
  const DayRow& row = vault->row;
  const double windows = absl::ToDoubleSeconds(LengthOf(PlannedParts(maintenance, known)));
  vault->unwatched = std::max(0.0, absl::ToDoubleSeconds(known.length()) - row.watched);
  const double planned_unwatched = std::clamp(windows - row.planned, 0.0, vault->unwatched);
  vault->planned = row.planned + planned_unwatched;
  const double all = row.watched + vault->unwatched;
  vault->availability_with_planned = Share(row.writable, all);
  vault->availability = Share(row.writable - row.planned_writable, all - vault->planned);
}

SlaReport::Vault VaultOf(const std::string& name, const SlaReport& report, const DayBook& days,
                         const IncidentBook& incidents, const SlaConfig& config) {
  SlaReport::Vault vault;
  vault.name = name;
  for (const auto& [key, row] : days.rows()) {
    if (key.first == name && key.second.starts_with(report.period)) vault.row.Add(row);
  }
  const TimeSpan known = days.Known(name, {report.from, report.to}, report.made_at);
  AddAvailability(known, config.maintenance, &vault);
  vault.rpo_met = Share(vault.row.rpo_met, vault.row.rpo_met + vault.row.rpo_missed);
  vault.lag_p50 = vault.row.LagPercentile(0.50);
  vault.lag_p95 = vault.row.LagPercentile(0.95);
  vault.lag_p99 = vault.row.LagPercentile(0.99);
  double repair = 0, ended = 0;
  for (const Incident& incident : incidents.incidents()) {
    const bool is_ours = incident.subject.vault == name || incident.subject.vault.empty();
    if (!is_ours || incident.began >= report.to || incident.ended < report.from) continue;
    vault.incidents.push_back(incident);
    if (incident.is_open) continue;
    repair += absl::ToDoubleSeconds(incident.length());
    ended += 1;
  }
  if (ended > 0) vault.mean_repair_seconds = repair / ended;
  vault.credit_percent =
      CreditPercent(incidents.incidents(), name, report.from, report.to, config.prices);
  return vault;
}

std::string Percent(const std::optional<double>& share) {
  return share.has_value() ? absl::StrFormat("%.3f %%", *share * 100) : "unknown";
}

std::string Seconds(const std::optional<double>& seconds) {
  if (!seconds.has_value()) return "unknown";
  return *seconds < 10 ? absl::StrFormat("%.3f s", *seconds) : absl::StrFormat("%.0f s", *seconds);
}

// Name and value of what a vault's part says: the same in text and on paper.
std::vector<std::pair<std::string, std::string>> Lines(const SlaReport::Vault& vault) {
  std::vector<std::pair<std::string, std::string>> lines = {
      {"availability for pushes", Percent(vault.availability)},
      {"RPO target met", Percent(vault.rpo_met)},
      {"lag p50 / p95 / p99, worst site, at most",
       Seconds(vault.lag_p50) + " / " + Seconds(vault.lag_p95) + " / " + Seconds(vault.lag_p99)},
      {"the same, planned maintenance counted", Percent(vault.availability_with_planned)},
      {"watched, not watched, planned",
       absl::StrFormat("%.1f h, %.1f h, %.1f h", vault.row.watched / 3600, vault.unwatched / 3600,
                       vault.planned / 3600)},
      {"incidents", std::to_string(vault.incidents.size())},
      {"mean time to repair",
       vault.incidents.empty() ? "no incident" : Seconds(vault.mean_repair_seconds)},
      {"credit", absl::StrFormat("%.0f %%", vault.credit_percent)},
      {"restore drills", "none yet"}};
  if (vault.usage.has_value()) {
    const UsageStatement& usage = *vault.usage;
    lines.emplace_back("stored", absl::StrFormat("%.3f GB, %.0f GB hours", usage.stored_bytes / 1e9,
                                                 usage.stored_byte_hours / 1e9));
    lines.emplace_back("egress", absl::StrFormat("%.3f GB", usage.egress_bytes / 1e9));
    lines.emplace_back("overage, egress price",
                       absl::StrFormat("%.2f, %.2f", usage.overage_cost, usage.egress_cost));
  }
  return lines;
}

std::string IncidentLine(const Incident& incident) {
  const double planned = absl::ToDoubleSeconds(LengthOf(incident.planned));
  std::string of_it = incident.is_planned ? ", planned" : "";
  if (!incident.is_planned && planned > 0) of_it = absl::StrFormat(", %.0f s planned", planned);
  return absl::StrFormat("%s  %s %s%s, %.0f s%s%s", FormatRfc3339(incident.began),
                         incident.subject.alert, incident.subject.vault, incident.subject.site,
                         absl::ToDoubleSeconds(incident.length()),
                         incident.is_open ? ", goes on" : "", of_it);
}

std::string Escaped(const std::string& text) {
  return absl::StrReplaceAll(text, {{"&", "&amp;"}, {"<", "&lt;"}, {">", "&gt;"}});
}

}  // namespace

absl::StatusOr<SlaReport> MakeSlaReport(const std::string& period, const std::string& agent,
                                        absl::Time now, const DayBook& days,
                                        const IncidentBook& incidents, const UsageBook& usage,
                                        const SlaConfig& config) {
  const std::optional<Period> range = PeriodOf(period);
  if (!range.has_value()) {
    return absl::InvalidArgumentError(
        absl::StrFormat("'%s' is no period: write a day, 2026-11-21, or a month, 2026-11", period));
  }
  SlaReport report;
  report.period = period;
  report.agent = agent;
  report.from = range->from;
  report.to = range->to;
  report.made_at = now;
  std::set<std::string> names;
  for (const auto& [key, row] : days.rows()) {
    if (key.second.starts_with(period)) names.insert(key.first);
  }
  // Also of a period in which no agent ran at all.
  for (const std::string& name : days.vaults()) {
    const TimeSpan known = days.Known(name, {report.from, report.to}, now);
    if (known.length() > absl::ZeroDuration()) names.insert(name);
  }
  const double passed = absl::ToDoubleSeconds(std::min(now, report.to) - report.from);
  for (const std::string& name : names) {
    SlaReport::Vault vault = VaultOf(name, report, days, incidents, config);
    report.watched_share =
        std::max(report.watched_share, Share(vault.row.watched, passed).value_or(0));
    std::vector<UsageStatement> statements = usage.Statements();
    statements.insert(statements.end(), usage.past().begin(), usage.past().end());
    for (const UsageStatement& made : statements) {
      if (made.month == period && made.vault == name) vault.usage = made;
    }
    report.vaults.push_back(std::move(vault));
  }
  return report;
}

std::string SlaReportText(const SlaReport& report) {
  std::string text = absl::StrFormat(
      "report of %s for %s (UTC), made %s\nwatched %s of the time; what was not watched is not "
      "counted as available\n",
      report.agent, report.period, FormatRfc3339(report.made_at), Percent(report.watched_share));
  if (report.vaults.empty()) text += "nothing is known of this period\n";
  for (const SlaReport::Vault& vault : report.vaults) {
    text += "\nvault " + vault.name + "\n";
    for (const auto& [name, value] : Lines(vault))
      text += absl::StrFormat("  %-42s %s\n", name, value);
    for (const Incident& incident : vault.incidents) text += "  " + IncidentLine(incident) + "\n";
  }
  return text;
}

std::string SlaReportJson(const SlaReport& report) {
  Json vaults = Json::array();
  for (const SlaReport::Vault& vault : report.vaults) {
    Json incidents = Json::array();
    for (const Incident& incident : vault.incidents) {
      incidents.push_back({{"alert", incident.subject.alert},
                           {"site", TextOrNull(incident.subject.site)},
                           {"began", FormatRfc3339(incident.began)},
                           {"ended", FormatRfc3339(incident.ended)},
                           {"open", incident.is_open},
                           {"planned", incident.is_planned},
                           {"planned_seconds", absl::ToDoubleSeconds(LengthOf(incident.planned))},
                           {"seconds", absl::ToDoubleSeconds(incident.length())}});
    }
    vaults.push_back({{"name", vault.name},
                      {"availability", OrNull(vault.availability)},
                      {"availability_with_planned", OrNull(vault.availability_with_planned)},
                      {"rpo_met", OrNull(vault.rpo_met)},
                      {"rpo_missed_seconds", vault.row.rpo_missed},
                      {"lag_p50_seconds", OrNull(vault.lag_p50)},
                      {"lag_p95_seconds", OrNull(vault.lag_p95)},
                      {"lag_p99_seconds", OrNull(vault.lag_p99)},
                      {"watched_seconds", vault.row.watched},
                      {"unwatched_seconds", vault.unwatched},
                      {"planned_seconds", vault.planned},
                      {"incidents", incidents},
                      {"mean_repair_seconds", OrNull(vault.mean_repair_seconds)},
                      {"credit_percent", vault.credit_percent},
                      {"drills", Json::array()}});
  }
  return Dump({{"agent", report.agent},
               {"period", report.period},
               {"from", FormatRfc3339(report.from)},
               {"to", FormatRfc3339(report.to)},
               {"made_at", FormatRfc3339(report.made_at)},
               {"watched_share", report.watched_share},
               {"vaults", vaults}});
}

std::string SlaReportPage(const SlaReport& report) {
  std::string page = absl::StrFormat(
      "<!doctype html><html lang=\"en\"><meta charset=\"utf-8\"><title>Tidemark, %s</title>"
      "<style>body{font:12pt/1.5 Georgia,serif;max-width:42em;margin:3em auto;padding:0 "
      "1em;color:#111}"
      "h1{font-size:1.5em;border-bottom:2px solid #0b6e78}h2{font-size:1.15em;margin-top:2em}"
      "table{border-collapse:collapse;width:100%%}td{padding:.25em .5em;border-bottom:1px solid "
      "#ccc;"
      "vertical-align:top}td+td{text-align:right}p{color:#444}@page{margin:2cm}</style>"
      "<h1>Tidemark, %s</h1><p>Agent %s, made %s. Watched %s of the time; what was not watched is "
      "not counted as available.</p>",
      Escaped(report.period), Escaped(report.period), Escaped(report.agent),
      FormatRfc3339(report.made_at), Percent(report.watched_share));
  if (report.vaults.empty()) page += "<p>Nothing is known of this period.</p>";
  for (const SlaReport::Vault& vault : report.vaults) {
    page += "<h2>Vault " + Escaped(vault.name) + "</h2><table>";
    for (const auto& [name, value] : Lines(vault))
      page += "<tr><td>" + Escaped(name) + "</td><td>" + Escaped(value) + "</td></tr>";
    page += "</table>";
    for (const Incident& incident : vault.incidents)
      page += "<p>" + Escaped(IncidentLine(incident)) + "</p>";
  }
  return page + "</html>\n";
}

}  // namespace tidemark
