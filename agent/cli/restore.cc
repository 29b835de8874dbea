// tidemark restore: the output is opened here, written by the agent or by ourselves, and published
// only when all of it was verified.
#include <unistd.h>

#include "absl/strings/str_format.h"
#include "agent/cli/bare.h"
#include "agent/cli/client.h"
#include "agent/cli/output.h"
#include "agent/cli/part_file.h"
#include "agent/cli/verbs.h"
#include "agent/failure.h"
#include "agent/recover/catalog.h"
#include "agent/report_json.h"

namespace tidemark {
namespace {

absl::StatusOr<RestoreCall> CallOf(const Arguments& arguments) {
  const absl::StatusOr<ArchiveReference> reference = ParseArchiveReference(arguments.name);
  if (!reference.ok()) return reference.status();
  if (reference->version.has_value() && arguments.before.has_value())
    return absl::InvalidArgumentError("give a version or --before, not both");
  RestoreCall call;
  call.vault = arguments.vault;
  call.name = reference->name;
  call.version = reference->version;
  call.before = arguments.before;
  call.offset = arguments.offset;
  call.length = arguments.length.value_or(UINT64_MAX);
  call.from = arguments.from;
  call.output_is_stream = arguments.path == "-";
  return call;
}

absl::StatusOr<RestoreReport> RestoreInto(const Arguments& arguments, RestoreCall call, int output,
                                          const Interrupt& interrupt) {
  ProgressBar bar("restore");
  CallListener listener;
  listener.note = [&bar](const std::string& line) {
    bar.Clear();
    PrintNote(line);
  };
  listener.progress = [&bar](uint64_t done, uint64_t total) { bar.Show(done, total); };
  if (IsBare(arguments)) {
    call.output = output;
    return BareRestore(arguments, call, interrupt, listener);
  }
  const absl::StatusOr<std::string> answer =
      CallAgent(arguments.socket, call, output, interrupt, listener);
  if (!answer.ok()) return answer.status();
  return ParseRestoreReport(*answer);
}

std::string Text(const RestoreReport& report) {
  return absl::StrFormat("%s@%d: %s restored and verified%s\n", report.archive, report.version,
                         FormatBytes(static_cast<double>(report.restored_bytes)),
                         report.complete ? "" : " (the version is not complete)");
}

}  // namespace

int RunRestore(const Arguments& arguments) {
  const Interrupt interrupt;
  const absl::StatusOr<RestoreCall> call = CallOf(arguments);
  if (!call.ok()) return Fail(arguments, call.status());
  if (call->output_is_stream) {
    // Standard output is the archive's: what there is to say goes to standard error.
    const absl::StatusOr<RestoreReport> report =
        RestoreInto(arguments, *call, STDOUT_FILENO, interrupt);
    if (report.ok()) return kExitOk;
    Arguments plain = arguments;
    plain.json = false;
    return Fail(plain, report.status());
  }
  absl::StatusOr<PartFile> part = PartFile::Open(arguments.path, arguments.overwrite);
  if (!part.ok()) return Fail(arguments, part.status());
  part->PreferDirect();
  const absl::StatusOr<RestoreReport> report = RestoreInto(arguments, *call, part->fd(), interrupt);
  if (!report.ok()) return Fail(arguments, report.status());
  const absl::Status published = part->Publish(report->mode, report->mtime_nanos);
  if (!published.ok()) return Fail(arguments, published);
  return arguments.json ? PrintJson(ToJson(*report)) : PrintText(Text(*report));
}

}  // namespace tidemark
