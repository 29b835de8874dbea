// From paths to what a process works with: configurations, certificates, the key-encryption key.
#ifndef TIDEMARK_AGENT_CLI_LOAD_H_
#define TIDEMARK_AGENT_CLI_LOAD_H_

#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "agent/config.h"
#include "agent/recover/kit.h"
#include "crypto/channel.h"
#include "crypto/keys.h"

namespace tidemark {

// All failures exit 78, except those of permission (77).
absl::StatusOr<AgentConfig> LoadAgentConfig(const std::string& path);
absl::StatusOr<SiteConfig> LoadSiteConfig(const std::string& path);

// Certificate, CA and private key, and what they are together.
struct LoadedIdentity {
  ChannelIdentity channel;
  SigningKey key;
  std::unique_ptr<ChannelFactory> factory;
};
// Checks that the certificate says `role` and `name` (empty: any) and belongs to the key.
absl::StatusOr<LoadedIdentity> LoadIdentity(const CredentialPaths& paths, Role role,
                                            const std::string& name);

// What opens the key file; empty when it has no passphrase. From the passphrase file where there is
// one, else asked of a terminal; kPermissionDenied when there is neither.
absl::StatusOr<std::string> ReadPassphrase(const AgentConfig& config);
absl::StatusOr<KeyEncryptionKey> LoadKey(const AgentConfig& config);

// The kit a configuration amounts to: key, reader, sites, vaults; no checkpoints.
absl::StatusOr<RecoveryKit> KitOf(const AgentConfig& config);
// Those that the agent has left in its state directory: what is older is told from what is not.
absl::Status AddCheckpoints(const AgentConfig& config, RecoveryKit* kit);

}  // namespace tidemark
#endif  // TIDEMARK_AGENT_CLI_LOAD_H_
