#include "crypto/digest.h"

#include <blake3.h>

#include <cassert>

namespace tidemark {
namespace {

Digest Finalize(const blake3_hasher& hasher) {
  Digest digest;
  blake3_hasher_finalize(&hasher, reinterpret_cast<uint8_t*>(digest.bytes.data()),
                         digest.bytes.size());
  return digest;
}

}  // namespace

Digest HashBytes(ByteSpan bytes) {
  blake3_hasher hasher;
  blake3_hasher_init(&hasher);
  blake3_hasher_update(&hasher, bytes.data(), bytes.size());
  return Finalize(hasher);
}

Digest KeyedHash(std::span<const std::byte, 32> key, ByteSpan bytes) {
  return KeyedHash(key, bytes, ByteSpan());
}

Digest KeyedHash(std::span<const std::byte, 32> key, ByteSpan first, ByteSpan second) {
  blake3_hasher hasher;
  blake3_hasher_init_keyed(&hasher, reinterpret_cast<const uint8_t*>(key.data()));
  blake3_hasher_update(&hasher, first.data(), first.size());
  blake3_hasher_update(&hasher, second.data(), second.size());
  const Digest digest = Finalize(hasher);
  // Only the key: wiping the whole 1.9 KiB state would cost as much as hashing a small input.
  Wipe(std::as_writable_bytes(std::span(hasher.key)));
  return digest;
}

ChunkId ChunkIdKey::Identify(ByteSpan plaintext) const {
  return ChunkId{KeyedHash(key_.view(), plaintext).bytes};
}

struct Hasher::State {
  blake3_hasher hasher;
};

Hasher::Hasher() : state_(std::make_unique<State>()) { blake3_hasher_init(&state_->hasher); }
Hasher::~Hasher() = default;

void Hasher::Update(ByteSpan bytes) {
  assert(state_ != nullptr && "Update after Finish");
  blake3_hasher_update(&state_->hasher, bytes.data(), bytes.size());
}

Digest Hasher::Finish() {
  assert(state_ != nullptr && "Finish twice");
  const Digest digest = Finalize(state_->hasher);
  state_.reset();
  return digest;
}

}  // namespace tidemark
