// One vault's world: two primaries, a witness, two agents that take over from each other, crashes
// between any two messages; strict lives, and lives in which any two sites may commit. Decisions
// are the real ones; disks, links and processes are a few lines each.
#ifndef TIDEMARK_TESTS_REPLICATOR_TAKE_OVER_MODEL_H_
#define TIDEMARK_TESTS_REPLICATOR_TAKE_OVER_MODEL_H_

#include <deque>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "replicator/log_window.h"
#include "replicator/promise_book.h"
#include "replicator/take_over.h"
#include "replicator/truncation.h"
#include "tests/replicator/positions.h"
#include "tests/replicator/take_over_bugs.h"

namespace tidemark {

class TakeOverModel {
 public:
  TakeOverModel(uint64_t seed, Bug bug, bool quorum);
  void Step();  // one event
  bool Heal();  // no more crashes, one agent: does it commit, and do all sites keep up?
  const std::string& violation() const { return violation_; }  // the first law that broke
  struct Count {
    uint64_t committed = 0, take_overs = 0, crashes = 0, fenced = 0, fetched = 0;
    uint64_t truncated = 0, quorum_commits = 0, without_a_primary = 0;
  };
  const Count& count() const { return count_; }

 private:
  static constexpr size_t kSites = 3, kPrimaries = 2, kAgents = 2;
  struct Entry {
    FakeRecord record;
    SessionId author;
    EpochStart start;  // of an epoch's first record
  };
  struct ToSite {
    enum Kind { kPromise, kAppend, kFetch } kind = kPromise;
    uint64_t epoch = 0;
    SessionId nonce{};
    Entry entry{};      // kAppend
    Position target{};  // kFetch
    size_t peer = 0;
    uint64_t connection = 0;
  };
  struct ToAgent {
    enum Kind { kPromised, kRefused, kAck, kFetched } kind = kAck;
    SessionId nonce{};   // of the session that it answers
    uint64_t epoch = 0;  // kRefused: promised there, 0: busy
    Position position{};
  };
  struct Site {
    // Disk.
    std::vector<Entry> log;  // log[i] has sequence i + 1; beyond book.durable() a crash may take it
    uint64_t disk_epoch = 0;
    SessionId disk_nonce;
    // Process.
    std::optional<PromiseBook> book;
    std::optional<ToSite> promising;
    size_t promising_agent = 0;
    Position promising_tail;
    size_t session_agent = 0;  // whom it acks to
    uint64_t session_connection = 0;
  };
  struct Link {
    uint64_t connection = 1;  // what came over an older one is not answered
    std::deque<ToSite> to_site;
    std::deque<ToAgent> to_agent;
    bool asked = false;
    bool promised = false;
    bool fetching = false;
    Position durable;         // as the promise said
    uint64_t site_epoch = 0;  // as a refusal said
  };
  struct Agent {
    bool alive = false;
    uint64_t epoch = 0, last_epoch = 0;
    SessionId nonce;
    std::optional<TakeOverPlan> plan;
    std::vector<std::vector<std::byte>> promises;  // that the plan is made of
    std::optional<LogWindow> window;
    std::map<uint64_t, Entry> buffers;
    bool fenced = false;
    uint64_t paused_until = 0;
  };

  Link& link(size_t agent, size_t site) { return links_[agent][site]; }
  void Fault();
  // Agents.
  void StartAgent(size_t a);
  void CrashAgent(size_t a);
  void CutLink(size_t a, size_t s);
  void ActAgent(size_t a);
  void AskPromises(size_t a);
  void TryPlan(size_t a);
  void CopyTails(size_t a);
  void BeginWindow(size_t a);
  void Write(size_t a);
  void Append(size_t a);
  void ChangeMode(size_t a);
  std::vector<size_t> ChoosePromises(size_t a);
  void FeedSite(size_t a, size_t s);
  void Linked(size_t a, size_t s, LogWindow::Feed feed);
  void Send(size_t a, size_t s, ToSite message);
  bool DeliverToAgent(size_t a, size_t s);
  void OnPromised(size_t a, size_t s, const Position& durable);
  void OnFetched(size_t a, size_t s, const Position& durable);
  // Sites.
  void StartSite(size_t s);
  void CrashSite(size_t s);
  bool DeliverToSite(size_t a, size_t s);
  void OnPromise(size_t a, size_t s, const ToSite& message);
  void FinishPromise(size_t s);
  void OnAppend(size_t a, size_t s, const ToSite& message);
  void OnFetch(size_t a, size_t s, const ToSite& message);
  void FlushSite(size_t s, uint64_t upto);
  void GiveUpOldTail(size_t s, const ToSite& message);
  void Reply(size_t a, size_t s, uint64_t connection, const ToAgent& message);
  void Ack(size_t s, const Position& position);
  Position At(size_t s, uint64_t sequence) const;
  // Laws.
  void NoteCommitted(size_t a);
  const Entry* EntryOf(size_t a, uint64_t sequence) const;
  void CheckLaws();
  void CheckStrictLaws();
  bool Converged() const;
  void Violate(const std::string& what);
  static std::string SiteName(size_t s) { return std::string(1, "abw"[s]); }

  Dice dice_;
  const Bug bug_;
  const bool quorum_;
  const uint64_t fault_odds_, start_odds_;  // every life has its own weather
  uint8_t next_nonce_ = 1;
  uint64_t now_ = 0;
  Site sites_[kSites];
  Agent agents_[kAgents];
  Link links_[kAgents][kSites];
  std::vector<Entry> committed_;             // by whomever, for ever
  std::map<uint64_t, SessionId> writer_of_;  // epoch -> session that committed a record of it
  std::string violation_;
  Count count_;
};

}  // namespace tidemark
#endif  // TIDEMARK_TESTS_REPLICATOR_TAKE_OVER_MODEL_H_
