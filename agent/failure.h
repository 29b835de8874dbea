// How a Status leaves the program: exit code, stable code word, message, hint (design section 10).
#ifndef TIDEMARK_AGENT_FAILURE_H_
#define TIDEMARK_AGENT_FAILURE_H_

#include <string>

#include "absl/status/status.h"

namespace tidemark {

enum ExitCode : int {
  kExitOk = 0,
  kExitUsage = 64,        // also a directory, a range past the end
  kExitData = 65,         // corrupt, verification failed, damaged keyring
  kExitNoInput = 66,      // no such file, archive, version
  kExitUnavailable = 69,  // agent or needed site unreachable
  kExitBug = 70,
  kExitExists = 73,  // exists, port or store in use, foreign store
  kExitIo = 74,
  kExitTryAgain = 75,    // nothing lost, outcome unknown
  kExitPermission = 77,  // permission, passphrase, key, CA or role
  kExitConfig = 78,
  kExitInterrupted = 130,
};

// kInvalidArgument, kOutOfRange 64; kDataLoss 65; kNotFound 66; kUnavailable 69; kInternal 70;
// kAlreadyExists 73; kUnknown 74; kAborted, kDeadlineExceeded, kResourceExhausted 75;
// kPermissionDenied, kUnauthenticated 77; kFailedPrecondition, kUnimplemented 78; kCancelled 130. A
// Status made by WithExit keeps its own.
int ExitOf(const absl::Status& status);
absl::Status WithExit(absl::Status status, int exit);
// What to do about it; kept beside the message, shown as "hint: ...".
absl::Status WithHint(absl::Status status, const std::string& hint);
std::string HintOf(const absl::Status& status);
// The agent's answer is no such report: agent and command line are of different versions.
absl::Status NotUnderstood(const char* what);
// The stable code word of an exit: "usage", "corrupt", "not_found", "unreachable", "bug", "exists",
// "io", "try_again", "permission", "config", "interrupted".
std::string CodeWord(int exit);

}  // namespace tidemark
#endif  // TIDEMARK_AGENT_FAILURE_H_
