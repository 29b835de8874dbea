#include "agent/cli/daemon_process.h"

#include <malloc.h>

#include <csignal>
#include <cstring>
#include <optional>

namespace tidemark {
namespace {

constexpr size_t kSignalBytes = 128;  // sizeof(signalfd_siginfo)
constexpr int kHeapsMax = 2;          // the loop's, and the workers'
const absl::Duration kStopLimit = absl::Seconds(9);

// The number stands first.
bool IsHangUp(const std::byte* signal, int32_t bytes) {
  uint32_t number = 0;
  if (bytes >= static_cast<int32_t>(sizeof(number))) std::memcpy(&number, signal, sizeof(number));
  return number == SIGHUP;
}

Task<> ServeSignals(Io* io, Fd signals, const OnSignals* on, Logger* log) {
  std::byte memory[kSignalBytes];
  while (true) {
    const MutableByteSpan into(memory);
    Op read = io->Read(signals, into, kNoOffset);
    const int32_t got = co_await read;
    if (!IsHangUp(memory, got)) break;
    if (on->reload)
      on->reload();
    else
      log->Info("SIGHUP: nothing to reload");
  }
  log->Info("asked to stop");
  if (on->stop) {
    on->stop();
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

void KeepHeapsFew() { mallopt(M_ARENA_MAX, kHeapsMax); }

absl::Status RunUntilSignal(UringIo* io, Task<absl::Status> story, const OnSignals* on,
                            Logger* log) {
  std::optional<absl::Status> result;
  Task<> watch = ServeSignals(io, io->SignalDescriptor(), on, log);
  Task<> whole = Tell(io, std::move(story), &result);
  watch.Start();
  whole.Start();
  io->Run();
  if (result.has_value()) return *std::move(result);
  return absl::CancelledError("stopped by a signal before it was ready, or not ended in time");
}

}  // namespace tidemark
