// Owners of OpenSSL objects and the few conversions that this room needs. Inside crypto/ only.
#ifndef TIDEMARK_CRYPTO_OPENSSL_HANDLES_H_
#define TIDEMARK_CRYPTO_OPENSSL_HANDLES_H_

#include <openssl/bio.h>
#include <openssl/evp.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include <memory>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "crypto/bytes.h"

namespace tidemark {

template <auto kFree>
struct OpensslDeleter {
  template <class Object>
  void operator()(Object* object) const {
    kFree(object);
  }
};
using BioHandle = std::unique_ptr<BIO, OpensslDeleter<BIO_free_all>>;
using PkeyHandle = std::unique_ptr<EVP_PKEY, OpensslDeleter<EVP_PKEY_free>>;
using X509Handle = std::unique_ptr<X509, OpensslDeleter<X509_free>>;
using CipherContextHandle = std::unique_ptr<EVP_CIPHER_CTX, OpensslDeleter<EVP_CIPHER_CTX_free>>;
using DigestContextHandle = std::unique_ptr<EVP_MD_CTX, OpensslDeleter<EVP_MD_CTX_free>>;
using MacContextHandle = std::unique_ptr<EVP_MAC_CTX, OpensslDeleter<EVP_MAC_CTX_free>>;

inline const unsigned char* OpensslIn(ByteSpan bytes) {
  return reinterpret_cast<const unsigned char*>(bytes.data());
}
inline unsigned char* OpensslOut(MutableByteSpan bytes) {
  return reinterpret_cast<unsigned char*>(bytes.data());
}

// What a memory BIO holds.
std::string BioText(BIO* bio);
// The oldest error of this thread's queue in words; empties the queue.
std::string TakeOpensslError();

// kDataLoss when the text is not one. `what` names it in the message, e.g. "CA certificate".
absl::StatusOr<X509Handle> ReadX509Pem(std::string_view pem, std::string_view what);
// Never asks for a passphrase: an encrypted PEM is an error.
absl::StatusOr<PkeyHandle> ReadPrivateKeyPem(std::string_view pem, std::string_view what);
std::string WritePrivateKeyPem(EVP_PKEY* key);

}  // namespace tidemark
#endif  // TIDEMARK_CRYPTO_OPENSSL_HANDLES_H_
