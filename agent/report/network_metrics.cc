#include "agent/report/network_metrics.h"

#include "absl/strings/str_format.h"
#include "agent/report/json_fields.h"

namespace tidemark {
namespace {

constexpr int kRecomputedSeconds = 30;

Json StatementFields(const UsageStatement& made) {
  return {{"name", made.vault},
          {"tier", TextOrNull(made.tier)},
          {"month", made.month},
          {"state", SlaLevelName(made.level)},
          {"capacity_bytes", OrNull(made.capacity_bytes)},
          {"stored_bytes", made.stored_bytes},
          {"logical_bytes", made.logical_bytes},
          {"stored_byte_hours", made.stored_byte_hours},
          {"used_ratio", OrNull(made.used_ratio)},
          {"projected_stored_bytes", OrNull(made.projected_stored_bytes)},
          {"projected_ratio", OrNull(made.projected_ratio)},
          {"egress_bytes", made.egress_bytes},
          {"egress_included_bytes", made.egress_included_bytes},
          {"egress_used_ratio", made.egress_ratio},
          {"projected_egress_bytes", OrNull(made.projected_egress_bytes)},
          {"projected_egress_ratio", OrNull(made.projected_egress_ratio)},
          {"overage_gb_months", made.overage_gb_months},
          {"overage_cost", made.overage_cost},
          {"egress_cost", made.egress_cost}};
}

double CreditOf(const UsageStatement& made, const IncidentBook& incidents,
                const PriceTable& prices) {
  absl::CivilMonth month;
  if (!absl::ParseCivilTime(made.month, &month)) return 0;
  return CreditPercent(incidents.incidents(), made.vault,
                       absl::FromCivil(month, absl::UTCTimeZone()),
                       absl::FromCivil(month + 1, absl::UTCTimeZone()), prices);
}

Json WithCredit(const UsageStatement& made, const IncidentBook& incidents,
                const PriceTable& prices) {
  Json json = StatementFields(made);
  json["credit_percent"] = CreditOf(made, incidents, prices);
  json["currency"] = prices.currency;
  return json;
}

}  // namespace

std::string NetworkMetricsJson(absl::Time at, const UsageBook& usage, const IncidentBook& incidents,
                               const SlaBook& sla, const PriceTable& prices) {
  Json vaults = Json::array(), past = Json::array(), states = Json::array();
  Json missed = Json::array();
  for (const UsageStatement& made : usage.Statements())
    vaults.push_back(WithCredit(made, incidents, prices));
  for (const UsageStatement& made : usage.past())
    past.push_back(WithCredit(made, incidents, prices));
  for (const auto& [subject, state] : sla.states()) {
    states.push_back({{"alert", subject.alert},
                      {"vault", TextOrNull(subject.vault)},
                      {"site", TextOrNull(subject.site)},
                      {"state", SlaLevelName(state.level)},
                      {"since", TimeOrNull(state.since)},
                      {"summary", state.summary}});
  }
  for (const Incident& incident : incidents.incidents()) {
    missed.push_back({{"alert", incident.subject.alert},
                      {"vault", TextOrNull(incident.subject.vault)},
                      {"site", TextOrNull(incident.subject.site)},
                      {"began", FormatRfc3339(incident.began)},
                      {"ended", FormatRfc3339(incident.ended)},
                      {"open", incident.is_open},
                      {"planned", incident.is_planned},
                      {"planned_seconds", absl::ToDoubleSeconds(LengthOf(incident.planned))},
                      {"seconds", absl::ToDoubleSeconds(incident.length())}});
  }
  return Dump({{"at", FormatRfc3339(at)},
               {"recomputed_every_seconds", kRecomputedSeconds},
               {"method", kProjectionMethod},
               {"vaults", vaults},
               {"past_months", past},
               {"sla", {{"state", SlaLevelName(sla.worst())}, {"subjects", states}}},
               {"incidents", missed},
               {"prices",
                {{"currency", prices.currency},
                 {"overage_per_gb_month", prices.overage_per_gb_month},
                 {"egress_per_gb", prices.egress_per_gb},
                 {"credit_percent", prices.credit_percent},
                 {"credit_step_seconds", absl::ToInt64Seconds(prices.credit_step)},
                 {"credit_rto_seconds", absl::ToInt64Seconds(prices.credit_rto)}}}});
}

void AddUsage(const UsageBook& usage, MetricsText* text) {
  const std::vector<UsageStatement> statements = usage.Statements();
  const auto each = [&](const char* name, const char* type, const char* help, auto value) {
    text->Begin(name, type, help);
    for (const UsageStatement& made : statements)
      text->Sample({{"vault", made.vault}}, value(made));
  };
  using Made = UsageStatement;
  each("tidemark_quota_used_ratio", "gauge", "Stored bytes by the tier's capacity.",
       [](const Made& made) { return made.used_ratio; });
  each("tidemark_quota_projected_ratio", "gauge", "The same as projected for the month's end.",
       [](const Made& made) { return made.projected_ratio; });
  each("tidemark_egress_bytes", "gauge", "Bytes restored this month.",
       [](const Made& made) { return made.egress_bytes; });
  each("tidemark_egress_used_ratio", "gauge", "Egress by what is included.",
       [](const Made& made) { return made.egress_ratio; });
  each("tidemark_egress_projected_ratio", "gauge", "The same as projected for the month's end.",
       [](const Made& made) { return made.projected_egress_ratio; });
  each("tidemark_stored_byte_seconds", "gauge", "Stored bytes times seconds, this month so far.",
       [](const Made& made) { return made.stored_byte_hours * 3600; });
}

void AddSla(const SlaBook& sla, MetricsText* text) {
  text->Begin("tidemark_sla_state", "gauge", "0 info, 1 warning, 2 danger.");
  for (const auto& [subject, state] : sla.states()) {
    text->Sample({{"alert", subject.alert}, {"vault", subject.vault}, {"site", subject.site}},
                 static_cast<double>(state.level));
  }
}

void AddDelivery(const AlertDesk& desk, MetricsText* text) {
  const auto one = [text](const char* name, const char* type, const char* help, uint64_t value) {
    text->Begin(name, type, help);
    text->Sample({}, static_cast<double>(value));
  };
  one("tidemark_alerts_queued", "gauge", "Messages that wait for their receiver.", desk.queued());
  one("tidemark_alerts_delivered_total", "counter", "Messages that a receiver took.",
      desk.delivered());
  one("tidemark_alert_attempts_failed_total", "counter", "Tries that failed.", desk.failed());
  one("tidemark_alerts_dropped_total", "counter", "Messages refused for good, or beyond the queue.",
      desk.dropped());
}

std::vector<std::pair<std::string, std::string>> UsageFacts(const UsageBook& usage,
                                                            const SlaSubject& subject) {
  std::vector<std::pair<std::string, std::string>> facts;
  const auto percent = [](const std::optional<double>& ratio) {
    return ratio.has_value() ? absl::StrFormat("%.1f %%", *ratio * 100) : "unknown";
  };
  for (const UsageStatement& made : usage.Statements()) {
    if (!subject.vault.empty() && made.vault != subject.vault) continue;
    const std::string of = subject.vault.empty() ? " of " + made.vault : "";
    facts.emplace_back("network use" + of, percent(made.egress_ratio));
    facts.emplace_back("storage use" + of, percent(made.used_ratio));
    facts.emplace_back("projection" + of, "month end: network " +
                                              percent(made.projected_egress_ratio) + ", storage " +
                                              percent(made.projected_ratio));
  }
  return facts;
}

}  // namespace tidemark
