// What the status port answers, from one immutable snapshot. Nothing here touches the agent.
#ifndef TIDEMARK_AGENT_STATUS_PAGES_H_
#define TIDEMARK_AGENT_STATUS_PAGES_H_

#include <memory>
#include <string>

#include "agent/report/history.h"
#include "agent/report/status_port.h"
#include "agent/report/status_report.h"

namespace tidemark {

struct ReportPages {
  std::string daily, monthly;  // HTML
};

struct StatusSnapshot {
  StatusReport report;
  std::shared_ptr<const History> history;      // null: none yet
  std::string network_metrics;                 // JSON; empty: not computed yet
  std::string more_metrics;                    // Prometheus text behind that of the report
  std::shared_ptr<const ReportPages> reports;  // null: not made yet
};

// A snapshot that is older says that the agent's loop stands still: /healthz and /readyz are 503.
inline constexpr absl::Duration kSnapshotAgeMax = absl::Seconds(10);

// `age`: since the snapshot was made. 404 for a path that is no page.
HttpAnswer AnswerPage(const StatusSnapshot& snapshot, const std::string& path, absl::Duration age);

}  // namespace tidemark
#endif  // TIDEMARK_AGENT_STATUS_PAGES_H_
