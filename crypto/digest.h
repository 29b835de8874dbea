// BLAKE3: the digest of a ciphertext block, of a record header, of a receipt.
// Source: "BLAKE3, one function, fast everywhere" (2020), official C implementation.
#ifndef TIDEMARK_CRYPTO_DIGEST_H_
#define TIDEMARK_CRYPTO_DIGEST_H_

#include <array>
#include <compare>
#include <memory>

#include "crypto/bytes.h"

namespace tidemark {

struct Digest {
  std::array<std::byte, 32> bytes{};
  friend auto operator<=>(const Digest&, const Digest&) = default;
  std::string hex() const { return ToHex(bytes); }
  bool empty() const { return *this == Digest{}; }
};

Digest HashBytes(ByteSpan bytes);
// BLAKE3 in keyed mode: a MAC or PRF, depending on who holds the key.
Digest KeyedHash(std::span<const std::byte, 32> key, ByteSpan bytes);
// The same over two pieces laid end to end, without copying them together.
Digest KeyedHash(std::span<const std::byte, 32> key, ByteSpan first, ByteSpan second);

// What a chunk is called: a keyed hash of its plaintext. Equal ids mean equal bytes.
struct ChunkId {
  std::array<std::byte, 32> bytes{};
  friend auto operator<=>(const ChunkId&, const ChunkId&) = default;
};
class ChunkIdKey {
 public:
  explicit ChunkIdKey(Secret32 key) : key_(std::move(key)) {}
  ChunkId Identify(ByteSpan plaintext) const;

 private:
  Secret32 key_;
};

// Hash of bytes that arrive in pieces: (Update)* Finish, then dead.
class Hasher {
 public:
  Hasher();
  ~Hasher();
  void Update(ByteSpan bytes);
  Digest Finish();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace tidemark
#endif  // TIDEMARK_CRYPTO_DIGEST_H_
