// FastCDC (Xia et al., ATC'16), normalisation level 2, one byte at a time: what the cut rule is
// measured against, in speed and in what it finds again.
#ifndef TIDEMARK_BENCH_FASTCDC_H_
#define TIDEMARK_BENCH_FASTCDC_H_

#include <algorithm>
#include <array>

#include "chunker/cut_rule.h"

namespace tidemark {

inline uint64_t Mix64(uint64_t x) {  // SplitMix64
  x += 0x9E3779B97F4A7C15u;
  x = (x ^ (x >> 30)) * 0xBF58476D1CE4E5B9u;
  x = (x ^ (x >> 27)) * 0x94D049BB133111EBu;
  return x ^ (x >> 31);
}

class FastCdc {
 public:
  explicit FastCdc(const CutLimits& limits) : limits_(limits) {
    for (size_t b = 0; b < 256; ++b) gear_[b] = Mix64(b);
  }
  // Aligned, because where the loop falls in a cache line changes its speed by half.
  [[gnu::noinline, gnu::aligned(64)]] size_t FirstCut(ByteSpan bytes) const {
    constexpr uint64_t kStrict = ~uint64_t{0} << (64 - 18), kLoose = ~uint64_t{0} << (64 - 14);
    const size_t end = std::min<size_t>(bytes.size(), limits_.bytes_max);
    const size_t average = std::min<size_t>(end, limits_.bytes_average);
    uint64_t hash = 0;
    size_t at = limits_.bytes_min;
    for (; at < average; ++at) {
      hash = (hash << 1) + gear_[static_cast<uint8_t>(bytes.data()[at])];
      if ((hash & kStrict) == 0) return at + 1;
    }
    for (; at < end; ++at) {
      hash = (hash << 1) + gear_[static_cast<uint8_t>(bytes.data()[at])];
      if ((hash & kLoose) == 0) return at + 1;
    }
    return end;
  }

 private:
  CutLimits limits_;
  std::array<uint64_t, 256> gear_;
};

}  // namespace tidemark
#endif  // TIDEMARK_BENCH_FASTCDC_H_
