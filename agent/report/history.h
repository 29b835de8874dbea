// What each site's figures were: the last hour in steps of 5 s, the last day in steps of 2 min, for
// the page. In memory only; it begins with the agent.
//
// A step shows the worst lag and the mean rates of its seconds. One unknown second makes the whole
// step's lag unknown: a gap in the line, not a dip.
#ifndef TIDEMARK_AGENT_REPORT_HISTORY_H_
#define TIDEMARK_AGENT_REPORT_HISTORY_H_

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "agent/report/status_report.h"

namespace tidemark {

class History {
 public:
  static constexpr size_t kSteps = 720;
  struct Step {
    std::optional<float> lag, rpo, ack_p99;  // seconds
    std::optional<float> write_iops, read_iops, bytes_in, bytes_out;
  };
  struct Series {
    absl::Duration step;
    absl::Time newest;                               // when its newest step ended
    std::map<std::string, std::vector<Step>> sites;  // the oldest first, at most kSteps
  };
  History();
  // About once a second. True when a step was closed. A jump of the clock begins new steps.
  bool Note(const StatusReport& report);
  const Series& fine() const { return scales_[0].series; }
  const Series& coarse() const { return scales_[1].series; }

 private:
  struct Sum {
    Step step;
    bool lag_unknown = false, rpo_unknown = false;
    int rates = 0;
  };
  struct Scale {
    Series series;
    std::map<std::string, Sum> open;
    absl::Time ends;
  };
  static void Add(const SiteStatus& site, Sum* sum);
  static void Close(Scale* scale);
  std::vector<Scale> scales_;
};

}  // namespace tidemark
#endif  // TIDEMARK_AGENT_REPORT_HISTORY_H_
