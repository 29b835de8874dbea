// Entropy for tests: the same seed gives the same bytes, for ever (golden files depend on it).
#ifndef TIDEMARK_TESTS_CRYPTO_SEEDED_ENTROPY_H_
#define TIDEMARK_TESTS_CRYPTO_SEEDED_ENTROPY_H_

#include "crypto/bytes.h"

namespace tidemark {

class SeededEntropy : public EntropySource {  // splitmix64
 public:
  explicit SeededEntropy(uint64_t seed) : state_(seed) {}
  void Fill(MutableByteSpan out) override {
    for (std::byte& b : out) {
      state_ += 0x9e3779b97f4a7c15u;
      uint64_t x = state_;
      x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9u;
      x = (x ^ (x >> 27)) * 0x94d049bb133111ebu;
      b = static_cast<std::byte>(x >> 56);
    }
  }

 private:
  uint64_t state_;
};

// A broken generator: always the same byte.
class StuckEntropy : public EntropySource {
 public:
  void Fill(MutableByteSpan out) override {
    for (std::byte& b : out) b = std::byte{7};
  }
};

}  // namespace tidemark
#endif  // TIDEMARK_TESTS_CRYPTO_SEEDED_ENTROPY_H_
