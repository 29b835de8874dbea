#include "agent/cli/daemon_process.h"

#include <optional>

namespace tidemark {
namespace {

constexpr size_t kSignalBytes = 128;  // sizeof(signalfd_siginfo)
const absl::Duration kStopLimit = absl::Seconds(9);

Task<> StopAtSignal(Io* io, Fd signals, const std::function<void()>* stop, Logger* log) {
  std::byte memory[kSignalBytes];
  const MutableByteSpan into(memory);
  Op read = io->Read(signals, into, kNoOffset);
  co_await read;
  log->Info("asked to stop");
  if (*stop) {
    (*stop)();
    Op sleep = io->Sleep(kStopLimit);
    co_await sleep;
    log->Error("did not end in time; ending anyway");
  }
  io->Stop();
}

Task<> Tell(Io* io, Task<absl::Status> story, std::optional<absl::Status>* result) {
  absl::Status ended = co_await story;
  result->emplace(std::move(ended));
  io->Stop();
}

}  // namespace

absl::Status RunUntilSignal(UringIo* io, Task<absl::Status> story,
                            const std::function<void()>* stop, Logger* log) {
  std::optional<absl::Status> result;
  Task<> watch = StopAtSignal(io, io->SignalDescriptor(), stop, log);
  Task<> whole = Tell(io, std::move(story), &result);
  watch.Start();
  whole.Start();
  io->Run();
  if (result.has_value()) return *std::move(result);
  return absl::CancelledError("stopped by a signal before it was ready, or not ended in time");
}

}  // namespace tidemark
