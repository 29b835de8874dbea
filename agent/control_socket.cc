#include "agent/control_socket.h"

#include <errno.h>

#include <optional>

#include "absl/strings/str_format.h"
#include "agent/call_format.h"
#include "agent/failure.h"
#include "agent/io/transfer.h"
#include "agent/report_json.h"
#include "agent/rpo_json.h"

namespace tidemark {
namespace {

constexpr size_t kUnsentBytesMax = 256 * 1024;  // a caller that does not read loses notes, not us
constexpr size_t kReceiveBytes = 4096;
const absl::Duration kCancelAgain = absl::Milliseconds(100);
const absl::Duration kAcceptPause = absl::Milliseconds(100);  // out of descriptors

const char* VerbOf(const CallRequest& request) {
  constexpr const char* kVerbs[] = {"push",   "restore", "list", "status",
                                    "verify", "replace", "rpo"};
  return kVerbs[request.index()];
}

template <class Report>
CallEvent Outcome(const absl::StatusOr<Report>& report) {
  if (!report.ok()) return ErrorEvent{report.status()};
  return ResultEvent{ToJson(*report)};
}

}  // namespace

class ControlSocket::Connection : public Call {
 public:
  Connection(ControlSocket* owner, Fd fd)
      : owner_(owner), io_(owner->io_), fd_(fd), work_(owner->io_), helpers_(owner->io_) {}
  Io* io() const { return io_; }

  void Note(const std::string& line) override { Queue(EncodeEvent(NoteEvent{line})); }
  void Progress(uint64_t done_bytes, uint64_t total_bytes) override {
    // Only the newest matters: one that could not be sent yet is not followed by more.
    if (unsent_.empty()) Queue(EncodeEvent(ProgressEvent{done_bytes, total_bytes}));
  }
  void Stop() {
    Cancel();
    if (!request_read_) Hurry();
  }

  Task<> Run() {
    helpers_.Spawn(WatchClock());
    absl::StatusOr<CallRequest> request = co_await ReadRequest();
    request_read_ = true;
    if (sleep_ != nullptr) io_->Cancel(sleep_);
    helpers_.Spawn(WriteOut());
    if (request.ok()) {
      LogCall(*request);
      helpers_.Spawn(WatchCaller());
      CallRequest wanted = *std::move(request);
      CallEvent outcome = co_await Answer(std::move(wanted));
      Finish(std::move(outcome));
    } else {
      Finish(ErrorEvent{request.status()});
    }
    while (!drained_) co_await work_.Wait();
    Op shutdown = io_->Shutdown(fd_);
    co_await shutdown;
    co_await helpers_.Join();
    Op close = io_->Close(fd_);
    co_await close;
    if (passed_ >= 0) {
      Op close_passed = io_->Close(passed_);
      co_await close_passed;
    }
  }

 private:
  // Who moved data, always; who asked something, only when one looks for it.
  void LogCall(const CallRequest& request) {
    const std::string peer = Peer(), line = absl::StrFormat("%s by %s", VerbOf(request), peer);
    const LogFields fields = {{"event", "call"}, {"call", VerbOf(request)}, {"peer", peer}};
    const bool is_query =
        std::holds_alternative<StatusCall>(request) || std::holds_alternative<ListCall>(request);
    if (is_query) {
      owner_->log_->Debug(line, fields);
    } else {
      owner_->log_->Info(line, fields);
    }
  }
  std::string Peer() const { return owner_->options_.peer ? owner_->options_.peer(fd_) : "?"; }

  void Queue(std::string line) {
    if (finished_ || unsent_.size() + line.size() > kUnsentBytesMax) return;
    unsent_ += line;
    work_.WakeAll();
  }

