// tidemark verify: every site has what every version needs; --deep: every site re-reads and heals
// all that it stores. Without the agent, every version is read and opened from every site.
#include "absl/strings/str_format.h"
#include "agent/cli/bare.h"
#include "agent/cli/client.h"
#include "agent/cli/output.h"
#include "agent/cli/verbs.h"
#include "agent/failure.h"
#include "agent/report_json.h"

namespace tidemark {
namespace {

absl::StatusOr<VerifyReport> Verified(const Arguments& arguments) {
  const Interrupt interrupt;
  ProgressBar bar("verify");
  if (IsBare(arguments)) return BareVerify(arguments, interrupt);
  VerifyCall call;
  call.vault = arguments.vault;
  call.deep = arguments.deep;
  CallListener listener;
  listener.note = [&bar](const std::string& line) {
    bar.Clear();
    PrintNote(line);
  };
  listener.progress = [&bar](uint64_t done, uint64_t total) { bar.Show(done, total); };
  const absl::StatusOr<std::string> answer =
      CallAgent(arguments.socket, call, -1, interrupt, listener);
  if (!answer.ok()) return answer.status();
  return ParseVerifyReport(*answer);
}

// Damage outweighs absence.
int ExitOfReport(const VerifyReport& report) {
  if (!report.bad.empty()) return kExitData;
  int exit = kExitOk;
  for (const VerifyReport::Site& site : report.sites) {
    if (site.state == "damaged") return kExitData;
    if (site.state != "right") exit = kExitUnavailable;
  }
  return exit;
}

}  // namespace

int RunVerify(const Arguments& arguments) {
  const absl::StatusOr<VerifyReport> report = Verified(arguments);
  if (!report.ok()) return Fail(arguments, report.status());
  const int printed = arguments.json ? PrintJson(ToJson(*report)) : PrintText(VerifyText(*report));
  const int exit = ExitOfReport(*report);
  return exit == kExitOk ? printed : exit;
}

}  // namespace tidemark
