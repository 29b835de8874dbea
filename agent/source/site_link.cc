#include "agent/source/site_link.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_format.h"
#include "agent/io/transfer.h"
#include "crypto/museum.h"
#include "crypto/rare_path.h"

namespace tidemark {

const char* LinkStateName(LinkState state) {
  switch (state) {
    case LinkState::kConnecting:
      return "connecting";
    case LinkState::kStreaming:
      return "streaming";
    case LinkState::kCatchingUp:
      return "catching_up";
    case LinkState::kDown:
      return "down";
    case LinkState::kDamaged:
      return "damaged";
    case LinkState::kFenced:
      return "fenced";
    case LinkState::kFull:
      return "full";
    case LinkState::kUnknown:
      return "unknown";
  }
  return "unknown";
}

SiteLink::SiteLink(Io* io, const Options& options, ChannelFactory* channels)
    : io_(io),
      options_(options),
      channels_(channels),
      state_since_(io->Now()),
      pacer_(io),
      work_(io),
      changed_(io),
      tasks_(io) {}

Task<> SiteLink::Run() {
  for (LinkedVault* vault : vaults_) vault->log()->OnWork([this] { Nudge(); });
  absl::Duration pause = options_.retry_min;
  while (!stopping_) {
    const bool was_up = std::exchange(ever_up_, false);
    absl::Status ended = co_await RunSession();
    if (ever_up_) pause = options_.retry_min;
    ever_up_ = ever_up_ || was_up;
    if (stopping_) break;
    if (absl::IsOutOfRange(ended)) {
      SetState(LinkState::kCatchingUp, "");
      continue;
    }
    // What the site said of itself stands until a session says otherwise.
    const bool said_why =
        state_ == LinkState::kDamaged || state_ == LinkState::kFenced || state_ == LinkState::kFull;
    SetState(said_why && !absl::IsUnavailable(ended) ? state_ : LinkState::kDown,
             std::string(ended.message()));
    Op sleep = io_->Sleep(pause);
    interruptible_ = &sleep;
    const int32_t slept = co_await sleep;
    interruptible_ = nullptr;
    (void)slept;
    pause = std::min(pause * 2, options_.retry_max);
  }
}

Task<absl::Status> SiteLink::RunSession() {
  session_end_ = absl::OkStatus();
  sessions_.clear();
  fetching_ = nullptr;
  sent_at_.clear();
  rates_.Clear();
  rate_told_ = 0;
  asked_receipts_.reset();
  checkpointed_.clear();
  opening_ = true;
  tasks_.Spawn(GuardOpening());
  absl::Status opened = co_await OpenControl();
  opening_ = false;
  if (guard_sleep_ != nullptr) io_->Cancel(guard_sleep_);
  if (stopping_) opened = absl::CancelledError("the agent stops");
  if (opened.ok()) {
    session_up_ = true;
    ever_up_ = true;
    if (state_ == LinkState::kDown) SetState(LinkState::kConnecting, "");
    TellPeers();
    TellRate();
    TaskGroup loops(io_);
    loops.Spawn(ReceiveLoop());
    loops.Spawn(HeartbeatLoop());
    loops.Spawn(CheckpointLoop());
    for (const std::unique_ptr<DataConnection>& data : data_) {
      loops.Spawn(SendLoop(data.get()));
      loops.Spawn(WatchLoop(data.get()));
    }
    co_await loops.Join();
    opened = session_end_;
  }
  session_up_ = false;
  for (LinkedVault* vault : vaults_) {
    if (vault->log()->open()) vault->log()->LinkDown(options_.index);
  }
  changed_.WakeAll();
  co_await tasks_.Join();
  for (const std::unique_ptr<DataConnection>& data : data_) co_await data->Finish();
  if (control_ != nullptr) co_await control_->Finish();
  data_.clear();
  control_.reset();
  for (SiteLink* link : links_) link->Nudge();
  co_return opened;
}

// Ends a session's opening that takes too long, wherever it stands: a site that lost power answers
// nothing, and a connect into a network that drops is tried for minutes.
Task<> SiteLink::GuardOpening() {
  if (!opening_) co_return;
  Op sleep = io_->Sleep(2 * options_.handshake_limit);
  guard_sleep_ = &sleep;
  const int32_t slept = co_await sleep;
  guard_sleep_ = nullptr;
  if (slept >= 0 && opening_) CutOpening();
}

void SiteLink::CutOpening() {
  RARE_PATH("link-opening-cut");
  if (interruptible_ != nullptr) io_->Cancel(interruptible_);
  for (const std::unique_ptr<DataConnection>& data : data_) data->Close();
  if (control_ != nullptr) control_->Close();
}

Task<absl::StatusOr<Fd>> SiteLink::ConnectTo(std::string address) {
  if (stopping_) co_return absl::CancelledError("the agent stops");
  Op connect = io_->Connect(address);
  interruptible_ = &connect;
  const int32_t fd = co_await connect;
  interruptible_ = nullptr;
  if (fd < 0) co_return ErrnoStatus(fd, "connecting to " + address);
  co_return fd;
}

Task<absl::Status> SiteLink::OpenControl() {
  absl::StatusOr<Fd> fd = co_await ConnectTo(options_.address.address);
  if (!fd.ok()) co_return fd.status();
  control_ = std::make_unique<ControlConnection>(io_, *fd, channels_->Connect(io_->Now()),
                                                 "site " + name());
  absl::Status shaken = co_await control_->Handshake(options_.handshake_limit, options_.idle_limit);
  if (!shaken.ok()) co_return shaken;
  const PartyName& peer = control_->peer();
  if (peer.role != Role::kSite || peer.name != name()) {
    co_return absl::UnauthenticatedError(absl::StrFormat(
        "%s shows the certificate of %s '%s', not of site '%s'", options_.address.address,
        std::string(RoleName(peer.role)), peer.name, name()));
  }
  site_key_ = peer.key;
  absl::StatusOr<wire::HelloReply> reply = co_await SayHello();
  if (!reply.ok()) co_return reply.status();
  if (receipts_.shown) receipts_.shown(site_key_, control_->peer_certificate_pem());
  absl::Status data =
      co_await OpenData(reply->data_port(), std::max(1u, reply->append_connections_max()));
  co_return data;
}

Task<absl::StatusOr<wire::HelloReply>> SiteLink::SayHello() {
  session_id_ = SessionId::Random(io_);
  wire::Control message;
  wire::Hello* hello = message.mutable_hello();
  hello->set_protocol(kProtocolVersion);
  hello->set_format(kFormatVersion);
  hello->set_role(std::string(RoleName(Role::kAgent)));
  hello->set_name(options_.agent_name);
  hello->set_session(ToWire(session_id_.bytes));
  hello->set_software(options_.software);
  control_->Send(message);
  absl::StatusOr<wire::Control> answer = co_await control_->Receive();
  if (!answer.ok()) co_return answer.status();
  if (!answer->has_hello_reply())
    co_return absl::InvalidArgumentError(control_->name() + ": no hello");
  const wire::HelloReply& reply = answer->hello_reply();
  if (reply.failure().code() != wire::Failure::NONE)
    co_return FailureStatus(name(), reply.failure());
  if (reply.protocol() > kProtocolVersion) {
    co_return absl::UnimplementedError(absl::StrFormat(
        "site %s speaks protocol version %d, this agent up to %d: upgrade the agent", name(),
        reply.protocol(), kProtocolVersion));
  }
  if (!FromWire(reply.store(), store_.bytes) || !FromWire(reply.host(), host_.bytes)) {
    co_return absl::InvalidArgumentError(control_->name() + ": malformed hello");
  }
  absl::Status known = CheckStore();
  if (!known.ok()) co_return known;
  tells_receipts_ = reply.tells_receipts();
  role_ = reply.role();
  hello_checkpoints_.assign(reply.checkpoints().begin(), reply.checkpoints().end());
  if ((role_ == "primary") != options_.is_primary) {
    co_return absl::FailedPreconditionError(
        absl::StrFormat("site %s is a %s, the configuration says %s", name(), role_,
                        options_.is_primary ? "primary" : "witness"));
  }
  for (SiteLink* other : links_) {
    bool same_store = false;
    if (other != this && SharesHostOrStore(*other, &same_store) && same_store) {
      co_return absl::AlreadyExistsError(absl::StrFormat(
          "sites %s and %s are the same store: a copy that is not one protects nothing", name(),
          other->name()));
    }
  }
  for (const wire::VaultState& state : reply.vaults()) {
    VaultId id;
    absl::StatusOr<Position> tail = FromWire(state.tail());
    if (!FromWire(state.vault(), id.bytes) || !tail.ok()) continue;
    sessions_[id].promised_epoch = state.promised_epoch();
    sessions_[id].durable = *tail;
    sessions_[id].log_bytes = state.log_bytes();
    LinkedVault* vault = VaultOf(state.vault());
    absl::StatusOr<Position> durable = FromWire(state.durable());
    if (vault != nullptr && durable.ok()) NoteLoss(vault, *durable);
  }
  co_return reply;
}

bool SiteLink::SharesHostOrStore(const SiteLink& other, bool* same_store) const {
  *same_store = !store_.empty() && store_ == other.store_;
  return *same_store || (!host_.empty() && host_ == other.host_);
}

Task<> SiteLink::ReceiveLoop() {
  while (session_up_) {
    absl::StatusOr<wire::Control> message = co_await control_->Receive();
    if (!message.ok()) {
      EndSession(message.status());
      co_return;
    }
    Dispatch(*message);
  }
}

Task<> SiteLink::HeartbeatLoop() {
  while (session_up_) {
    wire::Control message;
    message.mutable_heartbeat()->set_sent_at_nanos(absl::ToInt64Nanoseconds(io_->Monotonic()));
    control_->Send(message);
    ReviewFetches();
    AskForReceipts();
    Op sleep = io_->Sleep(options_.heartbeat_interval);
    const int32_t slept = co_await sleep;
    (void)slept;
  }
}

Task<> SiteLink::CheckpointLoop() {
  while (session_up_) {
    for (LinkedVault* vault : vaults_) {
      if (!vault->log()->open() || SessionOf(vault).phase < VaultPhase::kPromised) continue;
      const SignedCheckpoint* current = vault->log()->CurrentCheckpoint();
      if (current == nullptr) continue;
      SignedCheckpoint telling = *current;
      if (MUSEUM_BUG("checkpoint-of-uncommitted"))
        telling = vault->log()->MakeCheckpoint(vault->log()->window().tail());
      int64_t& told = checkpointed_[vault->log()->vault()];
      if (telling.checkpoint.made_at_nanos == told) continue;
      told = telling.checkpoint.made_at_nanos;
      wire::Control message;
      message.mutable_checkpoint()->set_checkpoint(ToWire(telling.Encode()));
      control_->Send(message);
    }
    Op sleep = io_->Sleep(options_.checkpoint_interval);
    const int32_t slept = co_await sleep;
    (void)slept;
  }
}

// Brings one vault's session a step further, if it can go.
void SiteLink::Advance(LinkedVault* vault, VaultSession* session) {
  const std::optional<LinkedVault::Wanted> wanted = vault->WantedPromise();
  if (!wanted.has_value()) return;
  if (session->asked_epoch != wanted->epoch || session->asked_nonce != wanted->nonce) {
    session->asked_epoch = wanted->epoch;
    session->asked_nonce = wanted->nonce;
    session->phase = VaultPhase::kAsked;
    wire::Control message;
    wire::PromiseRequest* request = message.mutable_promise_request();
    request->set_vault(ToWire(vault->log()->vault().bytes));
    request->set_epoch(wanted->epoch);
    request->set_nonce(ToWire(wanted->nonce.bytes));
    request->set_newest_receipt(ToWire(newest_receipt_));
    if (receipts_.kept) request->set_receipts_after(receipts_.kept(store_));
    control_->Send(message);
    return;
  }
  const bool ours = vault->log()->open() && vault->log()->epoch() == session->asked_epoch;
  if (session->phase == VaultPhase::kPromised && ours) StartFeed(vault, session);
  if (session->phase == VaultPhase::kFeeding && ours &&
      vault->log()->window().feed(options_.index) == LogWindow::Feed::kFetch) {
    // It fell out of the window. What is on its way over several connections might come after the
    // fetch, with what it waits for behind it: a new session has nothing on its way.
    if (data_.size() > 1) return EndSession(absl::OutOfRangeError("fell out of the window"));
    session->phase = VaultPhase::kFetching;
    tasks_.Spawn(FetchForFeed(vault));
  }
}

void SiteLink::StartFeed(LinkedVault* vault, VaultSession* session) {
  switch (vault->log()->LinkUp(options_.index, session->durable)) {
    case LogWindow::Feed::kLive:
      session->phase = VaultPhase::kFeeding;
      SetState(LinkState::kStreaming, "");
      break;
    case LogWindow::Feed::kFetch:
      session->phase = VaultPhase::kFetching;
      tasks_.Spawn(FetchForFeed(vault));
      break;
    case LogWindow::Feed::kDiverged:
      SetState(LinkState::kDamaged,
               "holds another record at " + std::to_string(session->durable.sequence));
      EndSession(absl::DataLossError(last_error_));
      break;
  }
}

Task<absl::StatusOr<wire::VerifyReport>> SiteLink::Verify(VaultId vault) {
  if (!session_up_) co_return absl::UnavailableError("site " + name() + " is not connected");
  const uint32_t request = ++verify_request_;
  verifying_[request];
  wire::Control message;
  message.mutable_verify_order()->set_request(request);
  message.mutable_verify_order()->set_vault(ToWire(vault.bytes));
  control_->Send(message);
  while (session_up_ && !verifying_[request].finished()) co_await changed_.Wait();
  wire::VerifyReport report = std::move(verifying_[request]);
  verifying_.erase(request);
  if (!report.finished())
    co_return absl::UnavailableError("site " + name() + " went away while it verified");
  if (report.failure().code() != wire::Failure::NONE)
    co_return FailureStatus(name(), report.failure());
  co_return std::move(report);
}

void SiteLink::EndSession(absl::Status why) {
  if (!session_up_) return;
  session_up_ = false;
  session_end_ = std::move(why);
  for (const std::unique_ptr<DataConnection>& data : data_) data->Close();
  if (control_ != nullptr) control_->Close();
  work_.WakeAll();
  changed_.WakeAll();
}

void SiteLink::Stop() {
  stopping_ = true;
  EndSession(absl::CancelledError("the agent stops"));
  CutOpening();
}

void SiteLink::SetState(LinkState state, const std::string& error) {
  if (state != state_) state_since_ = io_->Now();
  state_ = state;
  last_error_ = error;
}

}  // namespace tidemark
