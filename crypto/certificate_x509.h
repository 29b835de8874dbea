// The step from a parsed X.509 certificate to a party, shared by certificate.cc and tls_channel.cc.
#ifndef TIDEMARK_CRYPTO_CERTIFICATE_X509_H_
#define TIDEMARK_CRYPTO_CERTIFICATE_X509_H_

#include "crypto/certificate.h"
#include "crypto/openssl_handles.h"

namespace tidemark {

// kInvalidArgument unless the key is Ed25519 and exactly one SAN URI is tidemark://ROLE/NAME.
absl::StatusOr<PartyName> PartyOf(const X509* certificate);
std::string WriteX509Pem(X509* certificate);

}  // namespace tidemark
#endif  // TIDEMARK_CRYPTO_CERTIFICATE_X509_H_
