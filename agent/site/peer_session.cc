#include "agent/site/peer_session.h"

#include <utility>

#include "absl/strings/str_format.h"
#include "agent/io/transfer.h"

namespace tidemark {

absl::Status PeerError(const std::string& peer, const std::string& why) {
  return absl::UnavailableError(absl::StrFormat("peer %s: %s", peer, why));
}

PeerSession::PeerSession(Io* io, const SiteOptions* own, ChannelFactory* channels, PeerAddress peer)
    : io_(io),
      own_(own),
      channels_(channels),
      peer_(std::move(peer)),
      session_(SessionId::Random(io)),
      alive_(io),
      tasks_(io) {}

Task<absl::Status> PeerSession::Open() {
  uint32_t data_port = 0;
  absl::Status opened = co_await Greet(&data_port);
  if (opened.ok()) opened = co_await OpenData(data_port);
  if (!opened.ok()) co_return opened;
  tasks_.Spawn(Listen());
  tasks_.Spawn(KeepAlive());
  co_return opened;
}

Task<absl::Status> PeerSession::Greet(uint32_t* data_port) {
  Fd fd = -1;
  std::string address = peer_.address;
  absl::Status connected = co_await ConnectTo(std::move(address), &fd);
  if (!connected.ok()) co_return connected;
  std::unique_ptr<SecureChannel> channel = channels_->Connect(io_->Now());
  control_ = std::make_unique<ControlConnection>(io_, fd, std::move(channel), "peer " + peer_.name);
  absl::Status shaken = co_await control_->Handshake(own_->handshake_limit, own_->idle_limit);
  if (!shaken.ok()) co_return shaken;
  if (control_->peer().role != Role::kSite || control_->peer().name != peer_.name) {
    co_return absl::PermissionDeniedError(absl::StrFormat("%s is %s %s, not site %s", peer_.address,
                                                          RoleName(control_->peer().role),
                                                          control_->peer().name, peer_.name));
  }
  wire::Control message;
  wire::Hello* hello = message.mutable_hello();
  hello->set_protocol(kProtocolVersion);
  hello->set_format(kFormatVersion);
  hello->set_role(std::string(RoleName(Role::kPeer)));
  hello->set_name(own_->name);
  hello->set_session(ToWire(ByteSpan(session_.bytes)));
  hello->set_software(own_->software);
  control_->Send(message);
  absl::StatusOr<wire::Control> answer = co_await control_->Receive();
  if (!answer.ok()) co_return answer.status();
  const wire::HelloReply& reply = answer->hello_reply();
  if (reply.has_failure()) co_return FailureStatus(peer_.name, reply.failure());
  if (!answer->has_hello_reply() || reply.data_port() == 0 || reply.data_port() > 65535) {
    co_return PeerError(peer_.name, "did not answer the hello with one");
  }
  *data_port = reply.data_port();
  co_return absl::OkStatus();
}

Task<absl::Status> PeerSession::OpenData(uint32_t port) {
  const std::string host = peer_.address.substr(0, peer_.address.rfind(':'));
  Fd fd = -1;
  std::string address = absl::StrFormat("%s:%d", host, port);
  absl::Status connected = co_await ConnectTo(std::move(address), &fd);
  if (!connected.ok()) co_return connected;
  data_ = std::make_unique<DataConnection>(io_, fd, *control_, session_, kReadConnection, false);
  absl::Status greeted = co_await data_->Greet();
  co_return greeted;
}

Task<absl::Status> PeerSession::ConnectTo(std::string address, Fd* fd) {
  if (stopped_) co_return absl::CancelledError("stopped");
  Op connect = io_->Connect(address);
  connecting_ = &connect;
  Pause limit(io_);
  Task<> watch = CutConnect(&limit, &connect);
  watch.Start();
  const int32_t connected = co_await connect;
  connecting_ = nullptr;
  limit.Cut();
  co_await watch;
  if (connected < 0) {
    const absl::Status failed = ErrnoStatus(connected, "connect to " + address);
    co_return PeerError(peer_.name, std::string(failed.message()));
  }
  *fd = connected;
  co_return absl::OkStatus();
}

// Ends a connect that takes too long.
Task<> PeerSession::CutConnect(Pause* limit, Op* connect) {
  const bool passed = co_await limit->For(own_->handshake_limit);
  if (passed && connecting_ == connect) io_->Cancel(connect);
}

// What the peer says beside the records: only failures matter.
Task<> PeerSession::Listen() {
  while (true) {
    absl::StatusOr<wire::Control> message = co_await control_->Receive();
    if (!message.ok()) break;
    if (message->has_read_failed()) {
      error_ = FailureStatus(peer_.name, message->read_failed().failure());
    } else if (message->has_goodbye()) {
      error_ = FailureStatus(peer_.name, message->goodbye().failure());
    }
  }
  ended_ = true;
  data_->Close();
}

Task<> PeerSession::KeepAlive() {
  while (true) {
    const bool passed = co_await alive_.For(absl::Seconds(1));
    if (!passed) break;
    wire::Control message;
    message.mutable_heartbeat()->set_sent_at_nanos(absl::ToInt64Nanoseconds(io_->Monotonic()));
    control_->Send(message);
  }
}

void PeerSession::Stop() {
  stopped_ = true;
  alive_.Cut();
  if (connecting_ != nullptr) io_->Cancel(connecting_);
  if (control_ != nullptr) control_->Close();
  if (data_ != nullptr) data_->Close();
}

Task<> PeerSession::Finish() {
  Stop();
  co_await tasks_.Join();
  if (data_ != nullptr) co_await data_->Finish();
  if (control_ != nullptr) co_await control_->Finish();
}

}  // namespace tidemark
