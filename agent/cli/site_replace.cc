// tidemark site replace: the operator's word that a site's new store takes the place of a lost one.
#include "absl/strings/str_format.h"
#include "agent/cli/client.h"
#include "agent/cli/output.h"
#include "agent/cli/verbs.h"
#include "agent/report_json.h"

namespace tidemark {

int RunSiteReplace(const Arguments& arguments) {
  const Interrupt interrupt;
  ReplaceCall call;
  call.site = arguments.name;
  const absl::StatusOr<std::string> answer =
      CallAgent(arguments.socket, call, -1, interrupt, CallListener{});
  if (!answer.ok()) return Fail(arguments, answer.status());
  if (arguments.json) return PrintJson(*answer);
  const absl::StatusOr<ReplaceReport> report = ParseReplaceReport(*answer);
  if (!report.ok()) return Fail(arguments, report.status());
  return PrintText(absl::StrFormat(
      "site %s: store %s takes the place of the lost store %s; it is filled from the other sites\n",
      report->site, report->new_store, report->lost_store));
}

}  // namespace tidemark
