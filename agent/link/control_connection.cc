#include "agent/link/control_connection.h"

#include <utility>

#include "agent/io/transfer.h"

namespace tidemark {
namespace {
constexpr size_t kReceiveBytes = 64 * 1024;
}  // namespace

ControlConnection::ControlConnection(Io* io, Fd fd, std::unique_ptr<SecureChannel> channel,
                                     std::string name)
    : io_(io),
      name_(std::move(name)),
      fd_(fd),
      channel_(std::move(channel)),
      incoming_(kReceiveBytes),
      idle_(io),
      tasks_(io) {}

Task<absl::Status> ControlConnection::Handshake(absl::Duration limit, absl::Duration idle_limit) {
  tasks_.Spawn(Watch(limit, idle_limit));
  outgoing_.append(channel_->TakeOutgoing());
  StartSending();
  while (!channel_->established()) {
    absl::Status pumped = co_await PumpOnce();
    if (!pumped.ok()) {
      Break(pumped);
      co_return broken_;
    }
  }
  co_return absl::OkStatus();
}

void ControlConnection::Send(const wire::Control& message) {
  if (closed_ || !broken_.ok()) return;
  absl::Status written = channel_->Write(AsBytes(EncodeControl(message)));
  if (!written.ok()) return Break(written);
  outgoing_.append(channel_->TakeOutgoing());
  if (outgoing_.size() > kControlQueueBytesMax) {
    Break(absl::UnavailableError(name_ + ": does not read its control connection"));
    return Close();
  }
  StartSending();
}

Task<absl::StatusOr<wire::Control>> ControlConnection::Receive() {
  while (true) {
    absl::StatusOr<std::optional<wire::Control>> next = parser_.Next();
    if (!next.ok()) {
      Break(next.status());
      co_return broken_;
    }
    if (next->has_value()) co_return std::move(**next);
    if (!broken_.ok()) co_return broken_;
    absl::Status pumped = co_await PumpOnce();
    if (!pumped.ok()) Break(pumped);
  }
}

// One receive from the socket through the filter; what the filter answers is sent.
Task<absl::Status> ControlConnection::PumpOnce() {
  if (closed_) co_return absl::UnavailableError(name_ + ": connection closed");
  Op recv = io_->Recv(fd_, incoming_);
  const int32_t got = co_await recv;
  if (got < 0) co_return ErrnoStatus(got, "receiving from " + name_);
  if (got == 0) co_return absl::UnavailableError(name_ + ": closed the connection");
  ++arrivals_;
  absl::Status accepted = channel_->Receive(ByteSpan(incoming_).first(static_cast<size_t>(got)));
  outgoing_.append(channel_->TakeOutgoing());
  StartSending();
  if (!accepted.ok()) co_return accepted;
  parser_.Feed(channel_->TakePlaintext());
  co_return absl::OkStatus();
}

void ControlConnection::StartSending() {
  if (sending_ || outgoing_.empty()) return;
  sending_ = true;
  tasks_.Spawn(SendQueued());
}

Task<> ControlConnection::SendQueued() {
  while (!outgoing_.empty() && !closed_) {
    const std::string batch = std::exchange(outgoing_, std::string());
    absl::Status sent = co_await SendFully(io_, fd_, AsBytes(batch));
    if (!sent.ok()) {
      Break(sent);
      break;
    }
  }
  sending_ = false;
  idle_.WakeAll();
}

// Ends the connection when nothing arrived for the limit that holds at the time.
Task<> ControlConnection::Watch(absl::Duration handshake_limit, absl::Duration idle_limit) {
  bool established = false;
  while (!closed_) {
    const uint64_t before = arrivals_;
    const absl::Duration limit = established ? idle_limit : handshake_limit;
    Op sleep = io_->Sleep(limit);
    watch_sleep_ = &sleep;
    const int32_t slept = co_await sleep;
    watch_sleep_ = nullptr;
    if (slept < 0 || closed_) co_return;
    const bool handshake_late = !channel_->established();
    if (handshake_late || (established && arrivals_ == before)) {
      Break(absl::UnavailableError(
          name_ + (handshake_late ? ": no TLS handshake within " : ": silent for ") +
          absl::FormatDuration(limit)));
      Close();
    }
    established = true;
  }
}

void ControlConnection::Break(absl::Status why) {
  if (broken_.ok()) broken_ = std::move(why);
}

void ControlConnection::Close() {
  if (closed_) return;
  closed_ = true;
  Break(absl::UnavailableError(name_ + ": connection closed"));
  if (watch_sleep_ != nullptr) io_->Cancel(watch_sleep_);
  tasks_.Spawn(ShutDownSocket());
}

Task<> ControlConnection::ShutDownSocket() {
  Op shutdown = io_->Shutdown(fd_);
  const int32_t done = co_await shutdown;
  (void)done;  // a socket that is gone already is as good
}

Task<> ControlConnection::Flush() {
  while (sending_) co_await idle_.Wait();
}

Task<> ControlConnection::Finish() {
  Close();
  co_await tasks_.Join();
  if (fd_ >= 0) {
    Op close = io_->Close(std::exchange(fd_, -1));
    const int32_t closed = co_await close;
    (void)closed;
  }
}

}  // namespace tidemark