  // The last line: it is queued even behind many notes.
  void Finish(CallEvent outcome) {
    auto* error = std::get_if<ErrorEvent>(&outcome);
    if (error != nullptr && owner_->stopping_ && absl::IsCancelled(error->status)) {
      outcome = ErrorEvent{WithHint(absl::AbortedError("the agent is stopping"),
                                    "start the agent again and repeat the command")};
    }
    OnCancel(nullptr);
    unsent_ += EncodeEvent(outcome);
    finished_ = true;
    if (caller_sleep_ != nullptr) io_->Cancel(caller_sleep_);
    work_.WakeAll();
  }

  // Reading ends: with an error where nothing came in time, with what came so far otherwise.
  void Hurry() {
    if (receiving_ != nullptr) io_->Cancel(receiving_);
  }

  Task<> WatchClock() {
    if (request_read_) co_return;
    Op sleep = io_->Sleep(owner_->options_.request_limit);
    sleep_ = &sleep;
    co_await sleep;
    sleep_ = nullptr;
    if (!request_read_) Hurry();
  }

  Task<absl::StatusOr<CallRequest>> ReadRequest() {
    std::string line;
    std::vector<std::byte> memory(kReceiveBytes);
    while (line.find('\n') == std::string::npos) {
      if (line.size() > kRequestBytesMax)
        co_return absl::InvalidArgumentError("not a request: the line is too long");
      if (owner_->stopping_) co_return absl::CancelledError("the agent is stopping");
      Fd passed = -1;
      Op receive = io_->RecvWithFd(fd_, memory, &passed);
      receiving_ = &receive;
      const int32_t got = co_await receive;
      receiving_ = nullptr;
      if (passed >= 0 && passed_ >= 0) {
        Op close = io_->Close(passed);
        co_await close;
      } else if (passed >= 0) {
        passed_ = passed;
      }
      if (got <= 0) co_return absl::InvalidArgumentError("not a request: it did not come whole");
      line += AsText(ByteSpan(memory).first(static_cast<size_t>(got)));
    }
    co_return ParseRequest(line.substr(0, line.find('\n')));
  }

  // A service that was not yet listening for its cancellation is told again.
  Task<> WatchCaller() {
    std::byte memory[1];
    const MutableByteSpan into(memory);
    int32_t got = 1;
    while (got > 0) {
      Op receive = io_->Recv(fd_, into);
      got = co_await receive;
    }
    while (!finished_) {
      Cancel();
      Op sleep = io_->Sleep(kCancelAgain);
      caller_sleep_ = &sleep;
      co_await sleep;
      caller_sleep_ = nullptr;
    }
  }

  Task<> WriteOut() {
    bool broken = false;
    while (true) {
      while (unsent_.empty() && !finished_) co_await work_.Wait();
      if (unsent_.empty()) break;
      const std::string sending = std::exchange(unsent_, "");
      if (broken) continue;
      const ByteSpan bytes = AsBytes(sending);
      absl::Status sent = co_await SendFully(io_, fd_, bytes);
      broken = !sent.ok();
    }
    drained_ = true;
    work_.WakeAll();
  }

  Task<CallEvent> Answer(CallRequest request) {
    if (auto* push = std::get_if<PushCall>(&request)) {
      if (passed_ < 0) co_return NoDescriptor();
      push->source = passed_;
      PushCall call = std::move(*push);
      absl::StatusOr<PushReport> report = co_await owner_->service_->Push(std::move(call), this);
      co_return Outcome(report);
    }
    if (auto* restore = std::get_if<RestoreCall>(&request)) {
      if (passed_ < 0) co_return NoDescriptor();
      restore->output = passed_;
      RestoreCall call = std::move(*restore);
      absl::StatusOr<RestoreReport> report =
          co_await owner_->service_->Restore(std::move(call), this);
      co_return Outcome(report);
    }
    if (auto* verify = std::get_if<VerifyCall>(&request)) {
      VerifyCall call = std::move(*verify);
      absl::StatusOr<VerifyReport> report =
          co_await owner_->service_->Verify(std::move(call), this);
      co_return Outcome(report);
    }
    if (auto* rpo = std::get_if<RpoCall>(&request)) {
      if (rpo->for_export && passed_ < 0) co_return NoDescriptor();
      rpo->output = passed_;
      RpoCall call = std::move(*rpo);
      absl::StatusOr<RpoReport> report = co_await owner_->service_->Rpo(std::move(call), this);
      co_return Outcome(report);
    }
    if (auto* replace = std::get_if<ReplaceCall>(&request)) {
      co_return Outcome(owner_->service_->Replace(*replace));
    }
    if (auto* list = std::get_if<ListCall>(&request)) {
      const std::string* name = list->name.has_value() ? &*list->name : nullptr;
      co_return Outcome(owner_->service_->List(list->vault, name));
    }
    co_return ResultEvent{ToJson(owner_->service_->Status())};
  }

