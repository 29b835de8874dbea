// Health: what is wrong, under names that never change, and what to do about it. Pure: a report
// comes in, codes go out. The table is the one place where a code, its severity and its hint stand;
// docs/status.md is checked against it.
#ifndef TIDEMARK_AGENT_REPORT_HEALTH_H_
#define TIDEMARK_AGENT_REPORT_HEALTH_H_

#include <span>
#include <string>
#include <vector>

#include "agent/report/status_report.h"

namespace tidemark {

struct HealthRow {
  const char* code;
  const char* severity;  // info | warn | error, where the message does not decide otherwise
  const char* cause;
  const char* hint;
};
std::span<const HealthRow> HealthTable();

// How a vault stands at one site against its RPO target.
enum class RpoStanding { kUnknown, kMet, kAtRisk, kMissed };
RpoStanding StandingOf(const VaultStatus& vault, const VaultSiteStatus& site);

// Every code that the report gives reason for; sets `codes` and `status`. Replaces what was there.
void JudgeHealth(StatusReport* report);

}  // namespace tidemark
#endif  // TIDEMARK_AGENT_REPORT_HEALTH_H_
