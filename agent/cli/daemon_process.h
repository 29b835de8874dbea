// A daemon's process: one story, run until it ends or a signal asks for its end.
#ifndef TIDEMARK_AGENT_CLI_DAEMON_PROCESS_H_
#define TIDEMARK_AGENT_CLI_DAEMON_PROCESS_H_

#include <functional>

#include "absl/status/status.h"
#include "agent/io/task.h"
#include "agent/io/uring_io.h"
#include "agent/log.h"

namespace tidemark {

// What signals call, set by the story once there is something to call.
struct OnSignals {
  std::function<void()> stop;    // SIGTERM, SIGINT. Before it is set the story is dropped
  std::function<void()> reload;  // SIGHUP; null: there is nothing to reload
};
// Before any thread is made: the heaps of a daemon stay few. Each thread would get one of its own,
// and what is freed in one is not had from another: an agent was 3 MiB larger after 16 GiB.
void KeepHeapsFew();
// A story that has not ended 9 s after it was stopped is dropped: what was acknowledged is on disk.
absl::Status RunUntilSignal(UringIo* io, Task<absl::Status> story, const OnSignals* on,
                            Logger* log);

}  // namespace tidemark
#endif  // TIDEMARK_AGENT_CLI_DAEMON_PROCESS_H_
