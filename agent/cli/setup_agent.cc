// tidemark setup agent: identity, reader, key file, configuration, recovery kit.
#include <filesystem>

#include "absl/strings/str_format.h"
#include "absl/time/clock.h"
#include "agent/cli/files.h"
#include "agent/cli/load.h"
#include "agent/cli/output.h"
#include "agent/cli/setup.h"
#include "agent/cli/verbs.h"
#include "agent/failure.h"
#include "agent/recover/kit.h"

namespace tidemark {
namespace {

const absl::Duration kAgentLifetime = absl::Hours(24) * 365 * 5;
const absl::Duration kReaderLifetime = absl::Hours(24) * 365 * 20;  // a kit lies in a safe for long

const std::vector<std::string> kFiles = {"agent.toml", "agent.pem",         "agent.key",
                                         "ca.pem",     "reader.pem",        "reader.key",
                                         "kek.key",    "recovery-kit.json", "recovery-kit.txt"};

// "a=primary=host:port", with the public key that the authority certified for "a".
absl::StatusOr<AgentSite> ParseSite(const std::string& authority, const std::string& text) {
  const size_t first = text.find('='), second = text.find('=', first + 1);
  if (first == std::string::npos || second == std::string::npos) {
    return absl::InvalidArgumentError(
        absl::StrFormat("--site '%s': write NAME=primary|witness=HOST:PORT", text));
  }
  AgentSite site;
  site.name = text.substr(0, first);
  const std::string role = text.substr(first + 1, second - first - 1);
  site.is_primary = role == "primary";
  site.address = text.substr(second + 1);
  if (role != "primary" && role != "witness")
    return absl::InvalidArgumentError(absl::StrFormat("--site '%s': no such role", text));
  const absl::StatusOr<std::string> certificate =
      ReadWholeFile(IssuedPath(authority, Role::kSite, site.name));
  if (!certificate.ok()) {
    return WithHint(
        WithExit(absl::NotFoundError(absl::StrFormat(
                     "the authority in %s has certified no site '%s'", authority, site.name)),
                 kExitConfig),
        "make the sites first: tidemark setup site --ca " + authority);
  }
  const absl::StatusOr<PartyName> party = ReadCertificate(*certificate);
  if (!party.ok()) return party.status();
  site.key = ToHex(party->key.bytes);
  return site;
}

absl::StatusOr<AgentConfig> ConfigOf(const Arguments& arguments, EntropySource* entropy) {
  AgentConfig config;
  config.name = arguments.name;
  config.state = AbsolutePath(arguments.state_directory);
  config.socket = AbsolutePath(arguments.setup_socket);
  config.key_file = "kek.key";
  if (!arguments.passphrase_file.empty())
    config.key_passphrase_file = AbsolutePath(arguments.passphrase_file);
  config.identity = {"ca.pem", "agent.pem", "agent.key"};
  config.reader = {"ca.pem", "reader.pem", "reader.key"};
  config.allow_same_host = arguments.allow_same_host;
  config.status.listen = arguments.status_listen;
  const std::string& mode = arguments.socket_mode;
  if (mode.empty() || mode.size() > 4 || mode.find_first_not_of("01234567") != std::string::npos)
    return absl::InvalidArgumentError("--socket-mode is an octal mode such as 0660");
  config.socket_mode = static_cast<uint32_t>(std::stoul(mode, nullptr, 8));
  for (const std::string& text : arguments.sites) {
    absl::StatusOr<AgentSite> site = ParseSite(arguments.authority_directory, text);
    if (!site.ok()) return site.status();
    config.sites.push_back(*std::move(site));
  }
  VaultConfig vault;
  vault.name = "default";
  vault.id = VaultId::Random(entropy);
  config.vaults.push_back(std::move(vault));
  const std::string path = AbsolutePath(arguments.out_directory) + "/agent.toml";
  const absl::StatusOr<AgentConfig> read = ParseAgentConfig(WriteConfig(config), path);
  if (!read.ok()) return WithExit(read.status(), kExitUsage);
  return config;
}

absl::Status WriteIdentities(const Arguments& arguments, const Credential& authority,
                             EntropySource* entropy) {
  const std::string& out = arguments.out_directory;
  const absl::StatusOr<NewIdentity> agent =
      IssueIdentity(authority, Role::kAgent, arguments.name, kAgentLifetime, entropy);
  if (!agent.ok()) return agent.status();
  const absl::StatusOr<NewIdentity> reader =
      IssueIdentity(authority, Role::kReader, arguments.name + "-kit", kReaderLifetime, entropy);
  if (!reader.ok()) return reader.status();
  absl::Status step = WriteNewFile(out + "/ca.pem", authority.certificate_pem, kPublicMode);
  for (const auto& [name, identity] :
       {std::pair("agent", &agent->credential), std::pair("reader", &reader->credential)}) {
    const std::string base = out + "/" + name;
    if (step.ok()) step = WriteNewFile(base + ".pem", identity->certificate_pem, kPublicMode);
    if (step.ok()) step = WriteNewFile(base + ".key", identity->private_key_pem, kSecretMode);
  }
  if (!step.ok()) return step;
  return WriteNewFile(IssuedPath(arguments.authority_directory, Role::kAgent, arguments.name),
                      agent->credential.certificate_pem, kPublicMode);
}

absl::Status WriteKeyFile(const Arguments& arguments, EntropySource* entropy) {
  std::string passphrase;
  if (!arguments.passphrase_file.empty()) {
    absl::StatusOr<std::string> text = ReadWholeFile(arguments.passphrase_file);
    if (!text.ok()) return text.status();
    passphrase = text->substr(0, text->find_first_of("\r\n"));
    if (passphrase.empty())
      return absl::InvalidArgumentError(arguments.passphrase_file + " holds no passphrase");
  }
  const KeyEncryptionKey kek = KeyEncryptionKey::Generate(entropy);
  return WriteNewFile(arguments.out_directory + "/kek.key", EncodeKeyFile(kek, passphrase, entropy),
                      kSecretMode);
}

absl::Status WriteKit(const std::string& out) {
  const absl::StatusOr<AgentConfig> config = LoadAgentConfig(out + "/agent.toml");
  if (!config.ok()) return config.status();
  const absl::StatusOr<RecoveryKit> kit = KitOf(*config);
  if (!kit.ok()) return kit.status();
  const absl::Status written =
      WriteNewFile(out + "/recovery-kit.json", EncodeKit(*kit), kSecretMode);
  if (!written.ok()) return written;
  return WriteNewFile(out + "/recovery-kit.txt", PrintableKit(*kit), kSecretMode);
}

absl::Status MakeAgent(const Arguments& arguments) {
  const std::string& out = arguments.out_directory;
  const absl::StatusOr<Credential> authority = ReadAuthority(arguments.authority_directory);
  if (!authority.ok()) return authority.status();
  SystemEntropy entropy;
  const absl::StatusOr<AgentConfig> config = ConfigOf(arguments, &entropy);
  if (!config.ok()) return config.status();
  absl::Status step = CheckNotIssued(arguments.authority_directory, Role::kAgent, arguments.name);
  if (step.ok()) step = MakeDirectories(out, 0700);
  if (step.ok()) step = CheckAbsent(out, kFiles);
  if (step.ok()) step = MakeDirectories(config->state, 0700);
  const std::string socket_directory = std::filesystem::path(config->socket).parent_path();
  if (step.ok()) step = MakeDirectories(socket_directory, 0755);
  if (step.ok()) step = WriteKeyFile(arguments, &entropy);
  if (step.ok()) step = WriteIdentities(arguments, *authority, &entropy);
  if (step.ok()) step = WriteNewFile(out + "/agent.toml", WriteConfig(*config), kPublicMode);
  if (step.ok()) step = WriteKit(out);
  return step;
}

}  // namespace

int RunSetupAgent(const Arguments& arguments) {
  const absl::Status made = MakeAgent(arguments);
  if (!made.ok()) return Fail(arguments, made);
  const std::string& out = arguments.out_directory;
  return PrintText(absl::StrFormat(
      "%s: agent %s; start it with `tidemark agent run --config %s/agent.toml`\n"
      "%s/recovery-kit.json and .txt open everything: move them to a safe, then say `tidemark keys "
      "kit --ack --config %s/agent.toml`\n",
      out, arguments.name, out, out, out));
}

}  // namespace tidemark
