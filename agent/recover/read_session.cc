#include "agent/recover/read_session.h"

#include <cassert>
#include <utility>

#include "absl/strings/str_format.h"
#include "agent/io/transfer.h"

namespace tidemark {
namespace {

constexpr absl::Duration kConnectLimit = absl::Seconds(8);
constexpr absl::Duration kIdleLimit = absl::Seconds(10);
constexpr absl::Duration kBeatInterval = absl::Seconds(2);
constexpr int kSilentBeatsMax = 10;  // with requests in flight

absl::Status Prefixed(const std::string& name, const absl::Status& status) {
  return absl::Status(status.code(), name + ": " + std::string(status.message()));
}

// "host:port" of another port of the same host.
std::string WithPort(const std::string& address, uint32_t port) {
  return absl::StrFormat("%s:%d", address.substr(0, address.rfind(':')), port);
}

}  // namespace

ReadSession::ReadSession(Io* io, SiteAddress site, std::string own_name)
    : io_(io),
      site_(std::move(site)),
      own_name_(std::move(own_name)),
      name_("site " + site_.name),
      discarded_(kBlockBytes),
      tasks_(io) {}

Task<absl::Status> ReadSession::Connect(ChannelFactory* channels) {
  tasks_.Spawn(Guard());
  absl::Status established = co_await Establish(channels);
  if (!established.ok()) Break(Prefixed(name_ + " at " + site_.address, established));
  connected_ = true;
  if (guard_sleep_ != nullptr) io_->Cancel(guard_sleep_);
  co_return broken_;
}

// Ends a connect that takes too long, wherever it stands.
Task<> ReadSession::Guard() {
  Op sleep = io_->Sleep(kConnectLimit);
  guard_sleep_ = &sleep;
  const int32_t slept = co_await sleep;
  guard_sleep_ = nullptr;
  if (slept < 0 || connected_) co_return;
  Break(absl::UnavailableError(absl::StrFormat(
      "%s at %s: no answer within %s", name_, site_.address, absl::FormatDuration(kConnectLimit))));
}

Task<absl::StatusOr<Fd>> ReadSession::ConnectSocket(std::string address) {
  if (!broken_.ok()) co_return broken_;
  Op connect = io_->Connect(address);
  connecting_ = &connect;
  const int32_t fd = co_await connect;
  connecting_ = nullptr;
  if (fd < 0) co_return ErrnoStatus(fd, "connect to " + address);
  co_return fd;
}

Task<absl::Status> ReadSession::Establish(ChannelFactory* channels) {
  std::string address = site_.address;
  absl::StatusOr<Fd> socket = co_await ConnectSocket(std::move(address));
  if (!socket.ok()) co_return socket.status();
  control_ =
      std::make_unique<ControlConnection>(io_, *socket, channels->Connect(io_->Now()), name_);
  absl::Status shaken = co_await control_->Handshake(kConnectLimit, kIdleLimit);
  if (!shaken.ok()) co_return shaken;
  const PartyName& peer = control_->peer();
  if (peer.role != Role::kSite || peer.name != site_.name) {
    co_return absl::UnauthenticatedError(
        absl::StrFormat("its certificate names %s \"%s\", not the site \"%s\": check the address",
                        RoleName(peer.role), peer.name, site_.name));
  }
  absl::StatusOr<uint32_t> data_port = co_await SayHello();
  if (!data_port.ok()) co_return data_port.status();
  std::string data_address = WithPort(site_.address, *data_port);
  absl::StatusOr<Fd> data_socket = co_await ConnectSocket(std::move(data_address));
  if (!data_socket.ok()) co_return data_socket.status();
  data_ = std::make_unique<DataConnection>(io_, *data_socket, *control_, session_, kReadConnection,
                                           /*is_site=*/false);
  absl::Status greeted = co_await data_->Greet();
  co_return AsBroken(greeted);
}

Task<absl::StatusOr<uint32_t>> ReadSession::SayHello() {
  session_ = SessionId::Random(io_);
  wire::Control message;
  wire::Hello* hello = message.mutable_hello();
  hello->set_protocol(kProtocolVersion);
  hello->set_format(kFormatVersion);
  hello->set_role(std::string(RoleName(Role::kReader)));
  hello->set_name(own_name_);
  hello->set_session(ToWire(session_.bytes));
  hello->set_software("tidemark");
  control_->Send(message);
  absl::StatusOr<wire::Control> answer = co_await control_->Receive();
  if (!answer.ok()) co_return answer.status();
  if (!answer->has_hello_reply()) {
    co_return absl::InvalidArgumentError("did not answer hello with hello");
  }
  const wire::HelloReply& reply = answer->hello_reply();
  if (reply.has_failure() && reply.failure().code() != wire::Failure::NONE) {
    co_return FailureStatus(site_.name, reply.failure());
  }
  if (reply.data_port() == 0 || reply.data_port() > 65535) {
    co_return absl::InvalidArgumentError("names no data port");
  }
  co_return reply.data_port();
}

void ReadSession::Break(absl::Status why) {
  if (!broken_.ok()) return;
  broken_ = std::move(why);
  if (connecting_ != nullptr) io_->Cancel(connecting_);
  if (guard_sleep_ != nullptr) io_->Cancel(guard_sleep_);
  if (beat_sleep_ != nullptr) io_->Cancel(beat_sleep_);
  if (data_ != nullptr) data_->Close();
  if (control_ != nullptr) control_->Close();
}

Task<> ReadSession::Serve() {
  if (broken_.ok()) {
    tasks_.Spawn(ServeControl());
    tasks_.Spawn(ServeData());
    tasks_.Spawn(Beat());
  }
  co_await tasks_.Join();
  // Only now does nobody write to the askers' memory any more.
  while (!requests_.empty()) {
    requests_.begin()->second->status = broken_;
    FinishRequest(requests_.begin()->first);
  }
  if (data_ != nullptr) co_await data_->Finish();
  if (control_ != nullptr) co_await control_->Finish();
}

void ReadSession::Send(Request* request) {
  assert(broken_.ok());
  const uint32_t number = next_number_++;
  requests_[number] = request;
  wire::Control message;
  if (request->kind == Request::Kind::kStates) {
    message.mutable_heartbeat()->set_sent_at_nanos(number);
  } else if (request->kind == Request::Kind::kFind) {
    wire::FindRecord* find = message.mutable_find_record();
    find->set_request(number);
    find->set_vault(ToWire(request->vault.bytes));
    find->set_kind(request->first);
    find->set_at_most_sequence(request->sequence);
  } else {
    wire::ReadBlocks* read = message.mutable_read_blocks();
    read->set_request(number);
    read->set_vault(ToWire(request->vault.bytes));
    read->set_sequence(request->sequence);
    read->set_first_block(request->first);
    read->set_block_count(request->count);
  }
  control_->Send(message);
}

// The site ends a silent session: this keeps it, and ends it when requests get no answer.
Task<> ReadSession::Beat() {
  int silent = 0;
  uint64_t answers_before = 0;
  while (broken_.ok()) {
    wire::Control message;
    message.mutable_heartbeat()->set_sent_at_nanos(0);
    control_->Send(message);
    Op sleep = io_->Sleep(kBeatInterval);
    beat_sleep_ = &sleep;
    const int32_t slept = co_await sleep;
    beat_sleep_ = nullptr;
    if (slept < 0) break;
    silent = requests_.empty() || answers_ != answers_before ? 0 : silent + 1;
    answers_before = answers_;
    if (silent > kSilentBeatsMax) Break(absl::UnavailableError(name_ + ": answers no requests"));
  }
}

}  // namespace tidemark
