// A daemon's process: one story, run until it ends or a signal asks for its end.
#ifndef TIDEMARK_AGENT_CLI_DAEMON_PROCESS_H_
#define TIDEMARK_AGENT_CLI_DAEMON_PROCESS_H_

#include <functional>

#include "absl/status/status.h"
#include "agent/io/task.h"
#include "agent/io/uring_io.h"
#include "agent/log.h"

namespace tidemark {

// SIGTERM or SIGINT calls *stop (set by the story once there is something to stop; before that the
// story is dropped). A story that has not ended 9 s later is dropped: what was acknowledged is on
// disk.
absl::Status RunUntilSignal(UringIo* io, Task<absl::Status> story,
                            const std::function<void()>* stop, Logger* log);

}  // namespace tidemark
#endif  // TIDEMARK_AGENT_CLI_DAEMON_PROCESS_H_
