// What the figures of a status lead to if nothing changes: RPO targets that will be missed, disks
// that will be full. Pure; is shown every report, about once a second.
#ifndef TIDEMARK_AGENT_REPORT_OUTLOOK_H_
#define TIDEMARK_AGENT_REPORT_OUTLOOK_H_

#include <map>
#include <string>
#include <utility>

#include "agent/report/forecast.h"
#include "agent/report/status_report.h"

namespace tidemark {

// Adds to each report what it knows, before health is judged.
class StatusObserver {
 public:
  virtual ~StatusObserver() = default;
  virtual void Complete(StatusReport* report) = 0;
};

class Outlook {
 public:
  // Fills in breach_in_seconds and store_full_in_seconds. `now` is monotonic.
  void Complete(absl::Duration now, StatusReport* report);

 private:
  std::map<std::pair<std::string, std::string>, Forecast> rpo_;  // by vault and site
  std::map<std::string, Forecast> used_;                         // disk bytes, by site
};

}  // namespace tidemark
#endif  // TIDEMARK_AGENT_REPORT_OUTLOOK_H_
