// Alerts on their way: the desk decides, a courier per channel carries, and the desk's memory is on
// disk before anything leaves.
#ifndef TIDEMARK_AGENT_ALERT_SENDER_H_
#define TIDEMARK_AGENT_ALERT_SENDER_H_

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "agent/io/task.h"
#include "agent/log.h"
#include "agent/report/alert_desk.h"
#include "agent/report/courier.h"

namespace tidemark {

class AlertSender {
 public:
  // `path`: where the memory is kept. All outlive it.
  AlertSender(Io* io, const SlaConfig* config, std::string agent, std::string path, Logger* log);
  Io* io() const { return io_; }
  // Reads what an earlier agent left. A damaged memory is put aside and said.
  Task<> Load();
  // About once a second: judges the facts, tells who must know, carries on.
  Task<> Step(std::vector<SlaFact> facts, AlertDesk::FactsOfSubject facts_of, std::string page);
  // An orderly stop: waits for what is on its way, so that it is not sent again.
  Task<> Finish();
  const SlaBook& book() const { return book_; }
  const AlertDesk& desk() const { return desk_; }
  // What the last Step changed.
  const std::vector<SlaChange>& changes() const { return changes_; }

 private:
  struct Channel {
    const AlertChannel* config = nullptr;
    std::unique_ptr<Courier> courier;
    std::string trouble;
  };
  Task<absl::Status> Store();
  Task<absl::StatusOr<AlertSecrets>> Secrets(const AlertChannel* channel);
  Task<> Send(Channel* channel, std::string page);
  void Collect(Channel* channel);
  void Trouble(Channel* channel, const std::string& why);

  Io* io_;
  std::string agent_, path_;
  Logger* log_;
  SlaBook book_;
  AlertDesk desk_;
  std::vector<SlaChange> changes_;
  std::vector<Channel> channels_;
  bool loaded_ = false, unsaved_ = false;
};

}  // namespace tidemark
#endif  // TIDEMARK_AGENT_ALERT_SENDER_H_
