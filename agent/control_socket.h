// The agent's unix socket: each connection is one call of the AgentService (call_format.h).
//
//   Open -> Serve (returns after Stop)
//
// A caller that goes away cancels its call. Connections are bounded: one more than that is told to
// try again. Who may connect is the socket's mode; who did is logged.
#ifndef TIDEMARK_AGENT_CONTROL_SOCKET_H_
#define TIDEMARK_AGENT_CONTROL_SOCKET_H_

#include <functional>
#include <list>
#include <memory>
#include <string>

#include "agent/io/sync.h"
#include "agent/log.h"
#include "agent/service.h"

namespace tidemark {

struct ControlSocketOptions {
  std::string path;
  uint32_t mode = 0660;
  size_t connections_max = 256;
  absl::Duration request_limit = absl::Seconds(10);  // to say what is wanted
  std::function<std::string(Fd)> peer;               // "uid 1000 pid 42"; may be empty
};

class ControlSocket {
 public:
  // kAlreadyExists when another agent serves that path. `service` and `log` outlive it.
  static Task<absl::StatusOr<std::unique_ptr<ControlSocket>>> Open(Io* io,
                                                                   ControlSocketOptions options,
                                                                   AgentService* service,
                                                                   Logger* log);
  ControlSocket(Io* io, ControlSocketOptions options, AgentService* service, Logger* log,
                Fd listening);
  Io* io() const { return io_; }
  // Until Stop; then every call has been cancelled and answered, and the path is gone.
  Task<absl::Status> Serve();
  void Stop();
  size_t connections() const { return live_.size(); }

 private:
  class Connection;
  Task<> ServeOne(Fd fd);

  // Constant after construction.
  Io* io_;
  ControlSocketOptions options_;
  AgentService* service_;
  Logger* log_;
  // Owned by the loop thread.
  Fd listening_;
  Op* accepting_ = nullptr;
  bool stopping_ = false;
  std::list<Connection*> live_;
  TaskGroup stories_;
};

}  // namespace tidemark
#endif  // TIDEMARK_AGENT_CONTROL_SOCKET_H_
