// Sealing: AES-256-GCM where a key seals one thing, ever (law 8).
//
// A SingleUseKey is consumed by Seal and cannot be copied, so a (key, nonce) pair with
// two plaintexts cannot be written down. The nonce is constant (zero). Keys are hedged:
// even with a stuck random generator two keys are equal only when the sealed bytes,
// their kind, their context and their codec are equal.
//   K = HMAC-SHA256(k_hedge, rand32 || kind || codec || digest || context)
// Roots and directories keep a salt made that way and use K = HMAC-SHA256(parent, salt || kind ||
// context).
#ifndef TIDEMARK_CRYPTO_SEALING_H_
#define TIDEMARK_CRYPTO_SEALING_H_

#include <cstdint>

#include "absl/status/status.h"
#include "crypto/bytes.h"
#include "crypto/digest.h"

namespace tidemark {

// What is sealed. Part of the AAD (law 10); numbers are part of the format.
enum class SealedKind : uint8_t {
  kChunk = 1,
  kNode = 2,
  kRoot = 3,
  kDirectory = 4,
  kDirectoryHead = 5,
  kKeyring = 6,
  kLocal = 7,  // the agent's own state at rest
  kResume = 8,
};
enum class Codec : uint8_t { kRaw = 0, kZstd = 1 };

inline constexpr size_t kSealTagBytes = 16;
inline constexpr size_t kSaltBytes = 32;

// The key kept after sealing; it can only open.
struct OpenKey {
  std::array<std::byte, 32> bytes{};
  OpenKey() = default;
  OpenKey(const OpenKey&) = default;
  OpenKey& operator=(const OpenKey&) = default;
  ~OpenKey() { Wipe(bytes); }
};
// A stored salt from which a parent key makes the key of a root or a directory.
struct Salt {
  std::array<std::byte, kSaltBytes> bytes{};
  friend bool operator==(const Salt&, const Salt&) = default;
};

class SingleUseKey {
 public:
  SingleUseKey(SingleUseKey&&) = default;
  SingleUseKey& operator=(SingleUseKey&&) = delete;

  // `exact` is the digest of exactly the bytes that will be sealed (for a raw chunk its id will
  // do).
  static SingleUseKey Hedged(const Secret32& hedge, EntropySource* entropy, SealedKind kind,
                             Codec codec, const std::array<std::byte, 32>& exact, ByteSpan context);
  static Salt HedgedSalt(const Secret32& hedge, EntropySource* entropy, SealedKind kind,
                         const std::array<std::byte, 32>& exact, ByteSpan context);
  // The salt must come from HedgedSalt over the same bytes.
  static SingleUseKey FromSalt(const Secret32& parent, const Salt& salt, SealedKind kind,
                               ByteSpan context);

 private:
  friend OpenKey Seal(SingleUseKey key, SealedKind kind, Codec codec, ByteSpan context,
                      ByteSpan plaintext, MutableByteSpan sealed);
  explicit SingleUseKey(Secret32 key) : key_(std::move(key)) {}
  Secret32 key_;
};

// Seals plaintext into sealed, whose size must be plaintext.size() + kSealTagBytes. The AAD is
// suite || kind || codec || context. plaintext and sealed may be the same memory start (in place).
OpenKey Seal(SingleUseKey key, SealedKind kind, Codec codec, ByteSpan context, ByteSpan plaintext,
             MutableByteSpan sealed);

// Opens what Seal made; plaintext.size() must be sealed.size() - kSealTagBytes. kDataLoss when the
// tag does not match: wrong key, wrong context or changed bytes.
absl::Status Open(const OpenKey& key, SealedKind kind, Codec codec, ByteSpan context,
                  ByteSpan sealed, MutableByteSpan plaintext);
OpenKey OpenKeyFromSalt(const Secret32& parent, const Salt& salt, SealedKind kind,
                        ByteSpan context);

// Checks of law 8 in tests and the simulator: called at each Seal, on its thread, with HMAC(key)
// and a digest of AAD and plaintext (equal digests: the same bytes sealed with the same meaning).
// Null in production. Set it while no other thread seals; it may then be called from several
// threads at once.
using SealObserver = void (*)(void* context, const Digest& key_fingerprint,
                              const Digest& plaintext);
void SetSealObserver(SealObserver observer, void* context);

}  // namespace tidemark
#endif  // TIDEMARK_CRYPTO_SEALING_H_
