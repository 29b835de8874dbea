// The SLA states of all subjects: info, warning, danger, with hysteresis. A subject is an alert of
// a vault (its RPO, its copies ...) or of a site. Pure: facts and times in, changes out.
//
//   Restore (once); Note(now, facts) about once a second.
// A state counts when it has stood for raise_after (worse) or clear_after (better); danger counts
// at once. A subject that is not among the facts is unknown: it keeps its state.
#ifndef TIDEMARK_AGENT_REPORT_SLA_BOOK_H_
#define TIDEMARK_AGENT_REPORT_SLA_BOOK_H_

#include <map>
#include <string>
#include <vector>

#include "agent/report/alert_config.h"
#include "agent/report/status_report.h"

namespace tidemark {

struct SlaSubject {
  std::string alert;        // "TidemarkRpo"; what Alertmanager calls alertname
  std::string vault, site;  // empty: does not matter
  auto operator<=>(const SlaSubject&) const = default;
};
struct SlaFact {
  SlaSubject subject;
  SlaLevel level = SlaLevel::kInfo;
  std::string summary;
};
struct SlaState {
  SlaLevel level = SlaLevel::kInfo;
  absl::Time since;     // when it came to this level
  absl::Time raised;    // when it left info; UnixEpoch in info
  std::string summary;  // of that level
};
struct SlaChange {
  SlaSubject subject;
  SlaLevel before = SlaLevel::kInfo;
  SlaState now;
};

class SlaBook {
 public:
  explicit SlaBook(const SlaTiming& timing) : timing_(timing) {}
  void Restore(const SlaSubject& subject, const SlaState& state) { states_[subject] = state; }
  // `now` for people, `monotonic` for the hysteresis.
  std::vector<SlaChange> Note(absl::Time now, absl::Duration monotonic,
                              const std::vector<SlaFact>& facts);
  const std::map<SlaSubject, SlaState>& states() const { return states_; }
  SlaLevel worst() const;

 private:
  struct Leaning {  // towards another level
    SlaLevel level = SlaLevel::kInfo;
    absl::Duration since;
  };
  SlaTiming timing_;
  std::map<SlaSubject, SlaState> states_;
  std::map<SlaSubject, Leaning> leanings_;
};

// The facts in a status: RPO, copies and writability of each vault; damage, space and conviction of
// each site.
std::vector<SlaFact> FactsOf(const StatusReport& report);
// What is known of vaults and sites that are not there any more: nothing stands against them.
std::vector<SlaFact> FactsOfGone(const StatusReport& report,
                                 const std::map<SlaSubject, SlaState>& states);
// What a message about the subject says beside it: copies, computed RPO and RTO, forecasts.
std::vector<std::pair<std::string, std::string>> AlertFacts(const StatusReport& report,
                                                            const SlaSubject& subject);

}  // namespace tidemark
#endif  // TIDEMARK_AGENT_REPORT_SLA_BOOK_H_
