// Who is told what: routes SLA states to channels, exactly once per channel and change, and keeps
// what could not be delivered. Pure; the caller stores Save() before it sends anything, so a
// restart repeats nothing and forgets nothing.
//
//   Load (once); Route(now, states) -> Due(now) -> send -> Delivered | Failed; Save when changed().
// A channel is told when what it was told last differs from what it should know: so a channel that
// rests over night hears the state of the morning, and one that comes in on escalation hears of
// what has stood long enough. What is over is told to whom its beginning was told.
#ifndef TIDEMARK_AGENT_REPORT_ALERT_DESK_H_
#define TIDEMARK_AGENT_REPORT_ALERT_DESK_H_

#include <deque>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "agent/report/sla_book.h"

namespace tidemark {

// What all shapes of a message are made of.
struct Alert {
  uint64_t sequence = 0;  // grows by one with each message of a channel
  SlaSubject subject;
  SlaLevel before = SlaLevel::kInfo, level = SlaLevel::kInfo;  // as this channel knows it
  absl::Time since, raised, told_at;
  std::string summary;
  std::vector<std::pair<std::string, std::string>> facts;  // "copies available" -> "2"
};
struct Delivery {
  uint64_t id = 0;
  std::string channel;
  Alert alert;
  uint32_t attempts = 0;
  absl::Time next_try;
};

class AlertDesk {
 public:
  static constexpr size_t kQueueMax = 1000;  // of all channels; the oldest goes first
  AlertDesk(std::vector<AlertChannel> channels, std::vector<MaintenanceWindow> maintenance);
  // With the book's states beside it. kDataLoss: not what Save made; both stay as they were.
  absl::Status Load(const std::string& saved, SlaBook* book);
  std::string Save(const SlaBook& book) const;

  using FactsOfSubject =
      std::function<std::vector<std::pair<std::string, std::string>>(const SlaSubject&)>;
  // Queues what channels should hear. `facts` is asked once for each message.
  void Route(absl::Time now, const std::map<SlaSubject, SlaState>& states,
             const FactsOfSubject& facts);
  // The oldest delivery of the channel whose time has come; messages of a channel keep their order.
  const Delivery* Due(const std::string& channel, absl::Time now) const;
  void Delivered(uint64_t id);
  // `retry_after`: what the other end asked for. A refusal for good (4xx) is dropped and counted.
  void Failed(uint64_t id, absl::Time now, std::optional<absl::Duration> retry_after,
              bool for_good);
  bool changed() const { return changed_; }
  void Saved() { changed_ = false; }
  bool InMaintenance(absl::Time now) const;

  size_t queued() const { return queue_.size(); }
  uint64_t delivered() const { return delivered_; }
  uint64_t dropped() const { return dropped_; }
  uint64_t failed() const { return failed_; }

 private:
  bool ShouldTell(const AlertChannel& channel, const SlaState& state, SlaLevel told,
                  absl::Time now) const;
  std::vector<AlertChannel> channels_;
  std::vector<MaintenanceWindow> maintenance_;
  std::map<std::pair<std::string, SlaSubject>, SlaLevel> told_;
  std::map<std::string, uint64_t> sequences_;  // by channel
  std::deque<Delivery> queue_;
  uint64_t next_id_ = 1, delivered_ = 0, dropped_ = 0, failed_ = 0;
  bool changed_ = false;
};

// Whether `now` lies in the hours; the zone is one of the system's or "UTC".
bool IsOpen(const BusinessHours& hours, absl::Time now);
absl::Duration RetryPause(uint32_t attempts);  // 1 s, 2 s, 4 s ... 5 min

}  // namespace tidemark
#endif  // TIDEMARK_AGENT_REPORT_ALERT_DESK_H_
