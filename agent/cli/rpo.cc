// tidemark rpo: the ledger of a period; rpo export: the receipts that it rests on, for somebody who
// trusts neither us nor the sites.
#include <fcntl.h>

#include "absl/strings/str_format.h"
#include "agent/cli/client.h"
#include "agent/cli/files.h"
#include "agent/cli/output.h"
#include "agent/cli/rpo_text.h"
#include "agent/cli/verbs.h"
#include "agent/failure.h"
#include "agent/rpo_json.h"
#include "replicator/export_manifest.h"

namespace tidemark {
namespace {

RpoCall CallOf(const Arguments& arguments) {
  RpoCall call;
  call.vault = arguments.vault_given ? arguments.vault : "";
  call.since = arguments.since;
  call.until = arguments.until;
  return call;
}

absl::StatusOr<std::string> Ask(const Arguments& arguments, const RpoCall& call, int output) {
  const Interrupt interrupt;
  ProgressBar bar("export");
  CallListener listener;
  listener.note = [](const std::string& line) { PrintNote(line); };
  listener.progress = [&bar](uint64_t done, uint64_t total) { bar.Show(done, total); };
  return CallAgent(arguments.socket, call, output, interrupt, listener);
}

absl::Status WriteFiles(const std::string& directory, const RpoReport& report) {
  for (const auto& [name, content] : report.files) {
    if (name.find('/') != std::string::npos)
      return absl::InternalError("the agent names a file outside of the export: " + name);
    const absl::Status written = WriteNewFile(directory + "/" + name, content, 0644);
    if (!written.ok()) return written;
  }
  return absl::OkStatus();
}

}  // namespace

int RunRpo(const Arguments& arguments) {
  const absl::StatusOr<std::string> answer = Ask(arguments, CallOf(arguments), -1);
  if (!answer.ok()) return Fail(arguments, answer.status());
  if (arguments.json) return PrintJson(*answer);
  const absl::StatusOr<RpoReport> report = ParseRpoReport(*answer);
  if (!report.ok()) return Fail(arguments, report.status());
  return PrintText(RpoText(*report));
}

int RunRpoExport(const Arguments& arguments) {
  const std::string directory = AbsolutePath(arguments.path);
  if (Exists(directory)) {
    return Fail(arguments,
                WithHint(absl::AlreadyExistsError(arguments.path + " exists already"),
                         "an export is a directory of its own: name one that is not there yet"));
  }
  const absl::Status made = MakeDirectories(directory, 0755);
  if (!made.ok()) return Fail(arguments, made);
  const std::string evidence = directory + "/" + kEvidenceName;
  const OwnedFd output(open(evidence.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644));
  if (output.get() < 0) return Fail(arguments, absl::UnknownError("cannot create " + evidence));
  RpoCall call = CallOf(arguments);
  call.for_export = true;
  const absl::StatusOr<std::string> answer = Ask(arguments, call, output.get());
  if (!answer.ok()) return Fail(arguments, answer.status());
  absl::StatusOr<RpoReport> report = ParseRpoReport(*answer);
  if (!report.ok()) return Fail(arguments, report.status());
  const absl::Status written = WriteFiles(directory, *report);
  if (!written.ok()) return Fail(arguments, written);
  report->files.clear();
  if (arguments.json) return PrintJson(ToJson(*report));
  return PrintText(absl::StrFormat(
      "%s: %d receipts, %d checkpoints, chain of %d records, %s\n%scheck it anywhere: tidemark "
      "rpo-verify --keys KEYS %s\n",
      arguments.path, report->receipts, report->checkpoints, report->records,
      FormatBytes(static_cast<double>(report->evidence_bytes)), FactsText(report->facts),
      arguments.path));
}

}  // namespace tidemark
