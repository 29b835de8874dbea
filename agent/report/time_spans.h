// Sets of instants as spans, and planned maintenance as such a set. A span holds `from`, not `to`.
#ifndef TIDEMARK_AGENT_REPORT_TIME_SPANS_H_
#define TIDEMARK_AGENT_REPORT_TIME_SPANS_H_

#include <vector>

#include "absl/time/time.h"
#include "agent/report/alert_config.h"

namespace tidemark {

struct TimeSpan {
  absl::Time from, to;
  absl::Duration length() const { return to - from; }
  bool operator==(const TimeSpan&) const = default;
};
// In order and apart, none empty, where nothing else is said.
using TimeSpans = std::vector<TimeSpan>;

// Of spans in any order, which may overlap or be empty.
TimeSpans United(TimeSpans spans);
TimeSpans Without(const TimeSpans& spans, const TimeSpans& taken);
absl::Duration LengthOf(const TimeSpans& spans);
// What of a span lies in maintenance windows; windows may overlap.
TimeSpans PlannedParts(const std::vector<MaintenanceWindow>& maintenance, const TimeSpan& span);

}  // namespace tidemark
#endif  // TIDEMARK_AGENT_REPORT_TIME_SPANS_H_
