#include "crypto/identity.h"

#include <openssl/err.h>
#include <openssl/evp.h>

#include <atomic>
#include <cassert>
#include <vector>

#include "crypto/layout.h"
#include "crypto/openssl_handles.h"

namespace tidemark {
namespace {

std::atomic<SignatureStandIn> signature_stand_in{nullptr};

PkeyHandle PrivateKeyOf(const Secret32& seed) {
  PkeyHandle key(
      EVP_PKEY_new_raw_private_key(EVP_PKEY_ED25519, nullptr, OpensslIn(seed.view()), 32));
  assert(key != nullptr);
  return key;
}

PublicKey PublicKeyOf(EVP_PKEY* key) {
  PublicKey public_key;
  size_t size = public_key.bytes.size();
  const int ok = EVP_PKEY_get_raw_public_key(key, OpensslOut(public_key.bytes), &size);
  assert(ok == 1 && size == public_key.bytes.size());
  return public_key;
}

// u16 domain size || domain || message: no domain and message can spell another pair.
std::vector<std::byte> SignedBytes(std::string_view domain, ByteSpan message) {
  return LayoutWriter().Text(domain).Bytes(message).Take();
}

}  // namespace

SigningKey SigningKey::Generate(EntropySource* entropy) {
  return FromSeed(Secret32::Random(entropy));
}

SigningKey SigningKey::FromSeed(Secret32 seed) {
  const PublicKey public_key = PublicKeyOf(PrivateKeyOf(seed).get());
  return SigningKey(std::move(seed), public_key);
}

absl::StatusOr<SigningKey> SigningKey::FromPem(std::string_view private_key_pem) {
  const absl::StatusOr<PkeyHandle> key = ReadPrivateKeyPem(private_key_pem, "identity key");
  if (!key.ok()) return key.status();
  if (EVP_PKEY_get_id(key->get()) != EVP_PKEY_ED25519) {
    return absl::InvalidArgumentError("identity key is not an Ed25519 key");
  }
  Secret32 seed;
  size_t size = 32;
  const int ok = EVP_PKEY_get_raw_private_key(key->get(), OpensslOut(seed.mutable_view()), &size);
  assert(ok == 1 && size == 32);
  return FromSeed(std::move(seed));
}

Signature SigningKey::Sign(std::string_view domain, ByteSpan message) const {
  const std::vector<std::byte> bytes = SignedBytes(domain, message);
  if (const SignatureStandIn stand_in = signature_stand_in.load(); stand_in != nullptr)
    return stand_in(public_key_, bytes);
  const PkeyHandle key = PrivateKeyOf(seed_);
  const DigestContextHandle context(EVP_MD_CTX_new());
  Signature signature;
  size_t size = signature.bytes.size();
  int ok = EVP_DigestSignInit(context.get(), nullptr, nullptr, nullptr, key.get());
  ok &= EVP_DigestSign(context.get(), OpensslOut(signature.bytes), &size, OpensslIn(bytes),
                       bytes.size());
  assert(ok == 1 && size == signature.bytes.size());
  return signature;
}

std::string SigningKey::ToPem() const { return WritePrivateKeyPem(PrivateKeyOf(seed_).get()); }

void SetSignatureStandIn(SignatureStandIn stand_in) { signature_stand_in.store(stand_in); }

bool VerifySignature(const PublicKey& key, std::string_view domain, ByteSpan message,
                     const Signature& signature) {
  const std::vector<std::byte> bytes = SignedBytes(domain, message);
  if (const SignatureStandIn stand_in = signature_stand_in.load(); stand_in != nullptr)
    return stand_in(key, bytes) == signature;
  const PkeyHandle pkey(EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, nullptr, OpensslIn(key.bytes),
                                                    key.bytes.size()));
  if (pkey == nullptr) return false;
  const DigestContextHandle context(EVP_MD_CTX_new());
  const int started = EVP_DigestVerifyInit(context.get(), nullptr, nullptr, nullptr, pkey.get());
  assert(started == 1);
  const int ok = EVP_DigestVerify(context.get(), OpensslIn(signature.bytes), signature.bytes.size(),
                                  OpensslIn(bytes), bytes.size());
  ERR_clear_error();
  return ok == 1;
}

}  // namespace tidemark
