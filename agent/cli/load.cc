#include "agent/cli/load.h"

#include <termios.h>
#include <unistd.h>

#include <iostream>

#include "absl/strings/str_format.h"
#include "agent/cli/files.h"
#include "agent/failure.h"
#include "replicator/receipt.h"

namespace tidemark {
namespace {

absl::Status AsConfig(absl::Status status) {
  if (absl::IsPermissionDenied(status)) return status;
  return WithExit(std::move(status), kExitConfig);
}

// One line, as an editor leaves it.
std::string WithoutLineEnd(std::string text) {
  while (!text.empty() && (text.back() == '\n' || text.back() == '\r')) text.pop_back();
  return text;
}

absl::StatusOr<std::string> AskPassphrase(const std::string& key_file) {
  termios before;
  if (!isatty(STDIN_FILENO) || tcgetattr(STDIN_FILENO, &before) != 0) {
    return WithHint(
        absl::PermissionDeniedError(absl::StrFormat("key file %s needs a passphrase", key_file)),
        "name a file that holds it as key_passphrase_file in the configuration");
  }
  termios silent = before;
  silent.c_lflag &= ~static_cast<tcflag_t>(ECHO);
  tcsetattr(STDIN_FILENO, TCSAFLUSH, &silent);
  std::cerr << "passphrase of " << key_file << ": " << std::flush;
  std::string passphrase;
  std::getline(std::cin, passphrase);
  tcsetattr(STDIN_FILENO, TCSAFLUSH, &before);
  std::cerr << std::endl;
  return passphrase;
}

// What has no such line is no key file: reading it will say so.
bool NeedsPassphrase(const std::string& key_file_text) {
  return key_file_text.find("\npassphrase ") != std::string::npos &&
         key_file_text.find("\npassphrase none\n") == std::string::npos;
}

absl::Status AboutFile(const absl::Status& status, const std::string& path) {
  return absl::Status(status.code(),
                      absl::StrFormat("%s: %s", path, std::string(status.message())));
}

}  // namespace

absl::StatusOr<AgentConfig> LoadAgentConfig(const std::string& path) {
  const std::string absolute = AbsolutePath(path);
  const absl::StatusOr<std::string> text = ReadWholeFile(absolute);
  if (!text.ok()) {
    return WithHint(AsConfig(text.status()),
                    "name the agent's configuration with --config or TIDEMARK_CONFIG");
  }
  return ParseAgentConfig(*text, absolute);
}

absl::StatusOr<SiteConfig> LoadSiteConfig(const std::string& path) {
  const std::string absolute = AbsolutePath(path);
  const absl::StatusOr<std::string> text = ReadWholeFile(absolute);
  if (!text.ok()) return AsConfig(text.status());
  return ParseSiteConfig(*text, absolute);
}

absl::StatusOr<LoadedIdentity> LoadIdentity(const CredentialPaths& paths, Role role,
                                            const std::string& name) {
  ChannelIdentity channel;
  for (const auto& [path, text] : {std::pair(&paths.authority, &channel.authority_pem),
                                   std::pair(&paths.certificate, &channel.own.certificate_pem),
                                   std::pair(&paths.private_key, &channel.own.private_key_pem)}) {
    absl::StatusOr<std::string> content = ReadWholeFile(*path);
    if (!content.ok()) return AsConfig(content.status());
    *text = *std::move(content);
  }
  const absl::StatusOr<PartyName> party = ReadCertificate(channel.own.certificate_pem);
  if (!party.ok()) return AsConfig(AboutFile(party.status(), paths.certificate));
  if (party->role != role || (!name.empty() && party->name != name)) {
    return absl::PermissionDeniedError(
        absl::StrFormat("%s is the certificate of %s '%s', not of %s '%s'", paths.certificate,
                        RoleName(party->role), party->name, RoleName(role), name));
  }
  absl::StatusOr<SigningKey> key = SigningKey::FromPem(channel.own.private_key_pem);
  if (!key.ok()) return AsConfig(AboutFile(key.status(), paths.private_key));
  absl::StatusOr<std::unique_ptr<ChannelFactory>> factory = MakeTlsFactory(channel);
  if (!factory.ok()) {
    return WithExit(AboutFile(factory.status(), paths.certificate), kExitPermission);
  }
  return LoadedIdentity{std::move(channel), *std::move(key), *std::move(factory)};
}

absl::StatusOr<std::string> ReadPassphrase(const AgentConfig& config) {
  const absl::StatusOr<std::string> text = ReadWholeFile(config.key_file);
  if (!text.ok()) return text.status();
  if (!NeedsPassphrase(*text)) return std::string();
  if (config.key_passphrase_file.empty()) return AskPassphrase(config.key_file);
  absl::StatusOr<std::string> file = ReadWholeFile(config.key_passphrase_file);
  if (!file.ok()) return file.status();
  return WithoutLineEnd(*std::move(file));
}

absl::StatusOr<KeyEncryptionKey> LoadKey(const AgentConfig& config) {
  absl::StatusOr<std::string> passphrase = ReadPassphrase(config);
  if (!passphrase.ok()) return passphrase.status();
  const absl::StatusOr<std::string> text = ReadWholeFile(config.key_file);
  if (!text.ok()) return text.status();
  absl::StatusOr<KeyEncryptionKey> kek = DecodeKeyFile(*text, *passphrase);
  Wipe(MutableByteSpan(reinterpret_cast<std::byte*>(passphrase->data()), passphrase->size()));
  if (kek.ok()) return kek;
  const absl::Status bad = AboutFile(kek.status(), config.key_file);
  return absl::IsInvalidArgument(bad) ? WithExit(bad, kExitData) : bad;  // something else's file
}

absl::StatusOr<RecoveryKit> KitOf(const AgentConfig& config) {
  if (config.reader.certificate.empty() || config.reader.private_key.empty()) {
    return absl::FailedPreconditionError(
        config.path + ": reader_certificate and reader_private_key are needed for this");
  }
  RecoveryKit kit;
  absl::StatusOr<KeyEncryptionKey> kek = LoadKey(config);
  if (!kek.ok()) return kek.status();
  kit.kek = *std::move(kek);
  absl::StatusOr<LoadedIdentity> reader = LoadIdentity(config.reader, Role::kReader, "");
  if (!reader.ok()) return reader.status();
  kit.identity = std::move(reader->channel);
  const absl::StatusOr<std::string> agent = ReadWholeFile(config.identity.certificate);
  if (!agent.ok()) return AsConfig(agent.status());
  const absl::StatusOr<PartyName> party = ReadCertificate(*agent);
  if (!party.ok()) return AsConfig(AboutFile(party.status(), config.identity.certificate));
  kit.agent_key = party->key;
  for (const AgentSite& site : config.sites) {
    KitSite entry{site.name, site.is_primary ? "primary" : "witness", site.address, {}};
    if (!site.key.empty() && !FromHex(site.key, entry.key.bytes))
      return absl::FailedPreconditionError(config.path + ": a site's key is no public key");
    kit.sites.push_back(std::move(entry));
  }
  for (const VaultConfig& vault : config.vaults) kit.vaults.push_back({vault.name, vault.id, {}});
  return kit;
}

absl::Status AddCheckpoints(const AgentConfig& config, RecoveryKit* kit) {
  for (KitVault& vault : kit->vaults) {
    const std::string path = config.state + "/checkpoint-" + vault.name;
    if (!Exists(path)) continue;
    const absl::StatusOr<std::string> content = ReadWholeFile(path);
    if (!content.ok()) return content.status();
    const absl::StatusOr<SignedCheckpoint> checkpoint =
        ParseCheckpoint(kit->agent_key, AsBytes(*content));
    if (!checkpoint.ok() || checkpoint->checkpoint.vault != vault.id) {
      return WithHint(absl::DataLossError(path + " is no checkpoint of this vault and agent"),
                      "remove it: a running agent writes it anew within seconds");
    }
    vault.checkpoint = checkpoint->Encode();
  }
  return absl::OkStatus();
}

}  // namespace tidemark
