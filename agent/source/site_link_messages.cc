// What a site says, and what it means for the vaults.
#include <algorithm>
#include <utility>

#include "absl/strings/str_format.h"
#include "agent/source/lag_clock.h"
#include "agent/source/site_link.h"
#include "crypto/rare_path.h"

namespace tidemark {
namespace {
constexpr absl::Duration kAckWindow = absl::Seconds(60);
constexpr size_t kAckTimesMax = 20000;
}  // namespace

void SiteLink::Dispatch(const wire::Control& message) {
  switch (message.body_case()) {
    case wire::Control::kPromiseReply:
      return OnPromiseReply(message.promise_reply());
    case wire::Control::kHeartbeatReply:
      return OnHeartbeatReply(message.heartbeat_reply());
    case wire::Control::kAck:
      return OnAck(message.ack());
    case wire::Control::kReceipt:
      return OnReceiptNote(message.receipt());
    case wire::Control::kReceiptsTold:
      return OnReceiptsTold(message.receipts_told());
    case wire::Control::kFetchReport:
      return OnFetchReport(message.fetch_report());
    case wire::Control::kAppendRefused:
      return OnAppendRefused(message.append_refused());
    case wire::Control::kVerifyReport:
      return OnVerifyReport(message.verify_report());
    case wire::Control::kGoodbye:
      return EndSession(FailureStatus(name(), message.goodbye().failure()));
    default:
      return;  // newer sites may say more than we know
  }
}

LinkedVault* SiteLink::VaultOf(const std::string& id) {
  for (LinkedVault* vault : vaults_) {
    if (ToWire(vault->log()->vault().bytes) == id) return vault;
  }
  return nullptr;
}

void SiteLink::OnPromiseReply(const wire::PromiseReply& reply) {
  LinkedVault* vault = VaultOf(reply.vault());
  if (vault == nullptr) return;
  VaultSession& session = SessionOf(vault);
  session.promised_epoch = std::max(session.promised_epoch, reply.state().promised_epoch());
  if (reply.failure().code() != wire::Failure::NONE) {
    session.phase = VaultPhase::kRefused;
    const bool damaged = reply.failure().code() == wire::Failure::DAMAGED;
    const bool fenced = reply.failure().code() == wire::Failure::FENCED;
    SetState(damaged  ? LinkState::kDamaged
             : fenced ? LinkState::kFenced
                      : LinkState::kDown,
             reply.failure().message());
    vault->OnPromiseRefused(this, reply.failure(), session.promised_epoch);
    if (damaged) {
      if (!std::exchange(session.repairing, true)) tasks_.Spawn(Repair(vault));
      return;
    }
    if (!fenced) EndSession(FailureStatus(name(), reply.failure()));
    return;
  }
  const std::string& bytes = reply.promise();
  absl::StatusOr<SignedPromise> promise = ParsePromise(site_key_, AsBytes(bytes));
  if (!promise.ok()) return EndSession(promise.status());
  if (promise->promise.epoch != session.asked_epoch ||
      promise->promise.nonce != session.asked_nonce)
    return;
  session.phase = VaultPhase::kPromised;
  session.durable = promise->promise.tail;
  vault->OnPromise(this, *promise);
  Nudge();
}

void SiteLink::OnHeartbeatReply(const wire::HeartbeatReply& reply) {
  const absl::Duration now = io_->Monotonic();
  const absl::Duration sent = absl::Nanoseconds(reply.sent_at_nanos());
  const absl::Time sent_at = io_->Now() - (now - sent);
  const absl::Time site_clock = absl::FromUnixNanos(reply.wall_nanos());
  clock_skew_seconds_ = absl::ToDoubleSeconds(site_clock - (sent_at + (now - sent) / 2));
  if (reply.has_scrub()) scrub_ = reply.scrub();
  rates_.Note(now, reply);
  store_bytes_ = reply.store_bytes();
  store_free_bytes_ = reply.store_free_bytes();
  store_disk_bytes_ = reply.store_disk_bytes();
  for (const wire::VaultState& state : reply.vaults()) {
    LinkedVault* vault = VaultOf(state.vault());
    absl::StatusOr<Position> durable = FromWire(state.durable());
    if (vault == nullptr || !durable.ok() || !vault->log()->open()) continue;
    VaultSession& session = SessionOf(vault);
    if (state.promised_epoch() > vault->log()->epoch()) {  // somebody took over while we were idle
      SetState(LinkState::kFenced,
               absl::StrFormat("promised epoch %d to another agent", state.promised_epoch()));
      return vault->OnPromiseRefused(this, MakeFailure(wire::Failure::FENCED, last_error_),
                                     state.promised_epoch());
    }
    NoteLoss(vault, *durable);
    if (session.phase != VaultPhase::kFeeding && session.phase != VaultPhase::kFetching) continue;
    absl::Status agreed =
        vault->log()->OnHeartbeat(options_.index, *durable, LagNow(io_) - (now - sent));
    if (!agreed.ok()) {
      SetState(LinkState::kDamaged, std::string(agreed.message()));
      return EndSession(agreed);
    }
    session.durable = *durable;
  }
}

void SiteLink::OnAck(const wire::Ack& ack) {
  LinkedVault* vault = VaultOf(ack.vault());
  absl::StatusOr<Position> durable = FromWire(ack.durable());
  if (vault == nullptr || !durable.ok() || !vault->log()->open()) return;
  VaultSession& session = SessionOf(vault);
  if (session.phase != VaultPhase::kFeeding && session.phase != VaultPhase::kFetching) return;
  absl::Status agreed = vault->log()->OnAck(options_.index, *durable);
  if (!agreed.ok()) {
    SetState(LinkState::kDamaged, std::string(agreed.message()));
    return EndSession(agreed);
  }
  session.durable = *durable;
  const absl::Duration now = io_->Monotonic();
  std::map<uint64_t, absl::Duration>& sent = sent_at_[vault->log()->vault()];
  while (!sent.empty() && sent.begin()->first <= durable->sequence) {
    ack_times_.emplace_back(now, now - sent.begin()->second);
    sent.erase(sent.begin());
  }
  while (ack_times_.size() > kAckTimesMax ||
         (!ack_times_.empty() && now - ack_times_.front().first > kAckWindow)) {
    ack_times_.pop_front();
  }
}

void SiteLink::OnFetchReport(const wire::FetchReport& report) {
  LinkedVault* vault = VaultOf(report.vault());
  if (vault == nullptr) return;
  VaultSession& session = SessionOf(vault);
  absl::StatusOr<Position> tail = FromWire(report.tail());
  if (!report.finished()) return;  // what is under way is flushed there, but not proven ours
  session.fetch_running = false;
  if (report.failure().code() != wire::Failure::NONE) {
    session.fetch_result = FailureStatus(name(), report.failure());
  } else if (!tail.ok()) {
    session.fetch_result = tail.status();
  } else {
    session.fetched = *tail;
  }
  changed_.WakeAll();
}

void SiteLink::OnAppendRefused(const wire::AppendRefused& refused) {
  LinkedVault* vault = VaultOf(refused.vault());
  const absl::Status why = FailureStatus(name(), refused.failure());
  switch (refused.failure().code()) {
    case wire::Failure::FENCED:
      SetState(LinkState::kFenced, refused.failure().message());
      if (vault != nullptr) vault->OnPromiseRefused(this, refused.failure(), 0);
      break;
    case wire::Failure::FULL:
      SetState(LinkState::kFull, refused.failure().message());
      break;
    case wire::Failure::DAMAGED:
    case wire::Failure::DIVERGED:
      SetState(LinkState::kDamaged, refused.failure().message());
      break;
    default:
      break;
  }
  EndSession(why);
}

// Counts are totals, bad places are told once each: they are collected.
void SiteLink::OnVerifyReport(const wire::VerifyReport& report) {
  auto waiting = verifying_.find(report.request());
  if (waiting == verifying_.end()) return;
  wire::VerifyReport whole = report;
  whole.clear_bad();
  whole.mutable_bad()->Swap(waiting->second.mutable_bad());
  for (const wire::VerifyReport::Bad& bad : report.bad()) {
    if (whole.bad_size() < kBadListedMax) *whole.add_bad() = bad;
  }
  waiting->second = std::move(whole);
  changed_.WakeAll();
}

// So that the site can heal from them, also when this agent is gone.
void SiteLink::TellPeers() {
  wire::Control message;
  wire::PeerList* list = message.mutable_peers();
  for (const SiteLink* link : links_) {
    if (link == this) continue;
    wire::PeerList::Peer* peer = list->add_peers();
    peer->set_name(link->name());
    peer->set_address(link->options().address.address);
  }
  control_->Send(message);
}

std::optional<uint64_t> SiteLink::PromisedEpoch(const VaultId& vault) const {
  if (!session_up_) return std::nullopt;
  auto session = sessions_.find(vault);
  return session == sessions_.end() ? 0 : session->second.promised_epoch;
}

std::optional<Position> SiteLink::HelloTail(const VaultId& vault) const {
  if (!session_up_) return std::nullopt;
  auto session = sessions_.find(vault);
  return session == sessions_.end() ? Position{} : session->second.durable;
}

std::optional<Position> SiteLink::HelloCheckpoint(const VaultId& vault,
                                                  const PublicKey& agent) const {
  std::optional<Position> newest;
  if (!session_up_) return newest;
  for (const std::string& bytes : hello_checkpoints_) {
    const absl::StatusOr<SignedCheckpoint> shown = ParseCheckpoint(agent, AsBytes(bytes));
    if (shown.ok() && shown->checkpoint.vault == vault) newest = shown->checkpoint.upto;
  }
  return newest;
}

uint64_t SiteLink::HelloLogBytes(const VaultId& vault) const {
  auto session = sessions_.find(vault);
  return session == sessions_.end() ? 0 : session->second.log_bytes;
}

LinkState SiteLink::StateFor(const VaultId& vault) const {
  const auto session = sessions_.find(vault);
  if (!session_up_ || session == sessions_.end()) return state_;
  if (session->second.phase == VaultPhase::kFetching) return LinkState::kCatchingUp;
  if (session->second.phase == VaultPhase::kFeeding) return LinkState::kStreaming;
  return state_;
}

SiteLink::View SiteLink::view(const VaultId& vault) const {
  View view;
  view.state = StateFor(vault);
  view.last_error = last_error_;
  view.since = state_since_;
  view.ever_up = ever_up_ || session_up_;
  view.store = store_;
  view.host = host_;
  view.role = role_;
  view.scrub = scrub_;
  if (!session_up_) return view;
  view.clock_skew_seconds = clock_skew_seconds_;
  view.store_bytes = store_bytes_;
  view.store_free_bytes = store_free_bytes_;
  view.store_disk_bytes = store_disk_bytes_;
  view.site_rates = rates_.Site();
  view.vault_rates = rates_.Of(vault);
  if (ack_times_.empty()) return view;
  std::vector<absl::Duration> times;
  for (const auto& [when, took] : ack_times_) times.push_back(took);
  const auto at = [&times](size_t rank) {  // in seconds
    const auto place = times.begin() + static_cast<ptrdiff_t>(rank);
    std::nth_element(times.begin(), place, times.end());
    return absl::ToDoubleSeconds(*place);
  };
  view.ack_p50_seconds = at(times.size() / 2);
  view.ack_p99_seconds = at(times.size() * 99 / 100);
  return view;
}

}  // namespace tidemark
