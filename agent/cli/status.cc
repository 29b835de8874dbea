// tidemark status: the agent's health on one screen, as JSON, or as one line for monitoring.
#include <unistd.h>

#include <cstdlib>

#include "agent/cli/client.h"
#include "agent/cli/output.h"
#include "agent/cli/status_text.h"
#include "agent/cli/verbs.h"
#include "agent/failure.h"
#include "agent/report_json.h"

namespace tidemark {
namespace {

// https://no-color.org, and terminals that know none.
bool WantsColour() {
  const char* terminal = std::getenv("TERM");
  const bool is_dumb = terminal == nullptr || std::string(terminal) == "dumb";
  return isatty(STDOUT_FILENO) && !is_dumb && std::getenv("NO_COLOR") == nullptr;
}

absl::StatusOr<std::string> Ask(const Arguments& arguments, const Interrupt& interrupt) {
  return CallAgent(arguments.socket, StatusCall{}, -1, interrupt, CallListener{});
}

int Check(const Arguments& arguments, const absl::StatusOr<std::string>& answer) {
  absl::StatusOr<StatusReport> report =
      answer.ok() ? ParseStatusReport(*answer) : absl::StatusOr<StatusReport>(answer.status());
  if (!report.ok()) {
    if (arguments.json) {
      PrintJson(ErrorJson(report.status()));
    } else {
      PrintText("TIDEMARK UNKNOWN " + std::string(report.status().message()) + "\n");
    }
    return kCheckUnknown;
  }
  if (arguments.json) {
    PrintJson(*answer);
  } else {
    PrintText(CheckText(*report));
  }
  return CheckExit(*report);
}

int Show(const Arguments& arguments, const absl::StatusOr<std::string>& answer) {
  if (!answer.ok()) return Fail(arguments, answer.status());
  if (arguments.json) return PrintJson(*answer);
  const absl::StatusOr<StatusReport> report = ParseStatusReport(*answer);
  if (!report.ok()) return Fail(arguments, report.status());
  const bool repaint = arguments.watch && isatty(STDOUT_FILENO);
  return PrintText((repaint ? "\033[H\033[2J" : "") + StatusText(*report, WantsColour()));
}

}  // namespace

int RunStatus(const Arguments& arguments) {
  const Interrupt interrupt;
  const absl::StatusOr<std::string> answer = Ask(arguments, interrupt);
  if (arguments.check) return Check(arguments, answer);
  int exit = Show(arguments, answer);
  // Watching goes on while the agent is away; it ends when nobody reads, or by a signal.
  while (arguments.watch && exit != kExitIo) {
    if (interrupt.CameWithin(1000)) return kExitInterrupted;
    exit = Show(arguments, Ask(arguments, interrupt));
  }
  return exit;
}

}  // namespace tidemark
