// SiteLink: who is served first where vaults compete for the site, and how a site gets what is no
// longer in memory here: from a peer, at a witness one vault at a time.
#include <algorithm>
#include <utility>

#include "agent/source/lag_clock.h"
#include "agent/source/site_link.h"

namespace tidemark {

// As vaults_.
std::vector<ServeClaim> SiteLink::Claims() {
  std::vector<ServeClaim> claims;
  claims.reserve(vaults_.size());
  const absl::Time now = LagNow(io_);
  for (LinkedVault* vault : vaults_) {
    ServeClaim& claim = claims.emplace_back();
    const VaultSession& session = SessionOf(vault);
    const LogWriter* log = vault->log();
    if (!log->open()) continue;
    if (session.phase == VaultPhase::kFeeding && log->window().NextToSend(options_.index))
      claim.want = ServeClaim::Want::kRecords;
    if (session.phase == VaultPhase::kFetching && session.wants_fetch)
      claim.want = ServeClaim::Want::kFetch;
    claim.commits_wait = options_.is_primary || log->mode() == AckMode::kQuorum;
    if (claim.want == ServeClaim::Want::kNothing || claim.commits_wait) continue;
    const LagBook::Lag lag = log->lag_or_null()->Of(options_.index, now);
    claim.target = vault->RpoTarget();
    claim.rpo = lag.rpo_actual;
    claim.behind = lag.replication_lag;
  }
  return claims;
}

// A primary's pushes all wait for it: its vaults catch up side by side.
bool SiteLink::MayFetch(LinkedVault* vault) {
  if (options_.is_primary) return true;
  const std::optional<size_t> first = WhoMayFetch(Claims());
  return first.has_value() && vaults_[*first] == vault;
}

// Time alone changes who comes first. What a stopped fetch has brought is kept.
void SiteLink::ReviewFetches() {
  if (fetching_ == nullptr) return changed_.WakeAll();
  VaultSession& session = SessionOf(fetching_);
  if (session.fetch_stopped || !session.fetch_running || MayFetch(fetching_)) return;
  session.fetch_stopped = true;
  wire::Control message;
  message.mutable_fetch_order()->set_vault(ToWire(fetching_->log()->vault().bytes));
  message.mutable_fetch_order()->set_stop(true);
  control_->Send(message);
}

Task<bool> SiteLink::WaitForFetchTurn(LinkedVault* vault) {
  SessionOf(vault).wants_fetch = true;
  ReviewFetches();
  while (session_up_ && vault->log()->open() && (fetching_ != nullptr || !MayFetch(vault)))
    co_await changed_.Wait();
  const bool has_turn = session_up_ && vault->log()->open();
  if (has_turn && !options_.is_primary) fetching_ = vault;
  SessionOf(vault).fetch_stopped = false;
  co_return has_turn;
}

// The site's next record is no longer in memory here: a peer has it. A fetch that fails again and
// again leaves the turn to others for longer and longer.
Task<> SiteLink::FetchForFeed(LinkedVault* vault) {
  SetState(LinkState::kCatchingUp, "");
  absl::Duration pause = options_.retry_max / 4;
  while (session_up_ && vault->log()->open()) {
    absl::Status outcome = absl::UnavailableError("no other site holds what it lacks");
    const Position target = vault->log()->fetch_target(options_.index);
    if (target.sequence > 0 && PeerFor(vault->log()->vault(), target.sequence) != nullptr) {
      const bool has_turn = co_await WaitForFetchTurn(vault);
      if (has_turn) outcome = co_await FetchOnce(vault);
      if (fetching_ == vault) fetching_ = nullptr;
      SessionOf(vault).wants_fetch = false;
      changed_.WakeAll();
      const VaultSession& session = SessionOf(vault);
      if (!has_turn || session.phase == VaultPhase::kFeeding) co_return;
      if (outcome.ok() || session.fetch_stopped) continue;
      if (!options_.is_primary) pause = std::min(2 * pause, 4 * options_.retry_max);
    }
    if (absl::IsDataLoss(outcome)) SetState(LinkState::kDamaged, std::string(outcome.message()));
    last_error_ = std::string(outcome.message());
    Op sleep = io_->Sleep(pause);
    const int32_t slept = co_await sleep;
    (void)slept;
  }
}

// Up to what is committed now. OK, and the phase kFeeding once the window holds what follows.
Task<absl::Status> SiteLink::FetchOnce(LinkedVault* vault) {
  const Position target = vault->log()->fetch_target(options_.index);
  SiteLink* peer = PeerFor(vault->log()->vault(), target.sequence);
  if (peer == nullptr) co_return absl::UnavailableError("no other site holds what it lacks");
  SignedCheckpoint checkpoint = vault->log()->MakeCheckpoint(target);
  SiteAddress address = peer->options_.address;
  absl::StatusOr<Position> reached =
      co_await Fetch(vault->log()->vault(), std::move(address), std::move(checkpoint));
  if (!reached.ok()) co_return reached.status();
  if (!session_up_ || !vault->log()->open()) co_return absl::OkStatus();
  SessionOf(vault).durable = *reached;
  switch (vault->log()->FetchFinished(options_.index, *reached)) {
    case LogWindow::Feed::kLive:
      SessionOf(vault).phase = VaultPhase::kFeeding;
      SetState(LinkState::kStreaming, "");
      Nudge();
      break;
    case LogWindow::Feed::kDiverged:
      co_return absl::DataLossError("holds another log");
    case LogWindow::Feed::kFetch:
      if (!vault->log()->window().IsOurs(*reached))
        co_return absl::UnavailableError("its tail waits for this epoch's first commit");
      break;
  }
  co_return absl::OkStatus();
}

SiteLink* SiteLink::PeerFor(const VaultId& vault, uint64_t sequence) {
  for (SiteLink* link : links_) {
    if (link == this || !link->session_up_) continue;
    for (LinkedVault* linked : link->vaults_) {
      if (linked->log()->vault() != vault || !linked->log()->open()) continue;
      if (linked->log()->window().durable(link->options_.index).sequence >= sequence) return link;
    }
  }
  return nullptr;
}

Task<absl::StatusOr<Position>> SiteLink::Fetch(VaultId vault, SiteAddress peer,
                                               SignedCheckpoint checkpoint) {
  if (!session_up_) co_return absl::UnavailableError("site " + name() + " is not connected");
  VaultSession& session = sessions_[vault];
  // What it fetches is an append: it would refuse that as fenced.
  if (session.phase < VaultPhase::kPromised)
    co_return absl::UnavailableError("site " + name() + " has not promised yet");
  session.fetched.reset();
  session.fetch_result = absl::OkStatus();
  session.fetch_running = true;
  wire::Control message;
  wire::FetchOrder* order = message.mutable_fetch_order();
  order->set_vault(ToWire(vault.bytes));
  order->set_peer(peer.name);
  order->set_peer_address(peer.address);
  order->set_checkpoint(ToWire(checkpoint.Encode()));
  control_->Send(message);
  while (session_up_ && sessions_[vault].fetch_running) co_await changed_.Wait();
  VaultSession& ended = sessions_[vault];
  ended.fetch_running = false;
  if (!session_up_)
    co_return absl::UnavailableError("site " + name() + " went away while it fetched");
  if (!ended.fetch_result.ok()) co_return ended.fetch_result;
  ended.durable = *ended.fetched;
  co_return ended.durable;
}

}  // namespace tidemark
