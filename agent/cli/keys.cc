// tidemark keys: the recovery kit and its acknowledgement.
#include <nlohmann/json.hpp>

#include "absl/strings/str_format.h"
#include "absl/time/clock.h"
#include "agent/cli/files.h"
#include "agent/cli/load.h"
#include "agent/cli/output.h"
#include "agent/cli/verbs.h"
#include "agent/failure.h"
#include "agent/report_json.h"

namespace tidemark {
namespace {

constexpr uint32_t kSecretMode = 0600;

// One line: the key's id and when its kit was acknowledged.
std::string AcknowledgementPath(const AgentConfig& config) {
  return config.state + "/kit-acknowledged";
}

int Acknowledge(const Arguments& arguments, const AgentConfig& config) {
  const absl::StatusOr<KeyEncryptionKey> kek = LoadKey(config);
  if (!kek.ok()) return Fail(arguments, kek.status());
  absl::Status done = MakeDirectories(config.state, 0700);
  const std::string now = FormatRfc3339(absl::Now());
  if (done.ok())
    done = ReplaceFile(AcknowledgementPath(config), ToHex(kek->id) + " " + now + "\n", kSecretMode);
  if (!done.ok()) return Fail(arguments, done);
  if (arguments.json) {
    return PrintJson(
        absl::StrFormat(R"({"key":"%s","kit_acknowledged_at":"%s"})", ToHex(kek->id), now));
  }
  return PrintText(absl::StrFormat("key %s: its recovery kit is acknowledged\n", ToHex(kek->id)));
}

int WriteKit(const Arguments& arguments, const AgentConfig& config) {
  if (arguments.path.empty()) {
    return Fail(arguments, absl::InvalidArgumentError(
                               "keys kit needs -o FILE (to write one) or --ack (it is safe)"));
  }
  absl::StatusOr<RecoveryKit> kit = KitOf(config);
  if (!kit.ok()) return Fail(arguments, kit.status());
  const absl::Status dated = AddCheckpoints(config, &*kit);
  if (!dated.ok()) return Fail(arguments, dated);
  const std::string page = arguments.path + ".txt";
  absl::Status written;
  if (Exists(page)) written = absl::AlreadyExistsError(page + " exists; it is not replaced");
  if (written.ok()) written = WriteNewFile(arguments.path, EncodeKit(*kit), kSecretMode);
  if (written.ok()) written = WriteNewFile(page, PrintableKit(*kit), kSecretMode);
  if (!written.ok()) return Fail(arguments, written);
  if (arguments.json) {
    const nlohmann::ordered_json json = {{"kit", arguments.path}, {"page", page}};
    return PrintJson(json.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace));
  }
  return PrintText(absl::StrFormat(
      "%s: the recovery kit; %s: a page to print\nThey open everything: keep them in a safe, not "
      "on this machine, then say `tidemark keys kit --ack`.\n",
      arguments.path, page));
}

}  // namespace

int RunKeysKit(const Arguments& arguments) {
  const absl::StatusOr<AgentConfig> config = LoadAgentConfig(arguments.config_or_default);
  if (!config.ok()) return Fail(arguments, config.status());
  return arguments.acknowledge ? Acknowledge(arguments, *config) : WriteKit(arguments, *config);
}

int RunKeysStatus(const Arguments& arguments) {
  const absl::StatusOr<AgentConfig> config = LoadAgentConfig(arguments.config_or_default);
  if (!config.ok()) return Fail(arguments, config.status());
  const absl::StatusOr<KeyEncryptionKey> kek = LoadKey(*config);
  if (!kek.ok()) return Fail(arguments, kek.status());
  const std::string id = ToHex(kek->id);
  const absl::StatusOr<std::string> line = ReadWholeFile(AcknowledgementPath(*config));
  std::string acknowledged_at;
  if (line.ok() && line->rfind(id + " ", 0) == 0)
    acknowledged_at = line->substr(id.size() + 1, line->find('\n') - id.size() - 1);
  if (arguments.json) {
    nlohmann::ordered_json json = {{"key", id}, {"key_file", config->key_file}};
    json["kit_acknowledged_at"] = nullptr;
    if (!acknowledged_at.empty()) json["kit_acknowledged_at"] = acknowledged_at;
    return PrintJson(json.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace));
  }
  return PrintText(absl::StrFormat(
      "key  %s\nfile %s\nkit  %s\n", id, config->key_file,
      acknowledged_at.empty() ? "not acknowledged: `tidemark keys kit --ack` once it is in a safe"
                              : "acknowledged " + acknowledged_at));
}

}  // namespace tidemark
