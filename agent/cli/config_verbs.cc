// tidemark config check|show.
#include <nlohmann/json.hpp>

#include "absl/strings/str_format.h"
#include "agent/cli/files.h"
#include "agent/cli/load.h"
#include "agent/cli/output.h"
#include "agent/cli/verbs.h"
#include "agent/failure.h"

namespace tidemark {
namespace {

struct Parsed {
  bool is_site = false;
  std::string path;
  std::string text;  // with every default
};

absl::StatusOr<Parsed> ParseEither(const Arguments& arguments) {
  Parsed parsed;
  parsed.path = AbsolutePath(arguments.config_or_default);
  const absl::StatusOr<std::string> text = ReadWholeFile(parsed.path);
  if (!text.ok()) return WithExit(text.status(), kExitConfig);
  parsed.is_site = LooksLikeSiteConfig(*text);
  if (parsed.is_site) {
    const absl::StatusOr<SiteConfig> config = ParseSiteConfig(*text, parsed.path);
    if (!config.ok()) return config.status();
    parsed.text = WriteConfig(*config);
  } else {
    const absl::StatusOr<AgentConfig> config = ParseAgentConfig(*text, parsed.path);
    if (!config.ok()) return config.status();
    parsed.text = WriteConfig(*config);
  }
  return parsed;
}

int Print(const Arguments& arguments, const Parsed& parsed, const std::string& text) {
  if (!arguments.json) return PrintText(text);
  const nlohmann::ordered_json json = {{"path", parsed.path},
                                       {"kind", parsed.is_site ? "site" : "agent"},
                                       {"valid", true},
                                       {"effective", parsed.text}};
  return PrintJson(json.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace));
}

}  // namespace

int RunConfigCheck(const Arguments& arguments) {
  const absl::StatusOr<Parsed> parsed = ParseEither(arguments);
  if (!parsed.ok()) return Fail(arguments, parsed.status());
  const std::string kind = parsed->is_site ? "a site's" : "the agent's";
  return Print(arguments, *parsed,
               absl::StrFormat("%s: right, %s configuration\n", parsed->path, kind));
}

int RunConfigShow(const Arguments& arguments) {
  const absl::StatusOr<Parsed> parsed = ParseEither(arguments);
  if (!parsed.ok()) return Fail(arguments, parsed.status());
  return Print(arguments, *parsed, parsed->text);
}

}  // namespace tidemark
