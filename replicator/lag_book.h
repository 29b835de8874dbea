// Lag and RPO of one vault (design section 2): reported >= true, unknown is a state (law 7).
//
// Replication lag of a site: now - t, t the latest instant of which the site is proven to hold
// everything taken until then. RPO actual: now - capture time of the oldest byte taken and not yet
// restorable there (its archive complete); nothing pending: as lag. Times are the agent's clock.
//
//   OnTaken(span, t) .. OnPlaced(span, sequence)   bytes read, then all in records <= sequence
//   OnPushOpened(push, capture) .. OnPushRooted(push, root sequence) | OnPushAbandoned(push)
//   OnRecordClosed(sequence, now)                  in order
//   OnDurable(site, sequence)  OnAck(site, sequence, heard_at)
//   OnHeartbeat(site, sent_at, durable sequence)
//
// Memory does not grow with an outage: the history that a dead site has not yet got is kept thinner
// the older it is (an exponential histogram, Datar et al. 2002) and rounded to the longer lag, by
// an eighth.
#ifndef TIDEMARK_REPLICATOR_LAG_BOOK_H_
#define TIDEMARK_REPLICATOR_LAG_BOOK_H_

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <utility>
#include <vector>

#include "absl/time/time.h"

namespace tidemark {

class LagBook {
 public:
  static constexpr size_t kLevelEntriesMax = 16;  // places kept per power of two
  static constexpr size_t kHistoryMax = 2 * 64 * kLevelEntriesMax + 1;  // after 2^63 records

  // `base`: the tail at the start of the session; a site that holds it holds everything taken
  // before `now`.
  LagBook(uint32_t sites, uint64_t base_sequence, absl::Time now);
  // What an earlier session proved of a site that is still behind `base`, if the caller knows: that
  // it holds `sequence`, and with it everything taken until `proven`. Without it such a site's lag
  // is unknown until it holds `base`; a site that then shows less has lost it.
  void OnProvenBefore(uint32_t site, absl::Time proven, uint64_t sequence);

  // Span and push numbers are the caller's, never used twice. A span taken before what was already
  // claimed takes the claims back.
  void OnTaken(uint64_t span, absl::Time taken_at);
  void OnPlaced(uint64_t span, uint64_t sequence);  // also when it needed no record: the open one
  void OnDropped(uint64_t span);  // its push was abandoned; fine when placed long ago
  void OnPushOpened(uint64_t push, absl::Time captured_at);
  void OnPushRooted(uint64_t push, uint64_t root_sequence);
  void OnPushAbandoned(uint64_t push);  // its spans are dropped one by one
  void OnRecordClosed(uint64_t sequence, absl::Time now);
  // What a site is known to hold; it only grows.
  void OnDurable(uint32_t site, uint64_t sequence);
  // The same by an ack that was heard now. If it names all records there are, the site holds
  // everything taken until now but for what is open here.
  void OnAck(uint32_t site, uint64_t sequence, absl::Time heard_at);
  // A reply to a heartbeat (or hello) sent at `sent_at`, stating what the site holds durably: less
  // than it acked means that it lost it. Idle and complete sites are proven fresh as of `sent_at`.
  void OnHeartbeat(uint32_t site, absl::Time sent_at, uint64_t durable_sequence);

  struct Lag {
    // nullopt: never reached, or behind the base and nothing known.
    std::optional<absl::Duration> replication_lag, rpo_actual;
    uint64_t pending_records = 0;
  };
  Lag Of(uint32_t site, absl::Time now) const;
  // What holds of the log up to `sequence`: all that was taken until `taken` stands in it, all
  // archives opened until `restorable` are whole in it. `restorable` is never the later one.
  struct Claims {
    absl::Time taken = absl::InfinitePast(), restorable = absl::InfinitePast();
  };
  Claims ClaimsFor(uint64_t sequence, absl::Time now) const;
  // Entries kept for sites that are behind.
  size_t history() const { return closed_.size() + rooted_.size(); }

 private:
  struct Span {
    absl::Time taken_at;
    uint64_t sequence = kUnplaced;
  };
  // Everything taken until then stands in records <= sequence.
  struct Closed {
    uint64_t sequence = 0;
    absl::Time taken_through;
    uint8_t level = 0;  // stands for 2^level records
  };
  // Until a site holds `sequence`, something captured then is not restorable there.
  struct Rooted {
    uint64_t sequence = 0;
    absl::Time captured_at;
    uint8_t level = 0;
  };
  struct SiteBook {
    bool reached = false;
    uint64_t durable = 0;
    std::optional<absl::Time> proven;  // t
    uint64_t proven_by = 0;            // before it was reached: the sequence that t rests on
    std::optional<Rooted> lost;        // it held and lost what was pruned from rooted_
  };
  static constexpr uint64_t kUnplaced = ~uint64_t{0};
  static constexpr uint8_t kBaseLevel = 255;  // never merged

  void EraseSpan(std::map<uint64_t, Span>::iterator span);
  // Of what is in no closed record, the oldest; InfiniteFuture: nothing.
  absl::Time OldestOpen() const;
  std::optional<absl::Time> TakenThrough(uint64_t sequence) const;
  absl::Time OldestUnrestorable(uint64_t held_sequence) const;
  void Regress(SiteBook* site, uint64_t sequence);
  void Advance(SiteBook* site, uint64_t sequence);
  void ProveFresh(SiteBook* site, uint64_t told_sequence, absl::Time at);
  void ForgetHeldEverywhere();

  uint64_t last_closed_;
  std::map<uint64_t, Span> spans_;                       // in no closed record
  std::set<std::pair<absl::Time, uint64_t>> by_time_;    // the same: (taken_at, span)
  std::set<std::pair<uint64_t, uint64_t>> by_sequence_;  // the placed ones: (sequence, span)
  std::vector<Closed> closed_;                           // both grow; the first is the base
  std::map<uint64_t, absl::Time> pushes_;                // open ones: captured_at
  std::vector<Rooted> rooted_;                           // both grow
  absl::Time oldest_pruned_ = absl::InfiniteFuture();    // capture time, of what rooted_ forgot
  std::vector<SiteBook> sites_;
};

}  // namespace tidemark
#endif  // TIDEMARK_REPLICATOR_LAG_BOOK_H_
