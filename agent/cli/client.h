// The command line's end of the agent's socket. Blocking: one process, one call.
#ifndef TIDEMARK_AGENT_CLI_CLIENT_H_
#define TIDEMARK_AGENT_CLI_CLIENT_H_

#include <functional>
#include <string>

#include "agent/call_format.h"
#include "agent/cli/interrupt.h"

namespace tidemark {

struct CallListener {
  std::function<void(const std::string&)> note;
  std::function<void(uint64_t done_bytes, uint64_t total_bytes)> progress;
};

// Sends one request, with `passed` (-1: none), and waits for its result: the report's JSON.
// kUnavailable: nobody serves the socket; kAborted: the agent ended before it answered;
// kCancelled: `interrupt` came first (the agent hears of it by our closing); else what the agent
// says.
absl::StatusOr<std::string> CallAgent(const std::string& socket, const CallRequest& request,
                                      int passed, const Interrupt& interrupt,
                                      const CallListener& listener);

}  // namespace tidemark
#endif  // TIDEMARK_AGENT_CLI_CLIENT_H_
