// What is said on the agent's unix socket: one connection, one call, lines of JSON.
//
//   client: one request line; the descriptor to read or write comes with its first byte
//   agent:  event lines: note and progress, any number, then one result or one error
//
// The client closing its end before the result means: give it up.
#ifndef TIDEMARK_AGENT_CALL_FORMAT_H_
#define TIDEMARK_AGENT_CALL_FORMAT_H_

#include <optional>
#include <string>
#include <variant>

#include "agent/service.h"

namespace tidemark {

inline constexpr size_t kRequestBytesMax = 64 * 1024;

struct ListCall {
  std::string vault = "default";
  std::optional<std::string> name;
};
struct StatusCall {};
using CallRequest =
    std::variant<PushCall, RestoreCall, ListCall, StatusCall, VerifyCall, ReplaceCall, RpoCall>;

// A line with its '\n'. Descriptors are not in it.
std::string EncodeRequest(const CallRequest& request);
// kInvalidArgument: not a request; kUnimplemented: a verb that this agent does not know.
absl::StatusOr<CallRequest> ParseRequest(const std::string& line);

struct NoteEvent {
  std::string line;
};
struct ProgressEvent {
  uint64_t done_bytes = 0, total_bytes = 0;
};
struct ResultEvent {
  std::string json;  // of the verb's report
};
struct ErrorEvent {
  absl::Status status;  // with its exit and hint
};
using CallEvent = std::variant<NoteEvent, ProgressEvent, ResultEvent, ErrorEvent>;

std::string EncodeEvent(const CallEvent& event);
absl::StatusOr<CallEvent> ParseEvent(const std::string& line);

}  // namespace tidemark
#endif  // TIDEMARK_AGENT_CALL_FORMAT_H_
