// Incidents: times in which a target was missed, exact to the second, and the credit that follows.
// Pure. An incident ends when its cause was last seen; one that comes back within a minute goes on,
// so that a flapping figure is one incident. What is planned (maintenance) is marked, not hidden.
#ifndef TIDEMARK_AGENT_REPORT_INCIDENT_BOOK_H_
#define TIDEMARK_AGENT_REPORT_INCIDENT_BOOK_H_

#include <deque>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "agent/report/alert_config.h"
#include "agent/report/sla_book.h"
#include "agent/report/time_spans.h"

namespace tidemark {

struct Incident {
  SlaSubject subject;
  absl::Time began, ended;  // ended: last seen, while it is open
  bool is_open = false;
  bool is_planned = false;  // wholly
  std::string summary;
  TimeSpans planned;  // the parts of it in maintenance windows
  absl::Duration length() const { return ended - began; }
  TimeSpans unplanned() const { return Without(United({{began, ended}}), planned); }
};

class IncidentBook {
 public:
  static constexpr size_t kIncidentsMax = 1000;
  // kDataLoss: not what Save made.
  absl::Status Load(const std::string& saved);
  std::string Save() const;
  // Facts at danger are incidents. What is not among the facts is unknown and goes on.
  void Note(absl::Time now, const std::vector<SlaFact>& facts,
            const std::vector<MaintenanceWindow>& maintenance);
  const std::deque<Incident>& incidents() const { return incidents_; }  // the newest first

 private:
  std::deque<Incident> incidents_;
};

// Percent of the month's price: so much for each started step of each miss of the vault that began
// in [from, to); at most 100. A miss is the RPO past its target, or pushes that are not served for
// longer than the RTO; what overlaps is one miss. Planned time neither counts nor starts a step.
double CreditPercent(const std::deque<Incident>& incidents, const std::string& vault,
                     absl::Time from, absl::Time to, const PriceTable& prices);

}  // namespace tidemark
#endif  // TIDEMARK_AGENT_REPORT_INCIDENT_BOOK_H_
