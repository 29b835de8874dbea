// What the three setups share: the authority's directory.
//
//   DIR/authority.pem, DIR/authority.key (secret), DIR/issued/ROLE-NAME.pem (every certificate
//   made)
#ifndef TIDEMARK_AGENT_CLI_SETUP_H_
#define TIDEMARK_AGENT_CLI_SETUP_H_

#include <string>

#include "agent/config.h"
#include "crypto/certificate.h"

namespace tidemark {

inline constexpr uint32_t kPublicMode = 0644;
inline constexpr uint32_t kSecretMode = 0600;

absl::StatusOr<Credential> ReadAuthority(const std::string& directory);
std::string IssuedPath(const std::string& directory, Role role, const std::string& name);
// kAlreadyExists when `directory` issued one for that role and name before.
absl::Status CheckNotIssued(const std::string& directory, Role role, const std::string& name);
// kAlreadyExists when there is a file of that name in `out`.
absl::Status CheckAbsent(const std::string& out, const std::vector<std::string>& names);

struct NewIdentity {
  SigningKey key;
  Credential credential;
};
absl::StatusOr<NewIdentity> IssueIdentity(const Credential& authority, Role role,
                                          const std::string& name, absl::Duration lifetime,
                                          EntropySource* entropy);

}  // namespace tidemark
#endif  // TIDEMARK_AGENT_CLI_SETUP_H_
