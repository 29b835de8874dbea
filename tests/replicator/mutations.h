// What happens to bytes on their way: flips, cuts, and seeded random damage.
#ifndef TIDEMARK_TESTS_REPLICATOR_MUTATIONS_H_
#define TIDEMARK_TESTS_REPLICATOR_MUTATIONS_H_

#include <cstdint>
#include <vector>

#include "crypto/bytes.h"

namespace tidemark {

// Calls use(changed, index) once for each byte, with one bit of it flipped.
template <class Use>
void ForEachFlip(ByteSpan bytes, Use use) {
  std::vector<std::byte> changed(bytes.begin(), bytes.end());
  for (size_t i = 0; i < changed.size(); ++i) {
    std::byte flip{static_cast<unsigned char>(1u << (i % 8))};
    changed[i] ^= flip;
    use(ByteSpan(changed), i);
    changed[i] ^= flip;
  }
}

// Calls use(front) for every shorter length. Each is a copy of its own: reading behind its end is
// an error that AddressSanitizer sees.
template <class Use>
void ForEachCut(ByteSpan bytes, Use use) {
  for (size_t size = 0; size < bytes.size(); ++size) {
    std::vector<std::byte> front(bytes.begin(), bytes.begin() + static_cast<ptrdiff_t>(size));
    use(ByteSpan(front));
  }
}

class SeededNumbers {  // splitmix64
 public:
  explicit SeededNumbers(uint64_t seed) : state_(seed) {}
  uint64_t Next() {
    state_ += 0x9e3779b97f4a7c15u;
    uint64_t x = state_;
    x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9u;
    x = (x ^ (x >> 27)) * 0x94d049bb133111ebu;
    return x ^ (x >> 31);
  }
  uint64_t Below(uint64_t bound) { return bound == 0 ? 0 : Next() % bound; }

 private:
  uint64_t state_;
};

// One to four random changes: bytes set, fields maxed, pieces copied, cut out or put in.
std::vector<std::byte> Mutate(ByteSpan bytes, SeededNumbers* numbers);

}  // namespace tidemark
#endif  // TIDEMARK_TESTS_REPLICATOR_MUTATIONS_H_
