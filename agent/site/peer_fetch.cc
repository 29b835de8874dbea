#include "agent/site/peer_fetch.h"

#include <utility>

#include "absl/strings/str_format.h"
#include "agent/io/transfer.h"

namespace tidemark {
namespace {

constexpr absl::Duration kReportInterval = absl::Seconds(1);
constexpr uint32_t kRequest = 1;

absl::Status PeerError(const std::string& peer, const std::string& why) {
  return absl::UnavailableError(absl::StrFormat("peer %s: %s", peer, why));
}

}  // namespace

PeerFetch::PeerFetch(Site* site, ControlConnection* control, SiteVault* vault, FetchTarget target)
    : site_(site),
      control_(control),
      vault_(vault),
      target_(std::move(target)),
      session_(SessionId::Random(site->io())),
      alive_(site->io()),
      tasks_(site->io()) {}

Task<> PeerFetch::Run() {
  absl::Status result = co_await vault_->BeginFetch(target_.right, target_.checkpoint);
  const bool begun = result.ok();
  if (begun) {
    absl::Status pulled;
    if (vault_->tail().sequence < target_.checkpoint.sequence) pulled = co_await Pull();
    co_await Disconnect();
    result = co_await vault_->EndFetch();
    if (!result.ok() && !pulled.ok()) result = pulled;
  }
  done_ = true;
  Report(true, result);
}

void PeerFetch::Stop() {
  stopped_ = true;
  alive_.Cut();
  if (connecting_ != nullptr) io()->Cancel(connecting_);
  if (peer_ != nullptr) peer_->Close();
  if (data_ != nullptr) data_->Close();
}

Task<absl::Status> PeerFetch::Pull() {
  absl::Status greeted = co_await Greet();
  if (!greeted.ok()) co_return greeted;
  tasks_.Spawn(ListenToPeer());
  tasks_.Spawn(KeepAlive());
  wire::Control message;
  wire::StreamRecords* order = message.mutable_stream_records();
  order->set_request(kRequest);
  order->set_vault(ToWire(ByteSpan(vault_->id().bytes)));
  order->set_first_sequence(vault_->tail().sequence + 1);
  order->set_last_sequence(target_.checkpoint.sequence);
  peer_->Send(message);
  absl::Status received = co_await ReceiveRecords();
  if (received.ok() || peer_error_.ok()) co_return received;
  co_return peer_error_;
}

Task<absl::Status> PeerFetch::Greet() {
  Fd fd = -1;
  std::string address = target_.peer_address;
  absl::Status connected = co_await ConnectTo(std::move(address), &fd);
  if (!connected.ok()) co_return connected;
  std::unique_ptr<SecureChannel> channel = site_->channels()->Connect(io()->Now());
  peer_ = std::make_unique<ControlConnection>(io(), fd, std::move(channel), "peer " + target_.peer);
  const SiteOptions& options = site_->options();
  absl::Status shaken = co_await peer_->Handshake(options.handshake_limit, options.idle_limit);
  if (!shaken.ok()) co_return shaken;
  if (peer_->peer().role != Role::kSite || peer_->peer().name != target_.peer) {
    co_return absl::PermissionDeniedError(
        absl::StrFormat("%s is %s %s, not site %s", target_.peer_address,
                        RoleName(peer_->peer().role), peer_->peer().name, target_.peer));
  }
  wire::Control message;
  wire::Hello* hello = message.mutable_hello();
  hello->set_protocol(kProtocolVersion);
  hello->set_format(kFormatVersion);
  hello->set_role(std::string(RoleName(Role::kPeer)));
  hello->set_name(options.name);
  hello->set_session(ToWire(ByteSpan(session_.bytes)));
  hello->set_software(options.software);
  peer_->Send(message);
  absl::StatusOr<wire::Control> answer = co_await peer_->Receive();
  if (!answer.ok()) co_return answer.status();
  const wire::HelloReply& reply = answer->hello_reply();
  if (reply.has_failure()) co_return FailureStatus(target_.peer, reply.failure());
  if (!answer->has_hello_reply() || reply.data_port() == 0 || reply.data_port() > 65535) {
    co_return PeerError(target_.peer, "did not answer the hello with one");
  }
  absl::Status opened = co_await OpenData(reply.data_port());
  co_return opened;
}

Task<absl::Status> PeerFetch::OpenData(uint32_t port) {
  const std::string host = target_.peer_address.substr(0, target_.peer_address.rfind(':'));
  Fd fd = -1;
  std::string address = absl::StrFormat("%s:%d", host, port);
  absl::Status connected = co_await ConnectTo(std::move(address), &fd);
  if (!connected.ok()) co_return connected;
  data_ = std::make_unique<DataConnection>(io(), fd, *peer_, session_, kReadConnection, false);
  absl::Status greeted = co_await data_->Greet();
  co_return greeted;
}

Task<absl::Status> PeerFetch::ConnectTo(std::string address, Fd* fd) {
  if (stopped_) co_return absl::CancelledError("the fetch was stopped");
  Op connect = io()->Connect(address);
  connecting_ = &connect;
  Pause limit(io());
  Task<> watch = CutConnect(&limit, &connect);
  watch.Start();
  const int32_t connected = co_await connect;
  connecting_ = nullptr;
  limit.Cut();
  co_await watch;
  if (connected < 0) {
    const absl::Status failed = ErrnoStatus(connected, "connect to " + address);
    co_return PeerError(target_.peer, std::string(failed.message()));
  }
  *fd = connected;
  co_return absl::OkStatus();
}

// Ends a connect that takes too long.
Task<> PeerFetch::CutConnect(Pause* limit, Op* connect) {
  const bool passed = co_await limit->For(site_->options().handshake_limit);
  if (passed && connecting_ == connect) io()->Cancel(connect);
}

Task<absl::Status> PeerFetch::ReceiveRecords() {
  absl::Duration reported = io()->Monotonic();
  while (!stopped_) {
    absl::StatusOr<DataConnection::Arrival> arrival = co_await data_->ReceiveHeader();
    if (!arrival.ok()) co_return arrival.status();
    if (arrival->frame.kind == FrameKind::kReadEnd) co_return absl::OkStatus();
    if (!arrival->head.has_value())
      co_return PeerError(target_.peer, "sent a block without its head");
    absl::Status taken = co_await TakeRecord(&*arrival);
    if (!taken.ok()) co_return taken;
    const absl::Duration now = io()->Monotonic();
    if (now - reported >= kReportInterval) {
      Report(false, absl::OkStatus());
      reported = now;
    }
  }
  co_return absl::CancelledError("the fetch was stopped");
}

Task<absl::Status> PeerFetch::TakeRecord(DataConnection::Arrival* arrival) {
  RecordBuffer record;
  record.header = std::move(*arrival->head);
  record.digest = arrival->frame.payload_digest;
  if (record.header.vault != vault_->id()) co_return PeerError(target_.peer, "sent another vault");
  absl::StatusOr<PromiseBook::Offer> offer = vault_->MayFetch(record.header, record.digest);
  if (!offer.ok()) co_return offer.status();
  BufferPool* pool = site_->PoolFor(record.header);
  record.memory = co_await pool->Acquire();
  absl::Status received = co_await data_->ReceiveRecord(&record.header, record.payload());
  if (!received.ok()) co_return received;
  offer = vault_->MayFetch(record.header, record.digest);
  if (!offer.ok()) co_return offer.status();
  if (*offer == PromiseBook::Offer::kAppend) vault_->Fetch(std::move(record));
  co_return absl::OkStatus();
}

// What the peer says beside the records: only failures matter.
Task<> PeerFetch::ListenToPeer() {
  while (true) {
    absl::StatusOr<wire::Control> message = co_await peer_->Receive();
    if (!message.ok()) break;
    if (message->has_read_failed()) {
      peer_error_ = FailureStatus(target_.peer, message->read_failed().failure());
    } else if (message->has_goodbye()) {
      peer_error_ = FailureStatus(target_.peer, message->goodbye().failure());
    }
  }
  data_->Close();
}

Task<> PeerFetch::KeepAlive() {
  while (true) {
    const bool passed = co_await alive_.For(absl::Seconds(1));
    if (!passed) break;
    wire::Control message;
    message.mutable_heartbeat()->set_sent_at_nanos(absl::ToInt64Nanoseconds(io()->Monotonic()));
    peer_->Send(message);
  }
}

Task<> PeerFetch::Disconnect() {
  Stop();
  co_await tasks_.Join();
  if (data_ != nullptr) co_await data_->Finish();
  if (peer_ != nullptr) co_await peer_->Finish();
}

void PeerFetch::Report(bool finished, const absl::Status& status) {
  wire::Control message;
  wire::FetchReport* report = message.mutable_fetch_report();
  report->set_vault(ToWire(ByteSpan(vault_->id().bytes)));
  // Underway: what is written. At the end: what counts.
  *report->mutable_tail() = ToWire(finished ? vault_->durable() : vault_->flushed());
  report->set_finished(finished);
  if (!status.ok()) {
    *report->mutable_failure() = StatusFailure(status);
    const bool own =
        absl::IsResourceExhausted(status) || absl::IsUnknown(status) || absl::IsAborted(status);
    if (!own) report->mutable_failure()->set_code(wire::Failure::PEER);
  }
  control_->Send(message);
}

}  // namespace tidemark
