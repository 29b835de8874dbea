// tidemark list: archives and versions, from the agent or from a site.
#include "agent/cli/bare.h"
#include "agent/cli/client.h"
#include "agent/cli/output.h"
#include "agent/cli/verbs.h"
#include "agent/failure.h"
#include "agent/report_json.h"

namespace tidemark {
namespace {

absl::StatusOr<std::vector<ListedVersion>> Versions(const Arguments& arguments) {
  const Interrupt interrupt;
  ListCall call;
  call.vault = arguments.vault;
  if (!arguments.name.empty()) call.name = arguments.name;
  if (IsBare(arguments)) return BareList(arguments, call, interrupt);
  const absl::StatusOr<std::string> answer =
      CallAgent(arguments.socket, call, -1, interrupt, CallListener{});
  if (!answer.ok()) return answer.status();
  return ParseVersions(*answer);
}

}  // namespace

int RunList(const Arguments& arguments) {
  const absl::StatusOr<std::vector<ListedVersion>> versions = Versions(arguments);
  if (!versions.ok()) return Fail(arguments, versions.status());
  if (versions->empty() && !arguments.name.empty()) {
    return Fail(arguments, absl::NotFoundError("there is no archive '" + arguments.name +
                                               "' in vault '" + arguments.vault + "'"));
  }
  return arguments.json ? PrintJson(ToJson(*versions)) : PrintText(ListText(*versions));
}

}  // namespace tidemark
