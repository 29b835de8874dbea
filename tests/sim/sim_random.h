// The simulator's only source of chance: xoshiro256** seeded by splitmix64.
//
// Integers only, so that every compiler and machine draws the same. Rates are per million.
#ifndef TIDEMARK_TESTS_SIM_SIM_RANDOM_H_
#define TIDEMARK_TESTS_SIM_SIM_RANDOM_H_

#include <cstdint>
#include <cstring>
#include <string_view>

#include "crypto/bytes.h"

namespace tidemark {

inline uint64_t SplitMix(uint64_t* state) {
  uint64_t z = (*state += 0x9e3779b97f4a7c15u);
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
  z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
  return z ^ (z >> 31);
}
// A seed of its own for each part of a world: what one part draws never shifts another's draws.
inline uint64_t MixSeeds(uint64_t a, uint64_t b) {
  uint64_t state = a ^ (b * 0xd6e8feb86659fd93u);
  SplitMix(&state);
  return SplitMix(&state);
}
inline uint64_t HashText(std::string_view text) {
  uint64_t hash = 0xcbf29ce484222325u;
  for (const char c : text) hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001b3u;
  return hash;
}

class SimRandom {
 public:
  explicit SimRandom(uint64_t seed) {
    for (uint64_t& word : state_) word = SplitMix(&seed);
  }
  uint64_t Next() {
    const uint64_t result = Rotate(state_[1] * 5, 7) * 9;
    const uint64_t shifted = state_[1] << 17;
    state_[2] ^= state_[0];
    state_[3] ^= state_[1];
    state_[1] ^= state_[2];
    state_[0] ^= state_[3];
    state_[2] ^= shifted;
    state_[3] = Rotate(state_[3], 45);
    return result;
  }
  // In [0, count); count > 0.
  uint64_t Below(uint64_t count) {
    return static_cast<uint64_t>((static_cast<unsigned __int128>(Next()) * count) >> 64);
  }
  // In [low, high].
  uint64_t Between(uint64_t low, uint64_t high) {
    return high <= low ? low : low + Below(high - low + 1);
  }
  // Draws nothing when the rate is 0: a fault that is off costs no chance.
  bool Chance(uint32_t per_million) { return per_million != 0 && Below(1000000) < per_million; }
  bool Coin() { return (Next() >> 63) != 0; }
  void Fill(MutableByteSpan out) {
    for (size_t at = 0; at < out.size(); at += 8) {
      const uint64_t word = Next();
      std::memcpy(out.data() + at, &word, out.size() - at < 8 ? out.size() - at : 8);
    }
  }

 private:
  static uint64_t Rotate(uint64_t x, int bits) { return (x << bits) | (x >> (64 - bits)); }
  uint64_t state_[4];
};

}  // namespace tidemark
#endif  // TIDEMARK_TESTS_SIM_SIM_RANDOM_H_
