#include "agent/site/site_session.h"

#include <utility>

#include "absl/strings/str_format.h"

namespace tidemark {
namespace {

// How long a refused agent may take to read why, before its connection is cut.
constexpr absl::Duration kGrace = absl::Seconds(1);

bool RoleAllowed(Role certificate, Role asked) {
  switch (certificate) {
    case Role::kAgent:
      return asked == Role::kAgent || asked == Role::kReader;
    case Role::kSite:
      return asked == Role::kPeer;
    case Role::kReader:
      return asked == Role::kReader;
    default:
      return false;
  }
}

}  // namespace

SiteSession::SiteSession(Site* site, SessionTable* table, Fd fd, uint16_t data_port)
    : site_(site),
      table_(table),
      data_port_(data_port),
      control_(site->io(), fd, site->channels()->Accept(site->io()->Now()), "caller"),
      read_service_(site, &control_),
      verify_service_(site, &control_),
      fetch_pacer_(site->io()),
      grace_(site->io()),
      tasks_(site->io()) {}

Task<> SiteSession::Run() {
  const SiteOptions& options = site_->options();
  absl::Status ready = co_await control_.Handshake(options.handshake_limit, options.idle_limit);
  if (ready.ok()) ready = co_await Greet();
  if (ready.ok()) co_await Serve();
  co_await End();
}

Task<absl::Status> SiteSession::Greet() {
  absl::StatusOr<wire::Control> first = co_await control_.Receive();
  if (!first.ok()) co_return first.status();
  wire::Failure failure = MakeFailure(wire::Failure::MALFORMED, "a session begins with a hello");
  if (first->has_hello()) failure = CheckHello(first->hello());
  wire::Control answer;
  *answer.mutable_hello_reply() = site_->Hello();
  answer.mutable_hello_reply()->set_data_port(data_port_);
  answer.mutable_hello_reply()->set_append_connections_max(kAppendConnectionsMax);
  answer.mutable_hello_reply()->set_tells_receipts(true);
  const bool refused = failure.code() != wire::Failure::NONE;
  if (refused) {
    answer.mutable_hello_reply()->clear_vaults();
    *answer.mutable_hello_reply()->mutable_failure() = failure;
  } else {
    // Before the answer leaves: data connections may follow at once.
    (*table_)[id_] = this;
    listed_ = true;
    site_->AddListener(this);
  }
  Send(std::move(answer));
  if (!refused) co_return absl::OkStatus();
  co_await control_.Flush();
  const bool waited = co_await grace_.For(kGrace / 10);
  (void)waited;
  co_return FailureStatus(site_->options().name, failure);
}

wire::Failure SiteSession::CheckHello(const wire::Hello& hello) {
  const PartyName& peer = control_.peer();
  if (hello.protocol() > kProtocolVersion || hello.format() > kFormatVersion ||
      hello.protocol() == 0) {
    return MakeFailure(
        wire::Failure::VERSION,
        absl::StrFormat("the caller speaks protocol %d and format %d, this site protocol "
                        "%d and format %d: upgrade the site first",
                        hello.protocol(), hello.format(), kProtocolVersion, kFormatVersion));
  }
  absl::StatusOr<Role> role = ParseRole(hello.role());
  if (!role.ok() || !RoleAllowed(peer.role, *role)) {
    return MakeFailure(wire::Failure::FORBIDDEN,
                       absl::StrFormat("a certificate of role %s may not act as %s",
                                       RoleName(peer.role), hello.role()));
  }
  if (hello.name() != peer.name) {
    return MakeFailure(wire::Failure::FORBIDDEN,
                       absl::StrFormat("the caller says it is %s, its certificate says %s",
                                       hello.name(), peer.name));
  }
  if (!FromWire(hello.session(), id_.bytes) || id_.empty() || table_->count(id_) != 0) {
    return MakeFailure(wire::Failure::MALFORMED, "a session id is 16 random bytes");
  }
  role_ = *role;
  return wire::Failure();
}

Task<> SiteSession::Serve() {
  while (true) {
    absl::StatusOr<wire::Control> message = co_await control_.Receive();
    if (!message.ok() || message->has_goodbye()) break;
    const bool busy = tasks_.running() >= kSessionTasksMax;
    if (!busy && Handle(*message)) continue;
    wire::Control bye;
    *bye.mutable_goodbye()->mutable_failure() =
        busy ? MakeFailure(wire::Failure::BUSY, "too many requests at once")
             : MakeFailure(
                   wire::Failure::FORBIDDEN,
                   absl::StrFormat("a session of role %s may not send this", RoleName(role_)));
    Send(std::move(bye));
    co_await control_.Flush();
    const bool waited = co_await grace_.For(kGrace / 10);
    (void)waited;
    break;
  }
}

bool SiteSession::Handle(const wire::Control& message) {
  if (message.has_heartbeat()) {
    wire::Control reply;
    *reply.mutable_heartbeat_reply() = site_->Heartbeat(message.heartbeat().sent_at_nanos());
    Send(std::move(reply));
    return true;
  }
  if (HandleRead(message)) return true;
  return role_ == Role::kAgent && HandleAgent(message);
}

bool SiteSession::HandleRead(const wire::Control& message) {
  ReadRequest read;
  if (message.has_read_blocks()) {
    const wire::ReadBlocks& asked = message.read_blocks();
    read.request = asked.request();
    read.first_sequence = read.last_sequence = asked.sequence();
    read.whole = false;
    read.first_block = asked.first_block();
    read.block_count = asked.block_count();
    if (!FromWire(asked.vault(), read.vault.bytes)) return false;
  } else if (message.has_stream_records()) {
    const wire::StreamRecords& asked = message.stream_records();
    read.request = asked.request();
    read.first_sequence = asked.first_sequence();
    read.last_sequence = asked.last_sequence();
    read.whole = !asked.heads_only();
    if (!FromWire(asked.vault(), read.vault.bytes)) return false;
  } else if (message.has_find_record()) {
    Find(message.find_record());
    return true;
  } else {
    return false;
  }
  read_service_.Ask(read);
  return true;
}

bool SiteSession::HandleAgent(const wire::Control& message) {
  if (message.has_promise_request()) {
    tasks_.Spawn(AnswerPromise(message.promise_request()));
    return true;
  }
  if (message.has_checkpoint()) return TakeCheckpoint(message.checkpoint().checkpoint());
  if (message.has_fetch_order()) {
    tasks_.Spawn(Fetch(message.fetch_order()));
    return true;
  }
  if (message.has_peers()) {
    TakePeers(message.peers());
    return true;
  }
  if (message.has_receipts_wanted()) return TellReceipts(message.receipts_wanted());
  if (message.has_rate()) {
    fetch_pacer_.SetRate(message.rate().fetch_bytes_per_second());
    return true;
  }
  return message.has_verify_order() && Verify(message.verify_order());
}

bool SiteSession::TakeData(Fd fd, uint8_t connection) {
  const bool wanted = connection == kReadConnection
                          ? reads_ == nullptr
                          : IsAppendConnection(connection) && role_ == Role::kAgent &&
                                !appends_.contains(connection);
  if (!wanted || control_.closed()) return false;
  auto data = std::make_unique<DataConnection>(io(), fd, control_, id_, connection, true);
  if (connection == kReadConnection) {
    reads_ = std::move(data);
    tasks_.Spawn(RunReads());
  } else {
    tasks_.Spawn(RunAppends(data.get()));
    appends_[connection] = std::move(data);
    appending_.has_several = appends_.size() > 1;
  }
  return true;
}

Task<> SiteSession::RunAppends(DataConnection* data) {
  absl::Status greeted = co_await data->Greet();
  if (greeted.ok()) {
    AppendStream stream(site_, &control_, data, &appending_);
    co_await stream.Run();
  }
  data->Close();
  co_await control_.Flush();
  const bool waited = co_await grace_.For(kGrace);
  (void)waited;
  control_.Close();
}

// Also those that hold an early record.
void SiteSession::CloseAppends() {
  for (auto& [number, data] : appends_) data->Close();
  for (const auto& [id, right] : appending_.rights) {
    SiteVault* vault = site_->Find(id);
    if (vault != nullptr) vault->moved().WakeAll();
  }
}

Task<> SiteSession::RunReads() {
  absl::Status greeted = co_await reads_->Greet();
  if (greeted.ok()) co_await read_service_.Run(reads_.get());
  reads_->Close();
}

Task<> SiteSession::End() {
  if (listed_) {
    site_->RemoveListener(this);
    table_->erase(id_);
  }
  control_.Close();
  grace_.Cut();
  read_service_.Stop();
  verify_service_.Stop();
  CloseAppends();
  if (reads_ != nullptr) reads_->Close();
  for (auto& [vault, fetch] : fetches_) fetch->Stop();
  co_await tasks_.Join();
  for (auto& [number, data] : appends_) co_await data->Finish();
  if (reads_ != nullptr) co_await reads_->Finish();
  co_await control_.Finish();
}

}  // namespace tidemark
