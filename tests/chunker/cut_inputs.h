// Inputs and keys for the tests of the cut rule, made by a small fixed generator. The golden cuts
// depend on every line here: to change one is to make the golden file anew.
#ifndef TIDEMARK_TESTS_CHUNKER_CUT_INPUTS_H_
#define TIDEMARK_TESTS_CHUNKER_CUT_INPUTS_H_

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "chunker/cut_rule.h"

namespace tidemark {

// SplitMix64 (Steele, Lea, Flood 2014): the step, and a generator that counts with it.
inline uint64_t Mix64(uint64_t x) {
  x += 0x9E3779B97F4A7C15u;
  x = (x ^ (x >> 30)) * 0xBF58476D1CE4E5B9u;
  x = (x ^ (x >> 27)) * 0x94D049BB133111EBu;
  return x ^ (x >> 31);
}
class FixedRandom {
 public:
  explicit FixedRandom(uint64_t seed) : state_(seed) {}
  uint64_t Next() {
    const uint64_t value = Mix64(state_);
    state_ += 0x9E3779B97F4A7C15u;
    return value;
  }
  uint64_t Below(uint64_t limit) { return Next() % limit; }

 private:
  uint64_t state_;
};

inline std::vector<std::byte> RandomInput(uint64_t seed, size_t size) {
  FixedRandom random(seed);
  std::vector<std::byte> bytes(size);
  for (std::byte& b : bytes) b = static_cast<std::byte>(random.Next());
  return bytes;
}

// Lines of words and numbers, like a log or a dump.
inline std::vector<std::byte> TextInput(uint64_t seed, size_t size) {
  static constexpr std::array<std::string_view, 8> kWords = {
      "insert ", "into ", "orders ", "values ", "null", "2024-01-", "true\t", "customer "};
  FixedRandom random(seed);
  std::string text;
  while (text.size() < size) {
    for (uint64_t words = 3 + random.Below(9); words > 0; --words) {
      text += kWords[random.Below(kWords.size())];
      text += std::to_string(random.Below(100000));
    }
    text += '\n';
  }
  const ByteSpan made = AsBytes(text).first(size);
  return {made.begin(), made.end()};
}

// A short period over and over, with one byte changed now and then.
inline std::vector<std::byte> RepetitiveInput(uint64_t seed, size_t size) {
  FixedRandom random(seed);
  const std::vector<std::byte> period = RandomInput(seed + 1, 1 + random.Below(80));
  std::vector<std::byte> bytes(size);
  for (size_t i = 0; i < size; ++i) bytes[i] = period[i % period.size()];
  for (size_t i = random.Below(5000); i < size; i += 1 + random.Below(5000)) {
    bytes[i] ^= std::byte{0x41};
  }
  return bytes;
}

inline std::vector<std::byte> InputOfKind(std::string_view kind, uint64_t seed, size_t size) {
  if (kind == "random") return RandomInput(seed, size);
  if (kind == "text") return TextInput(seed, size);
  if (kind == "repetitive") return RepetitiveInput(seed, size);
  return std::vector<std::byte>(size, std::byte{0});
}

// The fixed keys that the research prototype of the rule was measured with.
inline CutKeys PrototypeKeys() {
  constexpr uint64_t kSeed = 12345;
  std::array<std::byte, 176> round_keys;
  for (size_t round = 0; round < 11; ++round) {
    const uint64_t halves[2] = {Mix64(kSeed + 700 + round), Mix64(kSeed + 600 + round)};
    for (size_t i = 0; i < 16; ++i) {
      round_keys[16 * round + i] = static_cast<std::byte>(halves[i / 8] >> (8 * (i % 8)));
    }
  }
  CutKeys keys{{}, {}, CutPrf::FromRoundKeys(round_keys)};
  for (size_t i = 0; i < 16; ++i) {
    keys.low_nibble[i] = static_cast<std::byte>(Mix64(kSeed + 100 + i));
    keys.high_nibble[i] = static_cast<std::byte>(Mix64(kSeed + 200 + i));
  }
  return keys;
}

// Keys derived as a vault derives them, from the secret 0, 1, 2 ... 31.
inline CutKeys CountingSecretKeys() {
  Secret32 secret;
  for (size_t i = 0; i < 32; ++i) secret.mutable_view()[i] = static_cast<std::byte>(i);
  return CutKeys::FromSecret(secret);
}

}  // namespace tidemark
#endif  // TIDEMARK_TESTS_CHUNKER_CUT_INPUTS_H_
