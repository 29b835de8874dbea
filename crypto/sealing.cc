#include "crypto/sealing.h"

#include <openssl/evp.h>

#include <atomic>
#include <cassert>
#include <climits>

#include "crypto/hmac.h"
#include "crypto/museum.h"
#include "crypto/openssl_handles.h"

namespace tidemark {
namespace {

constexpr uint8_t kSuite = 1;  // AES-256-GCM, zero nonce, 16-byte tag
// Stands where a key's derivation has its codec, so that a stored salt never equals a key.
constexpr uint8_t kSaltMark = 0xff;
constexpr unsigned char kZeroNonce[12] = {};

std::atomic<SealObserver> seal_observer{nullptr};
std::atomic<void*> seal_observer_context{nullptr};

CipherContextHandle NewGcmContext(bool for_sealing) {
  // Fetched once for the process, the context once for a thread; each call then only sets a key.
  static EVP_CIPHER* const gcm = EVP_CIPHER_fetch(nullptr, "AES-256-GCM", nullptr);
  assert(gcm != nullptr);
  CipherContextHandle context(EVP_CIPHER_CTX_new());
  const int ok =
      EVP_CipherInit_ex2(context.get(), gcm, nullptr, nullptr, for_sealing ? 1 : 0, nullptr);
  assert(ok == 1);
  return context;
}

std::array<std::byte, 3> MeaningOf(SealedKind kind, Codec codec) {
  return {std::byte{kSuite}, static_cast<std::byte>(kind), static_cast<std::byte>(codec)};
}

Secret32 Hedge(const Secret32& hedge, EntropySource* entropy, SealedKind kind,
               uint8_t codec_or_mark, const std::array<std::byte, 32>& exact, ByteSpan context) {
  const Secret32 random = Secret32::Random(entropy);
  const std::array<std::byte, 2> meaning = {static_cast<std::byte>(kind), std::byte{codec_or_mark}};
  if (MUSEUM_BUG("key-not-hedged")) return HmacSha256(hedge.view(), {random.view()});
  return HmacSha256(hedge.view(), {random.view(), meaning, exact, context});
}

Secret32 KeyFromSalt(const Secret32& parent, const Salt& salt, SealedKind kind, ByteSpan context) {
  const std::array<std::byte, 1> meaning = {static_cast<std::byte>(kind)};
  return HmacSha256(parent.view(), {salt.bytes, meaning, context});
}

void Observe(SealObserver observer, ByteSpan key, ByteSpan meaning, ByteSpan context,
             ByteSpan plaintext) {
  const Secret32 fingerprint = HmacSha256(key, {AsBytes("tidemark/seal-observer")});
  Digest key_fingerprint;
  std::memcpy(key_fingerprint.bytes.data(), fingerprint.view().data(), 32);
  // The AAD too: one key over two AADs would be as bad as over two plaintexts.
  const Digest meant = HashBytes(context);
  Hasher hasher;
  hasher.Update(meaning);
  hasher.Update(meant.bytes);
  hasher.Update(plaintext);
  observer(seal_observer_context.load(std::memory_order_acquire), key_fingerprint, hasher.Finish());
}

OpenKey ToOpenKey(const Secret32& key) {
  OpenKey open;
  std::memcpy(open.bytes.data(), key.view().data(), open.bytes.size());
  return open;
}

}  // namespace

SingleUseKey SingleUseKey::Hedged(const Secret32& hedge, EntropySource* entropy, SealedKind kind,
                                  Codec codec, const std::array<std::byte, 32>& exact,
                                  ByteSpan context) {
  assert(static_cast<uint8_t>(codec) != kSaltMark);
  return SingleUseKey(Hedge(hedge, entropy, kind, static_cast<uint8_t>(codec), exact, context));
}

Salt SingleUseKey::HedgedSalt(const Secret32& hedge, EntropySource* entropy, SealedKind kind,
                              const std::array<std::byte, 32>& exact, ByteSpan context) {
  const std::array<std::byte, 32> hedged =
      MUSEUM_BUG("salt-not-hedged") ? std::array<std::byte, 32>() : exact;
  const Secret32 made = Hedge(hedge, entropy, kind, kSaltMark, hedged, context);
  Salt salt;
  std::memcpy(salt.bytes.data(), made.view().data(), salt.bytes.size());
  return salt;
}

SingleUseKey SingleUseKey::FromSalt(const Secret32& parent, const Salt& salt, SealedKind kind,
                                    ByteSpan context) {
  return SingleUseKey(KeyFromSalt(parent, salt, kind, context));
}

OpenKey OpenKeyFromSalt(const Secret32& parent, const Salt& salt, SealedKind kind,
                        ByteSpan context) {
  return ToOpenKey(KeyFromSalt(parent, salt, kind, context));
}

OpenKey Seal(SingleUseKey key, SealedKind kind, Codec codec, ByteSpan context, ByteSpan plaintext,
             MutableByteSpan sealed) {
  assert(sealed.size() == plaintext.size() + kSealTagBytes);
  assert(plaintext.size() <= INT_MAX && context.size() <= INT_MAX);
  const std::array<std::byte, 3> meaning = MeaningOf(kind, codec);
  if (SealObserver observer = seal_observer.load(std::memory_order_acquire); observer != nullptr) {
    Observe(observer, key.key_.view(), meaning, context, plaintext);
  }
  thread_local const CipherContextHandle gcm = NewGcmContext(/*for_sealing=*/true);
  int size = 0;
  int ok = EVP_EncryptInit_ex2(gcm.get(), nullptr, OpensslIn(key.key_.view()), kZeroNonce, nullptr);
  ok &= EVP_EncryptUpdate(gcm.get(), nullptr, &size, OpensslIn(meaning), meaning.size());
  if (!context.empty()) {
    ok &= EVP_EncryptUpdate(gcm.get(), nullptr, &size, OpensslIn(context),
                            static_cast<int>(context.size()));
  }
  if (!plaintext.empty()) {
    ok &= EVP_EncryptUpdate(gcm.get(), OpensslOut(sealed), &size, OpensslIn(plaintext),
                            static_cast<int>(plaintext.size()));
  }
  const MutableByteSpan tag = sealed.subspan(plaintext.size());
  ok &= EVP_EncryptFinal_ex(gcm.get(), OpensslOut(tag), &size);
  ok &= EVP_CIPHER_CTX_ctrl(gcm.get(), EVP_CTRL_AEAD_GET_TAG, kSealTagBytes, tag.data());
  assert(ok == 1);
  return ToOpenKey(key.key_);
}

absl::Status Open(const OpenKey& key, SealedKind kind, Codec codec, ByteSpan context,
                  ByteSpan sealed, MutableByteSpan plaintext) {
  if (sealed.size() < kSealTagBytes) {
    return absl::DataLossError("sealed object is shorter than its tag");
  }
  assert(plaintext.size() == sealed.size() - kSealTagBytes);
  assert(plaintext.size() <= INT_MAX && context.size() <= INT_MAX);
  const std::array<std::byte, 3> meaning = MeaningOf(kind, codec);
  // A copy: the interface takes the tag by a pointer to non-const, and in place it may be
  // overwritten.
  std::array<std::byte, kSealTagBytes> tag;
  std::memcpy(tag.data(), sealed.data() + plaintext.size(), kSealTagBytes);
  thread_local const CipherContextHandle gcm = NewGcmContext(/*for_sealing=*/false);
  int size = 0;
  int ok = EVP_DecryptInit_ex2(gcm.get(), nullptr, OpensslIn(key.bytes), kZeroNonce, nullptr);
  ok &= EVP_DecryptUpdate(gcm.get(), nullptr, &size, OpensslIn(meaning), meaning.size());
  if (!context.empty()) {
    ok &= EVP_DecryptUpdate(gcm.get(), nullptr, &size, OpensslIn(context),
                            static_cast<int>(context.size()));
  }
  if (!plaintext.empty()) {
    ok &= EVP_DecryptUpdate(gcm.get(), OpensslOut(plaintext), &size, OpensslIn(sealed),
                            static_cast<int>(plaintext.size()));
  }
  ok &= EVP_CIPHER_CTX_ctrl(gcm.get(), EVP_CTRL_AEAD_SET_TAG, kSealTagBytes, tag.data());
  assert(ok == 1);
  unsigned char nothing[16];
  if (EVP_DecryptFinal_ex(gcm.get(), nothing, &size) != 1) {
    // What did not authenticate must not be used by mistake.
    Wipe(plaintext);
    return absl::DataLossError(
        "sealed object does not open: wrong key, wrong context or changed bytes");
  }
  return absl::OkStatus();
}

void SetSealObserver(SealObserver observer, void* context) {
  // Off while the context changes; see the header for what a caller must keep.
  seal_observer.store(nullptr, std::memory_order_release);
  seal_observer_context.store(context, std::memory_order_release);
  seal_observer.store(observer, std::memory_order_release);
}

}  // namespace tidemark
