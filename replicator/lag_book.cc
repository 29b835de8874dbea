#include "replicator/lag_book.h"

#include <algorithm>
#include <cassert>

#include "crypto/museum.h"

namespace tidemark {
namespace {

// Merges the two oldest of every level that has one too many: of neighbours `merge(older, newer)`
// stays, one level up. Levels fall along `history`.
template <class Entry, class Merge>
void Thin(std::vector<Entry>* history, Merge merge) {
  size_t end = history->size();
  for (uint8_t level = 0; level < 64; ++level) {
    size_t begin = end;
    while (begin > 0 && (*history)[begin - 1].level == level) --begin;
    if (end - begin <= LagBook::kLevelEntriesMax) return;
    (*history)[begin + 1] = merge((*history)[begin], (*history)[begin + 1]);
    (*history)[begin + 1].level = level + 1;
    history->erase(history->begin() + static_cast<std::ptrdiff_t>(begin));
    end = begin + 1;
  }
}

}  // namespace

LagBook::LagBook(uint32_t sites, uint64_t base_sequence, absl::Time now)
    : last_closed_(base_sequence), sites_(sites) {
  closed_.push_back({base_sequence, now, kBaseLevel});
}

void LagBook::OnProvenBefore(uint32_t site, absl::Time proven, uint64_t sequence) {
  SiteBook& book = sites_.at(site);
  if (book.reached && book.durable < sequence) return;
  if (!book.reached) book.proven_by = sequence;
  // Never beyond what this session's base can prove.
  const absl::Time at_most = std::min(proven, closed_.front().taken_through);
  if (!book.proven || *book.proven < at_most) book.proven = at_most;
}

void LagBook::OnTaken(uint64_t span, absl::Time taken_at) {
  const bool added = spans_.emplace(span, Span{taken_at}).second;
  assert(added);
  by_time_.emplace(taken_at, span);
  for (auto closed = closed_.rbegin(); closed != closed_.rend(); ++closed) {
    if (closed->taken_through <= taken_at) break;
    closed->taken_through = taken_at;
  }
  for (SiteBook& site : sites_) {
    if (site.proven && *site.proven > taken_at) site.proven = taken_at;
  }
}

void LagBook::OnPlaced(uint64_t span, uint64_t sequence) {
  const auto found = spans_.find(span);
  assert(found != spans_.end() && found->second.sequence == kUnplaced);
  if (sequence <= last_closed_) {
    EraseSpan(found);
    return;
  }
  found->second.sequence = sequence;
  by_sequence_.emplace(sequence, span);
}

void LagBook::OnDropped(uint64_t span) {
  const auto found = spans_.find(span);
  if (found != spans_.end()) EraseSpan(found);
}

void LagBook::EraseSpan(std::map<uint64_t, Span>::iterator span) {
  by_time_.erase({span->second.taken_at, span->first});
  by_sequence_.erase({span->second.sequence, span->first});
  spans_.erase(span);
}

absl::Time LagBook::OldestOpen() const {
  const bool none = by_time_.empty() || MUSEUM_BUG("open-bytes-forgotten");
  return none ? absl::InfiniteFuture() : by_time_.begin()->first;
}

void LagBook::OnPushOpened(uint64_t push, absl::Time captured_at) {
  const bool added = pushes_.emplace(push, captured_at).second;
  assert(added);
}

void LagBook::OnPushRooted(uint64_t push, uint64_t root_sequence) {
  const auto found = pushes_.find(push);
  assert(found != pushes_.end());
  Rooted rooted{root_sequence, found->second};
  pushes_.erase(found);
  if (MUSEUM_BUG("pending-archive-forgotten")) return;
  // What is captured later and restorable no later than another says nothing more.
  while (!rooted_.empty() && rooted_.back().captured_at >= rooted.captured_at) {
    rooted.sequence = std::max(rooted.sequence, rooted_.back().sequence);
    rooted_.pop_back();
  }
  if (!rooted_.empty() && rooted_.back().sequence >= rooted.sequence) return;
  rooted_.push_back(rooted);
  Thin(&rooted_, [](const Rooted& older, const Rooted& newer) {
    return Rooted{newer.sequence, older.captured_at};
  });
}

void LagBook::OnPushAbandoned(uint64_t push) { pushes_.erase(push); }

void LagBook::OnRecordClosed(uint64_t sequence, absl::Time now) {
  assert(sequence > last_closed_);
  // What was taken before the first byte of this record stands in the ones before it.
  Closed& before = closed_.back();
  before.taken_through = std::max(std::min(now, OldestOpen()), before.taken_through);
  last_closed_ = sequence;
  while (!by_sequence_.empty() && by_sequence_.begin()->first <= sequence) {
    EraseSpan(spans_.find(by_sequence_.begin()->second));
  }
  // A clock that steps back makes the claim smaller, never larger; claims grow along the log.
  const absl::Time through = std::max(std::min(now, OldestOpen()), closed_.back().taken_through);
  closed_.push_back({sequence, through});
  Thin(&closed_, [](const Closed&, const Closed& newer) { return newer; });
}

std::optional<absl::Time> LagBook::TakenThrough(uint64_t sequence) const {
  const auto above = std::upper_bound(
      closed_.begin(), closed_.end(), sequence,
      [](uint64_t wanted, const Closed& closed) { return wanted < closed.sequence; });
  if (above == closed_.begin()) return std::nullopt;
  return std::prev(above)->taken_through;
}

void LagBook::Advance(SiteBook* site, uint64_t sequence) {
  if (!site->reached && sequence < site->proven_by) site->proven.reset();
  site->reached = true;
  // A site cannot hold what was not made yet; if it says so, the claim is worth what we made.
  site->durable = std::max(site->durable, std::min(sequence, last_closed_));
  const std::optional<absl::Time> through = TakenThrough(site->durable);
  if (through && (!site->proven || *site->proven < *through)) site->proven = through;
  if (site->lost && site->lost->sequence <= site->durable) site->lost.reset();
}

void LagBook::Regress(SiteBook* site, uint64_t sequence) {
  site->durable = sequence;
  site->proven = TakenThrough(sequence);
  site->lost = Rooted{last_closed_, oldest_pruned_};
}

void LagBook::OnDurable(uint32_t site, uint64_t sequence) {
  SiteBook& book = sites_.at(site);
  if (book.reached && sequence <= book.durable) return;
  Advance(&book, sequence);
  ForgetHeldEverywhere();
}

void LagBook::OnAck(uint32_t site, uint64_t sequence, absl::Time heard_at) {
  OnDurable(site, sequence);
  ProveFresh(&sites_.at(site), sequence, heard_at);
}

// A site that holds every closed record lacks only what is open here.
void LagBook::ProveFresh(SiteBook* site, uint64_t told_sequence, absl::Time at) {
  if (told_sequence < last_closed_) return;
  const absl::Time fresh = std::min(at, OldestOpen());
  if (!site->proven || *site->proven < fresh) site->proven = fresh;
}

void LagBook::OnHeartbeat(uint32_t site, absl::Time sent_at, uint64_t durable_sequence) {
  SiteBook& book = sites_.at(site);
  if (durable_sequence < book.durable) Regress(&book, durable_sequence);
  Advance(&book, durable_sequence);
  ProveFresh(&book, durable_sequence, sent_at);
  ForgetHeldEverywhere();
}

// Drops history below what every site holds, except the base: a site that lost its tail falls back
// to it.
void LagBook::ForgetHeldEverywhere() {
  uint64_t everywhere = last_closed_;
  for (const SiteBook& site : sites_) everywhere = std::min(everywhere, site.durable);
  const auto needed = std::upper_bound(
      closed_.begin() + 1, closed_.end(), everywhere,
      [](uint64_t wanted, const Closed& closed) { return wanted < closed.sequence; });
  // The newest one that all hold stays: it is what they fall short of next.
  if (needed - closed_.begin() > 2) closed_.erase(closed_.begin() + 1, needed - 1);
  auto pending = rooted_.begin();
  for (; pending != rooted_.end() && pending->sequence <= everywhere; ++pending) {
    oldest_pruned_ = std::min(oldest_pruned_, pending->captured_at);
  }
  rooted_.erase(rooted_.begin(), pending);
}

// Of what is not restorable from the log up to `held_sequence`, when it was captured.
absl::Time LagBook::OldestUnrestorable(uint64_t held_sequence) const {
  absl::Time oldest = absl::InfiniteFuture();
  for (const auto& [push, captured_at] : pushes_) oldest = std::min(oldest, captured_at);
  const auto pending =
      std::upper_bound(rooted_.begin(), rooted_.end(), held_sequence,
                       [](uint64_t held, const Rooted& rooted) { return held < rooted.sequence; });
  return pending == rooted_.end() ? oldest : std::min(oldest, pending->captured_at);
}

LagBook::Claims LagBook::ClaimsFor(uint64_t sequence, absl::Time now) const {
  const std::optional<absl::Time> through = TakenThrough(sequence);
  if (!through.has_value()) return {};
  Claims claims;
  claims.taken = *through;
  if (sequence >= last_closed_) claims.taken = std::max(*through, std::min(now, OldestOpen()));
  claims.restorable = std::min(claims.taken, OldestUnrestorable(sequence));
  return claims;
}

LagBook::Lag LagBook::Of(uint32_t site, absl::Time now) const {
  const SiteBook& book = sites_.at(site);
  Lag lag;
  lag.pending_records = last_closed_ - book.durable;
  if (!book.proven) return lag;
  absl::Time restorable = std::min(*book.proven, OldestUnrestorable(book.durable));
  if (book.lost) restorable = std::min(restorable, book.lost->captured_at);
  lag.replication_lag = std::max(now - *book.proven, absl::ZeroDuration());
  lag.rpo_actual = std::max(now - restorable, absl::ZeroDuration());
  return lag;
}

}  // namespace tidemark
