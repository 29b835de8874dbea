// tidemark push: opens the source itself, so that the caller's permissions count, and hands the
// descriptor to the agent.
#include <unistd.h>

#include <filesystem>

#include "absl/strings/str_format.h"
#include "agent/cli/client.h"
#include "agent/cli/files.h"
#include "agent/cli/output.h"
#include "agent/cli/verbs.h"
#include "agent/failure.h"
#include "agent/report_json.h"
#include "replicator/envelope.h"

namespace tidemark {
namespace {

absl::StatusOr<std::string> NameOf(const Arguments& arguments) {
  std::string name = arguments.name;
  if (name.empty() && arguments.path == "-")
    return absl::InvalidArgumentError("a push from standard input needs --name");
  if (name.empty()) name = std::filesystem::path(AbsolutePath(arguments.path)).filename().string();
  const absl::Status checked = CheckArchiveName(name);
  if (!checked.ok()) return WithHint(checked, "choose another name with --name");
  return name;
}

absl::Status SourceChanged(const PushReport& report) {
  return WithHint(
      absl::AbortedError(absl::StrFormat(
          "the source changed while it was read: version %d of %s is kept but not complete",
          report.version, report.archive)),
      absl::StrFormat("push again from a snapshot, or restore it as it is: %s@%d", report.archive,
                      report.version));
}

}  // namespace

int RunPush(const Arguments& arguments) {
  const Interrupt interrupt;
  const bool is_stdin = arguments.path == "-";
  OpenedSource source{OwnedFd(), true};
  if (!is_stdin) {
    absl::StatusOr<OpenedSource> opened = OpenSource(arguments.path);
    if (!opened.ok()) return Fail(arguments, opened.status());
    source = *std::move(opened);
  }
  const absl::StatusOr<std::string> name = NameOf(arguments);
  if (!name.ok()) return Fail(arguments, name.status());
  PushCall call;
  call.vault = arguments.vault;
  call.name = *name;
  call.is_stream = source.is_stream;
  call.timeout = arguments.timeout;
  call.wait_all = arguments.wait_all;
  call.idempotency_key = arguments.idempotency_key;
  call.compress = arguments.compress;
  call.resume = arguments.resume;

  ProgressBar bar("push");
  CallListener listener;
  listener.note = [&bar](const std::string& line) {
    bar.Clear();
    PrintNote(line);
  };
  listener.progress = [&bar](uint64_t done, uint64_t total) { bar.Show(done, total); };
  const int passed = is_stdin ? STDIN_FILENO : source.fd.get();
  const absl::StatusOr<std::string> answer =
      CallAgent(arguments.socket, call, passed, interrupt, listener);
  bar.Clear();
  if (!answer.ok()) return Fail(arguments, answer.status());
  const absl::StatusOr<PushReport> report = ParsePushReport(*answer);
  if (!report.ok()) return Fail(arguments, report.status());
  if (report->complete) return arguments.json ? PrintJson(*answer) : PrintText(PushText(*report));
  const absl::Status changed = SourceChanged(*report);
  if (!arguments.json) {
    PrintText(PushText(*report));
    return Fail(arguments, changed);
  }
  PrintJson(ToJson(*report, changed));
  return ExitOf(changed);
}

}  // namespace tidemark
