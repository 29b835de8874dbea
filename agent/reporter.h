// Tells operators how the agent is: looks at it twice a second and publishes what it saw. All that
// watches from outside (the port, the page, alerts, quotas) starts from that one snapshot.
//
//   Run until Stop. The status port that cannot be had is tried again; nothing here stops pushes.
#ifndef TIDEMARK_AGENT_REPORTER_H_
#define TIDEMARK_AGENT_REPORTER_H_

#include <memory>
#include <string>

#include "agent/agent.h"
#include "agent/alert_sender.h"
#include "agent/config.h"
#include "agent/log.h"
#include "agent/report/day_book.h"
#include "agent/report/event_log.h"
#include "agent/report/history.h"
#include "agent/report/incident_book.h"
#include "agent/report/process_load.h"
#include "agent/report/status_port.h"
#include "agent/report/usage_book.h"
#include "agent/status_pages.h"

namespace tidemark {

class Reporter : public StatusObserver {
 public:
  // All outlive it.
  Reporter(Io* io, const AgentConfig* config, Agent* agent, Logger* log);
  ~Reporter() override;
  Io* io() const { return io_; }
  Task<> Run();
  void Stop();
  void Complete(StatusReport* report) override;

 private:
  Task<> OpenPort();
  Task<> LoadBooks();
  Task<> KeepBooks();
  Task<> Look();
  Task<> ReadLoad();
  bool Settled(const StatusReport& report);
  void NoteBooks(const StatusReport& report, std::vector<SlaFact>* facts);
  void Publish(const StatusReport& report);

  Io* io_;
  const AgentConfig* config_;
  Agent* agent_;
  Logger* log_;
  std::unique_ptr<StatusPort> port_;
  std::string url_, port_trouble_;
  absl::Duration port_tried_ = -absl::InfiniteDuration();
  ProcessLoad load_;
  History history_;
  std::shared_ptr<const History> published_history_;
  EventLog events_;
  AlertSender alerts_;
  UsageBook usage_;
  IncidentBook incidents_;
  DayBook days_;
  absl::Duration kept_, computed_ = -absl::InfiniteDuration();
  std::string network_metrics_;
  std::shared_ptr<const ReportPages> reports_;
  absl::Duration started_, late_;  // the longest that it woke too late
  bool settled_ = false, stopping_ = false;
  Op* sleep_ = nullptr;
};

}  // namespace tidemark
#endif  // TIDEMARK_AGENT_REPORTER_H_