  static CallEvent NoDescriptor() {
    return ErrorEvent{absl::InvalidArgumentError("the request came without a descriptor")};
  }

  ControlSocket* owner_;
  Io* io_;
  Fd fd_;
  Fd passed_ = -1;
  bool request_read_ = false, finished_ = false, drained_ = false;
  std::string unsent_;
  Op* receiving_ = nullptr;
  Op* sleep_ = nullptr;
  Op* caller_sleep_ = nullptr;
  Event work_;
  TaskGroup helpers_;
};

ControlSocket::ControlSocket(Io* io, ControlSocketOptions options, AgentService* service,
                             Logger* log, Fd listening)
    : io_(io),
      options_(std::move(options)),
      service_(service),
      log_(log),
      listening_(listening),
      stories_(io) {}

Task<absl::StatusOr<std::unique_ptr<ControlSocket>>> ControlSocket::Open(
    Io* io, ControlSocketOptions options, AgentService* service, Logger* log) {
  Op listen = io->Listen("unix:" + options.path, options.mode);
  const int32_t listening = co_await listen;
  if (listening == -EADDRINUSE) {
    co_return WithHint(absl::AlreadyExistsError(
                           absl::StrFormat("socket %s is served by another agent", options.path)),
                       "stop that agent first, or give this one another `socket`");
  }
  if (listening < 0) co_return ErrnoStatus(listening, "listen on socket " + options.path);
  co_return std::make_unique<ControlSocket>(io, std::move(options), service, log, listening);
}

Task<> ControlSocket::ServeOne(Fd fd) {
  if (live_.size() >= options_.connections_max) {
    const std::string busy = EncodeEvent(ErrorEvent{absl::ResourceExhaustedError(
        absl::StrFormat("the agent serves %d calls, which is its limit", live_.size()))});
    const ByteSpan bytes = AsBytes(busy);
    absl::Status ignored = co_await SendFully(io_, fd, bytes);
    Op close = io_->Close(fd);
    co_await close;
    co_return;
  }
  Connection connection(this, fd);
  const auto place = live_.insert(live_.end(), &connection);
  if (stopping_) connection.Stop();
  co_await connection.Run();
  live_.erase(place);
}

Task<absl::Status> ControlSocket::Serve() {
  while (!stopping_) {
    Op accept = io_->Accept(listening_);
    accepting_ = &accept;
    const int32_t fd = co_await accept;
    accepting_ = nullptr;
    if (fd >= 0) {
      stories_.Spawn(ServeOne(fd));
    } else if (!stopping_) {
      log_->Warn(std::string(ErrnoStatus(fd, "accept on socket " + options_.path).message()));
      Op pause = io_->Sleep(kAcceptPause);
      co_await pause;
    }
  }
  Op unlink = io_->Unlink(options_.path);
  co_await unlink;
  Op close = io_->Close(listening_);
  co_await close;
  co_await stories_.Join();
  co_return absl::OkStatus();
}

void ControlSocket::Stop() {
  stopping_ = true;
  if (accepting_ != nullptr) io_->Cancel(accepting_);
  for (Connection* connection : live_) connection->Stop();
}

}  // namespace tidemark
