// The one binary: finds the verb and runs it.
#include <signal.h>

#include <cstdio>
#include <optional>
#include <string_view>
#include <utility>

#include "agent/cli/verbs.h"
#include "agent/failure.h"

namespace tidemark {
namespace {

using Verb = int (*)(const Arguments&);
constexpr std::pair<std::string_view, Verb> kVerbs[] = {
    {"push", RunPush},
    {"restore", RunRestore},
    {"list", RunList},
    {"status", RunStatus},
    {"report", RunReport},
    {"verify", RunVerify},
    {"rpo", RunRpo},
    {"rpo export", RunRpoExport},
    {"rpo-verify", RunRpoVerify},
    {"setup ca", RunSetupAuthority},
    {"setup site", RunSetupSite},
    {"setup agent", RunSetupAgent},
    {"site run", RunSite},
    {"site replace", RunSiteReplace},
    {"agent run", RunAgent},
    {"config check", RunConfigCheck},
    {"config show", RunConfigShow},
    {"keys kit", RunKeysKit},
    {"keys status", RunKeysStatus},
    {"bench", RunBench},
    {"doctor", RunDoctor},
    {"version", RunVersion},
};

int Dispatch(int argc, char** argv) {
  Arguments arguments;
  const std::optional<int> done = ParseArguments(argc, argv, &arguments);
  if (done.has_value()) return *done;
  for (const auto& [name, verb] : kVerbs) {
    if (name == arguments.verb) return verb(arguments);
  }
  std::fprintf(stderr, "tidemark: no such verb: %s\n", arguments.verb.c_str());
  return kExitUsage;
}

}  // namespace
}  // namespace tidemark

int main(int argc, char** argv) {
  signal(SIGPIPE, SIG_IGN);  // a reader that went away is a result, not an end
  return tidemark::Dispatch(argc, argv);
}
