#include "crypto/openssl_handles.h"

#include <openssl/err.h>
#include <openssl/pem.h>

#include <cassert>

#include "absl/strings/str_format.h"

namespace tidemark {
namespace {

// Given to the PEM readers, whose default would prompt on the terminal.
int RefusePassphrase(char* /*buffer*/, int /*size*/, int /*for_writing*/, void* /*unused*/) {
  return -1;
}

BioHandle BioOver(std::string_view text) {
  return BioHandle(BIO_new_mem_buf(text.data(), static_cast<int>(text.size())));
}

}  // namespace

std::string BioText(BIO* bio) {
  char* data = nullptr;
  const long size = BIO_get_mem_data(bio, &data);
  return size > 0 ? std::string(data, static_cast<size_t>(size)) : std::string();
}

std::string TakeOpensslError() {
  const unsigned long code = ERR_get_error();
  ERR_clear_error();
  if (code == 0) return "unknown reason";
  const char* reason = ERR_reason_error_string(code);
  return reason != nullptr ? reason : absl::StrFormat("OpenSSL error %x", code);
}

absl::StatusOr<X509Handle> ReadX509Pem(std::string_view pem, std::string_view what) {
  const BioHandle bio = BioOver(pem);
  X509Handle certificate(PEM_read_bio_X509(bio.get(), nullptr, RefusePassphrase, nullptr));
  if (certificate == nullptr) {
    return absl::DataLossError(
        absl::StrFormat("%s is not a PEM certificate: %s", what, TakeOpensslError()));
  }
  return certificate;
}

absl::StatusOr<PkeyHandle> ReadPrivateKeyPem(std::string_view pem, std::string_view what) {
  const BioHandle bio = BioOver(pem);
  PkeyHandle key(PEM_read_bio_PrivateKey(bio.get(), nullptr, RefusePassphrase, nullptr));
  if (key == nullptr) {
    return absl::DataLossError(
        absl::StrFormat("%s is not an unencrypted PEM private key: %s", what, TakeOpensslError()));
  }
  return key;
}

std::string WritePrivateKeyPem(EVP_PKEY* key) {
  const BioHandle bio(BIO_new(BIO_s_mem()));
  const int written =
      PEM_write_bio_PKCS8PrivateKey(bio.get(), key, nullptr, nullptr, 0, nullptr, nullptr);
  assert(written == 1);
  return BioText(bio.get());
}

}  // namespace tidemark
