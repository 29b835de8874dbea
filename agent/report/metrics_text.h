// The status as Prometheus reads it (text exposition 0.0.4). Base units, names with the prefix
// tidemark_, one HELP and TYPE each. What is unknown is left out: a gap, not a 0.
#ifndef TIDEMARK_AGENT_REPORT_METRICS_TEXT_H_
#define TIDEMARK_AGENT_REPORT_METRICS_TEXT_H_

#include <initializer_list>
#include <optional>
#include <string>
#include <utility>

#include "absl/time/time.h"
#include "agent/report/status_report.h"

namespace tidemark {

// Families one after the other: Begin, then its samples.
class MetricsText {
 public:
  using Labels = std::initializer_list<std::pair<const char*, std::string>>;
  void Begin(const char* name, const char* type, const char* help);
  void Sample(Labels labels, const std::optional<double>& value);
  std::string Take() { return std::move(text_); }

 private:
  std::string name_, text_;
};

// `age`: of the report; lag and RPO in it have grown by that much (see Aged).
void AddStatus(const StatusReport& report, absl::Duration age, MetricsText* text);

// What a report says `age` later at best: nothing is proven in between, so lag and RPO grow.
StatusReport Aged(StatusReport report, absl::Duration age);

}  // namespace tidemark
#endif  // TIDEMARK_AGENT_REPORT_METRICS_TEXT_H_
