// The last changes that an operator would want to know of, derived from one status to the next.
#ifndef TIDEMARK_AGENT_REPORT_EVENT_LOG_H_
#define TIDEMARK_AGENT_REPORT_EVENT_LOG_H_

#include <deque>
#include <map>
#include <string>

#include "agent/report/status_report.h"

namespace tidemark {

class EventLog {
 public:
  static constexpr size_t kEventsMax = 50;
  // Keeps what changed since the last report: states of sites and vaults, health codes that came
  // and went.
  void Observe(const StatusReport& report);
  void Add(absl::Time at, std::string what, std::string text);
  const std::deque<StatusEvent>& events() const { return events_; }  // the newest first

 private:
  bool seen_any_ = false;
  std::map<std::string, std::string> states_;  // "site a" -> state
  std::map<std::string, std::string> codes_;   // that stand, and their message
  std::deque<StatusEvent> events_;
};

}  // namespace tidemark
#endif  // TIDEMARK_AGENT_REPORT_EVENT_LOG_H_
