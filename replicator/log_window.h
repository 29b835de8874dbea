// The agent's view of one vault's log: what was appended, what each site holds, what is committed.
//
// Positions only, no bytes: the agent keeps record buffers by sequence and asks here which may go.
// Strict mode: committed = the highest sequence durable at every primary, by acks whose digest
// equals the agent's own. The witness is never sent a record before it is committed, so it never
// truncates, and it never holds a buffer longer than room allows: past that it fetches from a
// primary (law 6).
// Quorum mode: any two sites that hold the whole prefix commit it, and the witness is fed like a
// primary. It begins with the record that says so: nothing is committed by two sites before they
// hold that record (law 5).
//
//   LogWindow(base) (Append | SetMode | LinkUp | LinkDown | OnAck | Sent | FetchFinished | Evict)*
#ifndef TIDEMARK_REPLICATOR_LOG_WINDOW_H_
#define TIDEMARK_REPLICATOR_LOG_WINDOW_H_

#include <cstdint>
#include <deque>
#include <optional>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "replicator/control_record.h"
#include "replicator/record.h"

namespace tidemark {

using SiteIndex = uint32_t;  // order of the configuration: primaries first, witness last

class LogWindow {
 public:
  struct Options {
    uint32_t primaries = 2;
    uint32_t sites = 3;
    uint64_t uncommitted_bytes_max = 64 * 1024 * 1024;
    // The vault may be in quorum mode, and a site's old tail may hold what no two sites ever did.
    bool may_use_quorum = false;
  };
  // `base`: the tail that a take-over adopted; committed with the first record behind it.
  LogWindow(const Options& options, const Position& base);

  // May a record of that many bytes be appended now, or must producers wait (law 9)? A record
  // larger than the whole limit may go alone.
  bool MayAppend(uint64_t bytes) const;
  void Append(const Position& position, uint64_t bytes);
  const Position& tail() const { return tail_; }
  // The rule from here on; the record that says so was just appended. Strict at first.
  void SetMode(AckMode mode);
  AckMode mode() const { return mode_; }
  // Grows only. 0 until both primaries were seen.
  uint64_t committed_sequence() const { return committed_; }
  const Position& committed_position() const { return committed_position_; }
  // Of held records and the one before the oldest.
  std::optional<Position> PositionOf(uint64_t sequence) const;
  uint64_t uncommitted_bytes() const { return uncommitted_bytes_; }

  // A site's session is ready and holds `durable`. Says how it is fed from here on. What it says
  // counts as an ack: look at committed_sequence() afterwards. A site that holds less than before
  // is fed again. Positions older than the window cannot be compared here: the fetch checks the
  // chain. Where quorum mode is possible, a site that ends with records of an older epoch which are
  // not ours fetches too: it was absent when that epoch ended, and gives them up (truncation.h).
  enum class Feed : uint8_t {
    kLive,      // from the window, starting behind what it holds
    kFetch,     // its next record is no longer held: it must fetch from a peer up to fetch_target()
    kDiverged,  // it holds something else there, or more than we do: never feed it, tell people
  };
  Feed LinkUp(SiteIndex site, const Position& durable);
  void LinkDown(SiteIndex site);
  Feed feed(SiteIndex site) const { return sites_.at(site).feed; }
  bool is_up(SiteIndex site) const { return sites_.at(site).up; }
  // Highest position worth fetching: what is committed; for a primary also the base. Position 0:
  // nothing yet.
  Position fetch_target(SiteIndex site) const;
  // The fetch reached `durable`; live again if the window holds what follows, else kFetch again.
  Feed FetchFinished(SiteIndex site, const Position& durable);

  // The next sequence to send to a live site, or nullopt: nothing, or (witness) nothing committed.
  std::optional<uint64_t> NextToSend(SiteIndex site) const;
  void Sent(SiteIndex site, uint64_t sequence);

  // A site's ack. kDataLoss: its digest differs from ours or it is ahead of us (the site is
  // diverged from here); stale or repeated acks are fine. Returns true when the committed sequence
  // grew.
  absl::StatusOr<bool> OnAck(SiteIndex site, const Position& durable);
  // Is what a site says that it holds a prefix of our log, as far as can be told here? A tail of an
  // older epoch, once that quorum mode is possible, is none until a fetch has compared it.
  bool IsOurs(const Position& durable) const;
  // Of an older epoch, where quorum mode is possible: another log's, perhaps, and no lie.
  bool IsOldTail(const Position& durable) const;
  // As the site last said, also while it is down; position 0 before it was reached, and while what
  // it holds may not be ours.
  const Position& durable(SiteIndex site) const { return sites_.at(site).durable; }

  // The oldest held sequence, and whether it may be dropped: committed, and either durable at every
  // site or `for_room` is true. Uncommitted records are never dropped.
  std::optional<uint64_t> oldest() const;
  bool MayEvict(bool for_room) const;
  // Drops the oldest. A live site that was not sent it yet falls back to kFetch: look at feed().
  void Evict();

 private:
  struct Held {
    Position position;
    uint64_t bytes = 0;
  };
  struct SiteView {
    bool up = false;
    Feed feed = Feed::kLive;
    Position durable;
    uint64_t confirmed = 0;  // what it holds, by a digest that equals ours
    uint64_t next_to_send = 1;
  };
  bool IsPrimary(SiteIndex site) const { return site < options_.primaries; }
  uint64_t HeldByTwo() const;
  bool Contradicts(const Position& durable) const;
  Feed Place(SiteIndex site, const Position& durable);
  bool RecomputeCommitted();

  Options options_;
  Position base_, tail_;
  Position before_;        // the position before the oldest held record
  std::deque<Held> held_;  // consecutive sequences, the last one is the tail
  std::vector<SiteView> sites_;
  uint64_t committed_ = 0;
  Position committed_position_;
  AckMode mode_ = AckMode::kStrict;
  uint64_t quorum_from_ = 0;  // the record with which quorum mode began
  uint64_t uncommitted_bytes_ = 0;
};

}  // namespace tidemark
#endif  // TIDEMARK_REPLICATOR_LOG_WINDOW_H_
