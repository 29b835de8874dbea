// tidemark setup ca|site.
#include "agent/cli/setup.h"

#include "absl/strings/str_format.h"
#include "absl/time/clock.h"
#include "agent/cli/files.h"
#include "agent/cli/output.h"
#include "agent/cli/verbs.h"
#include "agent/failure.h"

namespace tidemark {
namespace {

const absl::Duration kAuthorityLifetime = absl::Hours(24) * 365 * 20;
const absl::Duration kSiteLifetime = absl::Hours(24) * 365 * 5;

absl::Status MakeAuthority(const std::string& directory) {
  absl::Status step = MakeDirectories(directory, 0700);
  if (step.ok()) step = CheckAbsent(directory, {"authority.pem", "authority.key"});
  if (!step.ok()) return step;
  SystemEntropy entropy;
  const absl::StatusOr<Credential> authority =
      CreateAuthority("tidemark", absl::Now(), kAuthorityLifetime, &entropy);
  if (!authority.ok()) return authority.status();
  step = MakeDirectories(directory + "/issued", 0700);
  if (step.ok())
    step = WriteNewFile(directory + "/authority.key", authority->private_key_pem, kSecretMode);
  if (step.ok())
    step = WriteNewFile(directory + "/authority.pem", authority->certificate_pem, kPublicMode);
  return step;
}

absl::StatusOr<SiteConfig> ConfigOf(const Arguments& arguments) {
  SiteConfig config;
  config.options.name = arguments.name;
  config.options.is_primary = arguments.role == "primary";
  config.options.store_path = AbsolutePath(arguments.setup_store);
  config.options.listen = arguments.listen;
  config.options.data_listen = arguments.data_listen;
  config.identity = {"ca.pem", "site.pem", "site.key"};
  if (arguments.role != "primary" && arguments.role != "witness")
    return absl::InvalidArgumentError("--role is primary or witness");
  const std::string path = AbsolutePath(arguments.out_directory) + "/site.toml";
  const absl::StatusOr<SiteConfig> read = ParseSiteConfig(WriteConfig(config), path);
  if (!read.ok()) return WithExit(read.status(), kExitUsage);
  return config;
}

absl::Status MakeSite(const Arguments& arguments) {
  const std::string& out = arguments.out_directory;
  const absl::StatusOr<Credential> authority = ReadAuthority(arguments.authority_directory);
  if (!authority.ok()) return authority.status();
  const absl::StatusOr<SiteConfig> config = ConfigOf(arguments);
  if (!config.ok()) return config.status();
  absl::Status step = CheckNotIssued(arguments.authority_directory, Role::kSite, arguments.name);
  if (step.ok()) step = MakeDirectories(out, 0700);
  if (step.ok()) step = CheckAbsent(out, {"site.toml", "site.key", "site.pem", "ca.pem"});
  if (!step.ok()) return step;
  SystemEntropy entropy;
  const absl::StatusOr<NewIdentity> identity =
      IssueIdentity(*authority, Role::kSite, arguments.name, kSiteLifetime, &entropy);
  if (!identity.ok()) return identity.status();
  const Credential& credential = identity->credential;
  step = MakeDirectories(config->options.store_path, 0700);
  if (step.ok()) step = WriteNewFile(out + "/ca.pem", authority->certificate_pem, kPublicMode);
  if (step.ok()) step = WriteNewFile(out + "/site.pem", credential.certificate_pem, kPublicMode);
  if (step.ok()) step = WriteNewFile(out + "/site.key", credential.private_key_pem, kSecretMode);
  if (step.ok()) step = WriteNewFile(out + "/site.toml", WriteConfig(*config), kPublicMode);
  if (step.ok()) {
    step = WriteNewFile(IssuedPath(arguments.authority_directory, Role::kSite, arguments.name),
                        credential.certificate_pem, kPublicMode);
  }
  return step;
}

}  // namespace

absl::StatusOr<Credential> ReadAuthority(const std::string& directory) {
  const absl::StatusOr<std::string> certificate = ReadWholeFile(directory + "/authority.pem");
  if (!certificate.ok()) {
    return WithHint(certificate.status(),
                    absl::StrFormat("make it first: tidemark setup ca %s", directory));
  }
  const absl::StatusOr<std::string> key = ReadWholeFile(directory + "/authority.key");
  if (!key.ok()) return key.status();
  return Credential{*certificate, *key};
}

std::string IssuedPath(const std::string& directory, Role role, const std::string& name) {
  return absl::StrFormat("%s/issued/%s-%s.pem", directory, RoleName(role), name);
}

absl::Status CheckNotIssued(const std::string& directory, Role role, const std::string& name) {
  const std::string issued = IssuedPath(directory, role, name);
  if (!Exists(issued)) return absl::OkStatus();
  return WithHint(absl::AlreadyExistsError(absl::StrFormat(
                      "this authority already certified %s '%s'", RoleName(role), name)),
                  "take another name; or, if the old one is gone for good, remove " + issued);
}

absl::Status CheckAbsent(const std::string& out, const std::vector<std::string>& names) {
  for (const std::string& name : names) {
    const std::string path = out + "/" + name;
    if (Exists(path)) return absl::AlreadyExistsError(path + " exists; setup replaces nothing");
  }
  return absl::OkStatus();
}

absl::StatusOr<NewIdentity> IssueIdentity(const Credential& authority, Role role,
                                          const std::string& name, absl::Duration lifetime,
                                          EntropySource* entropy) {
  SigningKey key = SigningKey::Generate(entropy);
  absl::StatusOr<Credential> credential =
      IssueCertificate(authority, role, name, key, absl::Now(), lifetime, entropy);
  if (!credential.ok()) return credential.status();
  return NewIdentity{std::move(key), *std::move(credential)};
}

int RunSetupAuthority(const Arguments& arguments) {
  const absl::Status made = MakeAuthority(arguments.authority_directory);
  if (!made.ok()) return Fail(arguments, made);
  return PrintText(absl::StrFormat(
      "%s: the certificate authority; keep authority.key offline once all sites are made\n",
      arguments.authority_directory));
}

int RunSetupSite(const Arguments& arguments) {
  const absl::Status made = MakeSite(arguments);
  if (!made.ok()) return Fail(arguments, made);
  return PrintText(absl::StrFormat(
      "%s: site %s (%s); start it with `tidemark site run --config "
      "%s/site.toml`\n",
      arguments.out_directory, arguments.name, arguments.role, arguments.out_directory));
}

}  // namespace tidemark
