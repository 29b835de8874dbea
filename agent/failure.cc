#include "agent/failure.h"

#include "absl/strings/cord.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_format.h"

namespace tidemark {
namespace {

constexpr char kExitPayload[] = "tidemark/exit";
constexpr char kHintPayload[] = "tidemark/hint";

int ExitOfCode(absl::StatusCode code) {
  switch (code) {
    case absl::StatusCode::kOk:
      return kExitOk;
    case absl::StatusCode::kInvalidArgument:
    case absl::StatusCode::kOutOfRange:
      return kExitUsage;
    case absl::StatusCode::kDataLoss:
      return kExitData;
    case absl::StatusCode::kNotFound:
      return kExitNoInput;
    case absl::StatusCode::kUnavailable:
      return kExitUnavailable;
    case absl::StatusCode::kAlreadyExists:
      return kExitExists;
    case absl::StatusCode::kUnknown:
      return kExitIo;
    case absl::StatusCode::kAborted:
    case absl::StatusCode::kDeadlineExceeded:
    case absl::StatusCode::kResourceExhausted:
      return kExitTryAgain;
    case absl::StatusCode::kPermissionDenied:
    case absl::StatusCode::kUnauthenticated:
      return kExitPermission;
    case absl::StatusCode::kFailedPrecondition:
    case absl::StatusCode::kUnimplemented:
      return kExitConfig;
    case absl::StatusCode::kCancelled:
      return kExitInterrupted;
    default:
      return kExitBug;
  }
}

}  // namespace

int ExitOf(const absl::Status& status) {
  const auto payload = status.GetPayload(kExitPayload);
  int exit = 0;
  if (payload.has_value() && absl::SimpleAtoi(std::string(*payload), &exit)) return exit;
  return ExitOfCode(status.code());
}

absl::Status WithExit(absl::Status status, int exit) {
  if (!status.ok()) status.SetPayload(kExitPayload, absl::Cord(std::to_string(exit)));
  return status;
}

absl::Status WithHint(absl::Status status, const std::string& hint) {
  if (!status.ok()) status.SetPayload(kHintPayload, absl::Cord(hint));
  return status;
}

std::string HintOf(const absl::Status& status) {
  const auto payload = status.GetPayload(kHintPayload);
  return payload.has_value() ? std::string(*payload) : "";
}

std::string CodeWord(int exit) {
  switch (exit) {
    case kExitOk:
      return "ok";
    case kExitUsage:
      return "usage";
    case kExitData:
      return "corrupt";
    case kExitNoInput:
      return "not_found";
    case kExitUnavailable:
      return "unreachable";
    case kExitExists:
      return "exists";
    case kExitIo:
      return "io";
    case kExitTryAgain:
      return "try_again";
    case kExitPermission:
      return "permission";
    case kExitConfig:
      return "config";
    case kExitInterrupted:
      return "interrupted";
    default:
      return "bug";
  }
}

absl::Status NotUnderstood(const char* what) {
  return WithHint(absl::InternalError(absl::StrFormat("the agent's answer is no %s", what)),
                  "agent and command line must be of the same version: compare `tidemark version` "
                  "and restart the agent");
}

}  // namespace tidemark
