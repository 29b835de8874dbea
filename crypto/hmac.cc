#include "crypto/hmac.h"

#include <openssl/core_names.h>
#include <openssl/evp.h>

#include <cassert>

#include "crypto/openssl_handles.h"

namespace tidemark {
namespace {

MacContextHandle NewHmacContext() {
  // Fetched once: OpenSSL 3's implicit fetch takes locks and costs more than a short HMAC.
  static EVP_MAC* const hmac = EVP_MAC_fetch(nullptr, "HMAC", nullptr);
  assert(hmac != nullptr);
  MacContextHandle context(EVP_MAC_CTX_new(hmac));
  char digest_name[] = "SHA256";
  const OSSL_PARAM parameters[] = {
      OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, digest_name, 0),
      OSSL_PARAM_construct_end()};
  const int set = EVP_MAC_CTX_set_params(context.get(), parameters);
  assert(set == 1);
  return context;
}

}  // namespace

Secret32 HmacSha256(ByteSpan key, std::initializer_list<ByteSpan> pieces) {
  thread_local const MacContextHandle context = NewHmacContext();
  // A null key would mean "the key of before".
  static constexpr unsigned char kNoBytes[1] = {0};
  const unsigned char* key_data = key.empty() ? kNoBytes : OpensslIn(key);
  int ok = EVP_MAC_init(context.get(), key_data, key.size(), nullptr);
  for (ByteSpan piece : pieces) ok &= EVP_MAC_update(context.get(), OpensslIn(piece), piece.size());
  Secret32 mac;
  size_t mac_size = 0;
  ok &= EVP_MAC_final(context.get(), OpensslOut(mac.mutable_view()), &mac_size, 32);
  assert(ok == 1 && mac_size == 32);
  return mac;
}

Secret32 HkdfSha256WithSalt(ByteSpan salt, ByteSpan secret, std::initializer_list<ByteSpan> info) {
  const Secret32 extracted = HmacSha256(salt, {secret});
  // Expand's first block is HMAC(extracted, info || 0x01); the info is laid together first.
  std::string laid;
  for (ByteSpan piece : info) laid.append(AsText(piece));
  laid.push_back('\1');
  return HmacSha256(extracted.view(), {AsBytes(laid)});
}

}  // namespace tidemark
