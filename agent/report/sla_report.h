// The daily and the monthly report: availability, lag, incidents, what was met, use and price. From
// the books; as text, as JSON, and as a page to print.
#ifndef TIDEMARK_AGENT_REPORT_SLA_REPORT_H_
#define TIDEMARK_AGENT_REPORT_SLA_REPORT_H_

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "agent/report/day_book.h"
#include "agent/report/incident_book.h"
#include "agent/report/usage_book.h"

namespace tidemark {

struct SlaReport {
  struct Vault {
    std::string name;
    DayRow row;                         // the sum of the period's days
    double unwatched = 0, planned = 0;  // seconds; planned: watched or not
    // Shares of the time since it was first seen. What was not watched was not available; what was
    // planned is left out, or counted like the rest.
    std::optional<double> availability, availability_with_planned;
    std::optional<double> rpo_met;  // a share of what is known
    std::optional<double> lag_p50, lag_p95, lag_p99;
    std::vector<Incident> incidents;
    std::optional<double> mean_repair_seconds;  // of what ended
    std::optional<UsageStatement> usage;        // monthly only
    double credit_percent = 0;
  };
  std::string period, agent;  // "2026-11-21" or "2026-11"
  absl::Time from, to, made_at;
  std::vector<Vault> vaults;
  double watched_share = 0;  // of the period until now
};

// `period`: a day or a month. kInvalidArgument: neither.
absl::StatusOr<SlaReport> MakeSlaReport(const std::string& period, const std::string& agent,
                                        absl::Time now, const DayBook& days,
                                        const IncidentBook& incidents, const UsageBook& usage,
                                        const SlaConfig& config);
std::string SlaReportText(const SlaReport& report);
std::string SlaReportJson(const SlaReport& report);
std::string SlaReportPage(const SlaReport& report);

}  // namespace tidemark
#endif  // TIDEMARK_AGENT_REPORT_SLA_REPORT_H_
