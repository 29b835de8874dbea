// The private CA: X.509 certificates whose key is the holder's Ed25519 identity and whose SAN
// URI carries role and name: "tidemark://ROLE/NAME" (ROLE: agent, site, peer, reader, admin).
// A site acts towards other sites with its site certificate (role peer is what it asks for).
#ifndef TIDEMARK_CRYPTO_CERTIFICATE_H_
#define TIDEMARK_CRYPTO_CERTIFICATE_H_

#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "crypto/identity.h"

namespace tidemark {

enum class Role : uint8_t { kAgent = 1, kSite = 2, kPeer = 3, kReader = 4, kAdmin = 5 };
std::string_view RoleName(Role role);
absl::StatusOr<Role> ParseRole(std::string_view name);

struct Credential {  // what one party presents
  std::string certificate_pem;
  std::string private_key_pem;  // secret
};
struct PartyName {
  Role role = Role::kReader;
  std::string name;
  PublicKey key;
  friend bool operator==(const PartyName&, const PartyName&) = default;
};

// A new self-signed CA (Ed25519). `now` is given: crypto has no clock.
absl::StatusOr<Credential> CreateAuthority(std::string_view name, absl::Time now,
                                           absl::Duration lifetime, EntropySource* entropy);
// A certificate for `key` signed by the CA. kInvalidArgument when name is not 1-64 of
// [A-Za-z0-9._-].
absl::StatusOr<Credential> IssueCertificate(const Credential& authority, Role role,
                                            std::string_view name, const SigningKey& key,
                                            absl::Time now, absl::Duration lifetime,
                                            EntropySource* entropy);
// Role, name and key of a certificate; does not check who signed it (TLS does).
absl::StatusOr<PartyName> ReadCertificate(std::string_view certificate_pem);
// SHA-256 fingerprint in hex, for people to compare.
absl::StatusOr<std::string> CertificateFingerprint(std::string_view certificate_pem);

}  // namespace tidemark
#endif  // TIDEMARK_CRYPTO_CERTIFICATE_H_
