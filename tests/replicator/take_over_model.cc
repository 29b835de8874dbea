#include "tests/replicator/take_over_model.h"

#include <algorithm>

namespace tidemark {

TakeOverModel::TakeOverModel(uint64_t seed, Bug bug, bool quorum)
    : dice_(seed),
      bug_(bug),
      quorum_(quorum),
      fault_odds_(1 + dice_.Below(12)),
      start_odds_(1 + dice_.Below(20)) {
  for (size_t s = 0; s < kSites; ++s) StartSite(s);
}

void TakeOverModel::Step() {
  ++now_;
  const size_t a = dice_.Below(kAgents);
  const size_t s = dice_.Below(kSites);
  switch (dice_.Below(12)) {
    case 0:
    case 1:
    case 2:
    case 3:
      for (size_t i = 0; i < 6 && !DeliverToSite((a + i) % kAgents, (s + i) % kSites); ++i) {
      }
      break;
    case 4:
    case 5:
    case 6:
      for (size_t i = 0; i < 6 && !DeliverToAgent((a + i) % kAgents, (s + i) % kSites); ++i) {
      }
      break;
    case 7:
    case 8:
      ActAgent(a);
      break;
    case 9:
      FlushSite(s, sites_[s].book->durable().sequence + dice_.Below(4));
      break;
    case 10:
      FinishPromise(s);
      break;
    default:
      if (dice_.OneIn(fault_odds_)) Fault();
  }
  CheckLaws();
}

void TakeOverModel::Fault() {
  ++count_.crashes;
  const size_t a = dice_.Below(kAgents);
  const size_t s = dice_.Below(kSites);
  switch (dice_.Below(8)) {
    case 0:
    case 1:
      return CrashSite(s);
    case 2:
      for (size_t all = 0; all < kSites; ++all) CrashSite(all);
      return;
    case 3:
    case 4:
      return CrashAgent(a);
    case 5:  // a machine that sleeps, and wakes in another epoch
      agents_[a].paused_until = now_ + dice_.Below(400);
      return;
    default:
      return CutLink(a, s);
  }
}

bool TakeOverModel::Heal() {
  for (size_t a = 0; a < kAgents; ++a) CrashAgent(a);
  for (int round = 0; round < 400 && violation_.empty(); ++round) {
    ActAgent(0);
    for (size_t s = 0; s < kSites; ++s) {
      while (DeliverToSite(1, s)) {
      }
      while (DeliverToSite(0, s)) {
      }
      FinishPromise(s);
      FlushSite(s, sites_[s].log.size());
      while (DeliverToAgent(0, s)) {
      }
    }
    CheckLaws();
    if (Converged()) return true;
  }
  return false;
}

bool TakeOverModel::Converged() const {
  if (committed_.empty() || committed_.back().author != agents_[0].nonce) return false;
  return std::all_of(std::begin(sites_), std::end(sites_), [this](const Site& site) {
    return site.book->durable().sequence + 2 >= committed_.size();
  });
}

// ---- Agents.

void TakeOverModel::StartAgent(size_t a) {
  Agent& agent = agents_[a];
  std::vector<uint64_t> seen;
  for (size_t s = 0; s < kSites; ++s) seen.push_back(link(a, s).site_epoch);
  // It may have lost its own state; then sites refuse it and it learns.
  agent.epoch = NextEpoch(dice_.OneIn(4) ? 0 : agent.last_epoch, seen);
  agent.last_epoch = agent.epoch;
  agent.nonce = Nonce(next_nonce_++);
  agent.alive = true;
}

void TakeOverModel::CrashAgent(size_t a) {
  const uint64_t last_epoch = agents_[a].last_epoch;
  for (size_t s = 0; s < kSites; ++s) CutLink(a, s);
  agents_[a] = Agent();
  agents_[a].last_epoch = last_epoch;
}

void TakeOverModel::CutLink(size_t a, size_t s) {
  Link& cut = link(a, s);
  // What was sent may still be read there, however late.
  if (dice_.OneIn(2)) cut.to_site.clear();
  cut.to_agent.clear();
  ++cut.connection;
  cut.asked = cut.promised = cut.fetching = false;
  if (agents_[a].window) agents_[a].window->LinkDown(static_cast<SiteIndex>(s));
}

void TakeOverModel::Send(size_t a, size_t s, ToSite message) {
  message.connection = link(a, s).connection;
  message.epoch = agents_[a].epoch;
  message.nonce = agents_[a].nonce;
  link(a, s).to_site.push_back(std::move(message));
}

void TakeOverModel::ActAgent(size_t a) {
  Agent& agent = agents_[a];
  if (now_ < agent.paused_until) return;
  if (agent.fenced) return CrashAgent(a);
  if (!agent.alive) {
    if (dice_.OneIn(start_odds_)) StartAgent(a);
    return;
  }
  AskPromises(a);
  if (!agent.plan) return TryPlan(a);
  if (!agent.window) return CopyTails(a);
  Write(a);
  for (size_t s = 0; s < kSites; ++s) FeedSite(a, s);
  while (agent.window->MayEvict(false) || (dice_.OneIn(3) && agent.window->MayEvict(true))) {
    agent.buffers.erase(*agent.window->oldest());
    agent.window->Evict();
  }
}

void TakeOverModel::AskPromises(size_t a) {
  for (size_t s = 0; s < kSites; ++s) {
    if (link(a, s).asked) continue;
    link(a, s).asked = true;
    Send(a, s, {.kind = ToSite::kPromise});
  }
}

void TakeOverModel::Linked(size_t a, size_t s, LogWindow::Feed feed) {
  if (feed == LogWindow::Feed::kDiverged)
    Violate("site " + SiteName(s) + " diverged from an agent");
  NoteCommitted(a);
}

void TakeOverModel::Append(size_t a) {
  Agent& agent = agents_[a];
  const Position before = agent.window->tail();
  Entry entry;
  entry.record = RecordAfter(before, agent.epoch, dice_.Roll());
  entry.author = agent.nonce;
  if (agent.epoch > before.epoch) {
    entry.start.epoch = agent.epoch;
    entry.start.nonce = agent.nonce;
    entry.start.base = before;
    entry.start.promises = agent.promises;
  }
  agent.window->Append(entry.record.position(), 1);
  agent.buffers[entry.record.header.sequence] = entry;
}

void TakeOverModel::Write(size_t a) {
  if (quorum_ && dice_.OneIn(12)) ChangeMode(a);
  if (agents_[a].window->MayAppend(1)) Append(a);
}

// As a vault does when a primary is late, and when it is back; here at any time.
void TakeOverModel::ChangeMode(size_t a) {
  LogWindow& window = *agents_[a].window;
  const bool to_strict = window.mode() == AckMode::kQuorum;
  Append(a);
  window.SetMode(to_strict ? AckMode::kStrict : AckMode::kQuorum);
  NoteCommitted(a);
}

void TakeOverModel::FeedSite(size_t a, size_t s) {
  Agent& agent = agents_[a];
  const SiteIndex site = static_cast<SiteIndex>(s);
  if (!agent.window->is_up(site)) return;
  if (agent.window->feed(site) == LogWindow::Feed::kFetch && !link(a, s).fetching) {
    const Position target = agent.window->fetch_target(site);
    if (target.sequence <= agent.window->durable(site).sequence) return;
    size_t peer = s == 2 ? dice_.Below(2) : 1 - s;
    if (quorum_) peer = (s + 1 + dice_.Below(2)) % kSites;
    if (agent.window->durable(static_cast<SiteIndex>(peer)).sequence < target.sequence) return;
    link(a, s).fetching = true;
    Send(a, s, {.kind = ToSite::kFetch, .target = target, .peer = peer});
  }
  while (const auto next = agent.window->NextToSend(site)) {
    Send(a, s, {.kind = ToSite::kAppend, .entry = agent.buffers.at(*next)});
    agent.window->Sent(site, *next);
    if (dice_.OneIn(3)) break;
  }
}

bool TakeOverModel::DeliverToAgent(size_t a, size_t s) {
  if (link(a, s).to_agent.empty() || now_ < agents_[a].paused_until) return false;
  const ToAgent message = link(a, s).to_agent.front();
  link(a, s).to_agent.pop_front();
  Agent& agent = agents_[a];
  if (!agent.alive || message.nonce != agent.nonce) return true;
  switch (message.kind) {
    case ToAgent::kPromised:
      OnPromised(a, s, message.position);
      break;
    case ToAgent::kRefused:
      if (message.epoch == 0) {
        link(a, s).asked = false;
      } else {
        link(a, s).site_epoch = std::max(link(a, s).site_epoch, message.epoch);
        agent.fenced = true;
      }
      break;
    case ToAgent::kAck: {
      if (!agent.window) break;
      const auto grew = agent.window->OnAck(static_cast<SiteIndex>(s), message.position);
      if (!grew.ok()) return Violate("ack: " + std::string(grew.status().message())), true;
      if (*grew) NoteCommitted(a);
      break;
    }
    case ToAgent::kFetched:
      OnFetched(a, s, message.position);
  }
  return true;
}

void TakeOverModel::OnPromised(size_t a, size_t s, const Position& durable) {
  Agent& agent = agents_[a];
  link(a, s).promised = true;
  link(a, s).durable = durable;
  if (agent.window) Linked(a, s, agent.window->LinkUp(static_cast<SiteIndex>(s), durable));
}

void TakeOverModel::OnFetched(size_t a, size_t s, const Position& durable) {
  Agent& agent = agents_[a];
  link(a, s).fetching = false;
  if (agent.window) {
    Linked(a, s, agent.window->FetchFinished(static_cast<SiteIndex>(s), durable));
  } else if (agent.plan && durable == agent.plan->base) {
    link(a, s).durable = durable;
    std::erase(agent.plan->behind, SiteName(s));
  }
}

}  // namespace tidemark
