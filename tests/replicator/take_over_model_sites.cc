// The sites of the model, and the laws that it must keep.
#include <algorithm>

#include "tests/replicator/take_over_model.h"

namespace tidemark {

Position TakeOverModel::At(size_t s, uint64_t sequence) const {
  return sequence == 0 ? Position() : sites_[s].log.at(sequence - 1).record.position();
}

// As found on disk. The site keeps a mark of how far its log is proven.
void TakeOverModel::StartSite(size_t s) {
  Site& site = sites_[s];
  const uint64_t tail = site.log.size();
  const uint64_t durable =
      site.book && site.book->has_unproven() ? site.book->durable().sequence : tail;
  site.book.emplace(site.disk_epoch, site.disk_nonce, At(s, tail), At(s, durable));
  site.promising.reset();
  site.session_connection = 0;
}

void TakeOverModel::CrashSite(size_t s) {
  Site& site = sites_[s];
  const uint64_t durable = site.book->durable().sequence;
  site.log.resize(durable + dice_.Below(site.log.size() - durable + 1));
  for (size_t a = 0; a < kAgents; ++a) {
    link(a, s).to_site.clear();
    CutLink(a, s);
  }
  StartSite(s);
}

void TakeOverModel::Reply(size_t a, size_t s, uint64_t connection, const ToAgent& message) {
  if (connection == link(a, s).connection) link(a, s).to_agent.push_back(message);
}

void TakeOverModel::Ack(size_t s, const Position& position) {
  const Site& site = sites_[s];
  Reply(site.session_agent, s, site.session_connection,
        {.kind = ToAgent::kAck, .nonce = site.book->nonce(), .position = position});
}

bool TakeOverModel::DeliverToSite(size_t a, size_t s) {
  if (link(a, s).to_site.empty()) return false;
  const ToSite message = std::move(link(a, s).to_site.front());
  link(a, s).to_site.pop_front();
  switch (message.kind) {
    case ToSite::kPromise:
      OnPromise(a, s, message);
      break;
    case ToSite::kAppend:
      OnAppend(a, s, message);
      break;
    case ToSite::kFetch:
      OnFetch(a, s, message);
      break;
  }
  return true;
}

void TakeOverModel::OnPromise(size_t a, size_t s, const ToSite& message) {
  Site& site = sites_[s];
  ToAgent refusal{.kind = ToAgent::kRefused, .nonce = message.nonce};
  const absl::Status may = site.book->MayPromise(message.epoch, message.nonce);
  if (site.promising || may.code() == absl::StatusCode::kUnavailable) {
    return Reply(a, s, message.connection, refusal);
  }
  if (!may.ok()) {
    refusal.epoch = std::max(site.book->epoch(), site.book->durable().epoch);
    return Reply(a, s, message.connection, refusal);
  }
  if (bug_ != Bug::kPromiseNotFenced) site.book->Promising(message.epoch, message.nonce);
  site.promising = message;
  site.promising_agent = a;
  site.promising_tail = site.book->durable();
}

void TakeOverModel::FinishPromise(size_t s) {
  Site& site = sites_[s];
  if (!site.promising) return;
  const ToSite message = *site.promising;
  site.promising.reset();
  FlushSite(s, site.log.size());
  if (bug_ != Bug::kPromiseForgotten) {
    site.disk_epoch = message.epoch;
    site.disk_nonce = message.nonce;
  }
  site.book->Promised(message.epoch, message.nonce);
  site.session_agent = site.promising_agent;
  site.session_connection = message.connection;
  const Position tail = bug_ == Bug::kPromiseNotFenced ? site.promising_tail : site.book->durable();
  Reply(site.promising_agent, s, message.connection,
        {.kind = ToAgent::kPromised, .nonce = message.nonce, .position = tail});
}

void TakeOverModel::OnAppend(size_t a, size_t s, const ToSite& message) {
  Site& site = sites_[s];
  const bool anyone = bug_ == Bug::kNoEpochCheck;
  const uint64_t epoch = anyone ? site.book->epoch() : message.epoch;
  const SessionId nonce = anyone ? site.book->nonce() : message.nonce;
  const FakeRecord& record = message.entry.record;
  auto offer = site.book->MayAppend(epoch, nonce, record.header, record.digest);
  if (quorum_ && offer.status().code() == absl::StatusCode::kFailedPrecondition) {
    site.book->DropUnproven();  // of a fetch whose agent was taken over from
    site.log.resize(site.book->tail().sequence);
    offer = site.book->MayAppend(epoch, nonce, record.header, record.digest);
  }
  if (offer.status().code() == absl::StatusCode::kAborted) {
    ++count_.fenced;
    return Reply(a, s, message.connection,
                 {.kind = ToAgent::kRefused, .nonce = message.nonce, .epoch = site.book->epoch()});
  }
  // In order on one link, behind what the site said that it holds: it always fits.
  if (!offer.ok()) return Violate("append: " + std::string(offer.status().message()));
  if (*offer != PromiseBook::Offer::kAppend) return;
  site.log.push_back(message.entry);
  site.book->Appended(record.position());
  if (bug_ == Bug::kAckBeforeFlush) Ack(s, record.position());
}

void TakeOverModel::OnFetch(size_t a, size_t s, const ToSite& message) {
  Site& site = sites_[s];
  const Site& peer = sites_[message.peer];
  if (!site.book->IsCurrent(message.epoch, message.nonce).ok() && bug_ != Bug::kNoEpochCheck) {
    ++count_.fenced;
    return Reply(a, s, message.connection,
                 {.kind = ToAgent::kRefused, .nonce = message.nonce, .epoch = site.book->epoch()});
  }
  if (quorum_) GiveUpOldTail(s, message);
  site.book->Prove(message.target);
  while (site.log.size() < message.target.sequence) {
    if (site.log.size() >= peer.book->durable().sequence) break;
    const Entry& entry = peer.log[site.log.size()];
    // A site whose tail is newer than the target waits for one that shows why it must give it up.
    if (quorum_ && entry.record.header.previous != site.book->tail().digest) break;
    const auto offer =
        site.book->MayFetch(message.target, entry.record.header, entry.record.digest);
    if (!offer.ok()) {
      Violate("fetch: " + std::string(offer.status().message()));
      break;
    }
    site.log.push_back(entry);
    site.book->Fetched(message.target, entry.record.position());
    ++count_.fetched;
    if (dice_.OneIn(4)) break;  // the peer went away
  }
  FlushSite(s, site.log.size());
  Reply(a, s, message.connection,
        {.kind = ToAgent::kFetched, .nonce = message.nonce, .position = site.book->durable()});
}

// What is not in the log that the target names, if an epoch began without this site.
void TakeOverModel::GiveUpOldTail(size_t s, const ToSite& message) {
  Site& site = sites_[s];
  const Site& peer = sites_[message.peer];
  const uint64_t last = message.target.sequence;
  if (peer.book->durable().sequence < last || At(message.peer, last) != message.target) return;
  const uint64_t both = std::min(last, site.book->tail().sequence);
  const bool unknown = both == last && !site.book->Knows(message.target);
  if (site.book->has_unproven() && (unknown || At(message.peer, both) != At(s, both))) {
    site.book->DropUnproven();  // nobody was told of it
    site.log.resize(site.book->tail().sequence);
  }
  const Position tail = site.book->durable();
  if (tail.epoch >= message.target.epoch || site.promising) return;
  Parting parting;
  for (uint64_t n = 1; n <= tail.sequence; ++n) {
    if (n <= last && At(s, n) == At(message.peer, n)) {
      parting.last_shared = At(s, n);
    } else {
      parting.beyond.push_back(At(s, n));
    }
  }
  if (parting.beyond.empty()) return;
  const uint64_t shared = parting.last_shared.sequence;
  for (uint64_t n = shared + 1; n <= last; ++n) {
    const Entry& entry = peer.log[n - 1];
    if (entry.record.header.epoch <= tail.epoch) continue;
    StoreId store;
    store.bytes[0] = static_cast<std::byte>(s + 1);
    const absl::Status may = MayTruncate(store, parting, entry.record.header, entry.start);
    if (!may.ok()) return Violate(std::string(may.message()));
    break;
  }
  site.log.resize(shared);
  site.book.emplace(site.disk_epoch, site.disk_nonce, At(s, shared), At(s, shared));
  ++count_.truncated;
}

void TakeOverModel::FlushSite(size_t s, uint64_t upto) {
  Site& site = sites_[s];
  const uint64_t flushed = std::min<uint64_t>(upto, site.log.size());
  const Position before = site.book->durable();
  site.book->Flushed(At(s, flushed));
  if (site.book->durable() != before) Ack(s, site.book->durable());
}

// ---- Laws.

void TakeOverModel::Violate(const std::string& what) {
  if (violation_.empty()) violation_ = what;
}

// A record of an agent's log, from its memory or from a site that holds what the agent adopted.
const TakeOverModel::Entry* TakeOverModel::EntryOf(size_t a, uint64_t sequence) const {
  const Agent& agent = agents_[a];
  const auto held = agent.buffers.find(sequence);
  if (held != agent.buffers.end()) return &held->second;
  const Position& base = agent.plan->base;
  for (size_t s = 0; s < kSites; ++s) {
    const std::vector<Entry>& log = sites_[s].log;
    const bool adopted = log.size() >= base.sequence && At(s, base.sequence) == base;
    if (adopted && sequence <= base.sequence) return &log[sequence - 1];
  }
  return nullptr;
}

// What an agent calls committed must agree with what any agent ever called so.
void TakeOverModel::NoteCommitted(size_t a) {
  const Agent& agent = agents_[a];
  const uint64_t committed = agent.window->committed_sequence();
  for (uint64_t n = 1; n <= committed; ++n) {
    const auto ours = agent.window->PositionOf(n);
    if (n <= committed_.size()) {
      if (ours && *ours != committed_[n - 1].record.position()) {
        return Violate("record " + std::to_string(n) + " was committed twice, differently");
      }
      continue;
    }
    const Entry* entry = EntryOf(a, n);
    if (entry == nullptr) {
      return Violate("record " + std::to_string(n) + " of an adopted tail is nowhere");
    }
    if (n > 1 && entry->record.header.previous != committed_.back().record.digest) {
      return Violate("record " + std::to_string(n) + " is committed behind another log");
    }
    const auto writer = writer_of_.try_emplace(entry->record.header.epoch, entry->author).first;
    if (writer->second != entry->author) {
      return Violate("two sessions committed in epoch " +
                     std::to_string(entry->record.header.epoch));
    }
    committed_.push_back(*entry);
    ++count_.committed;
    if (agent.window->mode() == AckMode::kQuorum) ++count_.quorum_commits;
  }
}

// Two sites hold all that is committed, at every moment.
void TakeOverModel::CheckLaws() {
  if (!quorum_) return CheckStrictLaws();
  if (committed_.empty()) return;
  const Position last = committed_.back().record.position();
  size_t holders = 0;
  for (size_t s = 0; s < kSites; ++s) {
    const bool durable = sites_[s].book->durable().sequence >= last.sequence;
    if (durable && At(s, last.sequence) == last) ++holders;
  }
  if (holders < 2) {
    Violate("record " + std::to_string(last.sequence) + " is committed and " +
            std::to_string(holders) + " sites hold it");
  }
}

void TakeOverModel::CheckStrictLaws() {
  for (size_t s = 0; s < kSites; ++s) {
    const Site& site = sites_[s];
    const uint64_t durable = site.book->durable().sequence;
    if (s < kPrimaries && durable < committed_.size()) {
      return Violate("site " + SiteName(s) + " lost a committed record");
    }
    if (s >= kPrimaries && site.log.size() > committed_.size()) {
      return Violate("the witness holds what is not committed");
    }
    const size_t common = std::min(site.log.size(), committed_.size());
    for (size_t i = 0; i < common; ++i) {
      if (site.log[i].record.digest != committed_[i].record.digest) {
        return Violate("site " + SiteName(s) + " holds another record " + std::to_string(i + 1));
      }
    }
  }
  const size_t common = std::min(sites_[0].log.size(), sites_[1].log.size());
  for (size_t i = 0; i < common; ++i) {
    if (sites_[0].log[i].record.digest != sites_[1].log[i].record.digest) {
      return Violate("the primaries' logs differ at record " + std::to_string(i + 1));
    }
  }
}

}  // namespace tidemark
