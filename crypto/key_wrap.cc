#include "crypto/key_wrap.h"

#include <openssl/err.h>
#include <openssl/evp.h>

#include <cassert>

#include "crypto/openssl_handles.h"

namespace tidemark {
namespace {

const EVP_CIPHER* WrapCipher() {
  static EVP_CIPHER* const cipher = EVP_CIPHER_fetch(nullptr, "AES-256-WRAP", nullptr);
  assert(cipher != nullptr);
  return cipher;
}

CipherContextHandle NewWrapContext() {
  CipherContextHandle context(EVP_CIPHER_CTX_new());
  EVP_CIPHER_CTX_set_flags(context.get(), EVP_CIPHER_CTX_FLAG_WRAP_ALLOW);
  return context;
}

}  // namespace

WrappedKey WrapWithKey(const Secret32& wrapping_key, const Secret32& secret) {
  const CipherContextHandle context = NewWrapContext();
  WrappedKey wrapped;
  int size = 0;
  int ok = EVP_EncryptInit_ex2(context.get(), WrapCipher(), OpensslIn(wrapping_key.view()), nullptr,
                               nullptr);
  ok &= EVP_EncryptUpdate(context.get(), OpensslOut(wrapped), &size, OpensslIn(secret.view()), 32);
  assert(ok == 1 && size == static_cast<int>(kWrappedKeyBytes));
  return wrapped;
}

bool UnwrapWithKey(const Secret32& wrapping_key, const WrappedKey& wrapped, Secret32* secret) {
  const CipherContextHandle context = NewWrapContext();
  // OpenSSL may write all of the wrapped size before it finds the check wrong.
  SecretBytes<kWrappedKeyBytes> opened;
  int size = 0;
  const int started = EVP_DecryptInit_ex2(context.get(), WrapCipher(),
                                          OpensslIn(wrapping_key.view()), nullptr, nullptr);
  assert(started == 1);
  const int ok = EVP_DecryptUpdate(context.get(), OpensslOut(opened.mutable_view()), &size,
                                   OpensslIn(wrapped), static_cast<int>(wrapped.size()));
  ERR_clear_error();
  if (ok != 1 || size != 32) return false;
  *secret = Secret32(opened.view().first<32>());
  return true;
}

}  // namespace tidemark
