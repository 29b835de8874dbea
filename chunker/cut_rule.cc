#include "chunker/cut_rule.h"

#include <algorithm>
#include <bit>
#include <cassert>
#include <cstring>

#include "absl/strings/str_format.h"
#include "crypto/keys.h"

namespace tidemark {
namespace {

// What the candidate test already decides, in bits, and how far the PRF's share is moved to make
// cuts rarer before the average and likelier after it (FastCDC's normalisation, level 2).
constexpr int kCandidateBits = 12;
constexpr int kNormalisation = 2;
constexpr size_t kPrfWindowBytes = 64;

uint64_t TopBits(int count) { return count <= 0 ? 0 : ~uint64_t{0} << (64 - count); }

// Repetitive bytes can make every period a candidate, always with the same window. Asking the PRF
// once for all of them keeps such input from being a hundred times slower than any other.
class RememberingPrf {
 public:
  explicit RememberingPrf(const CutPrf& prf) : prf_(prf) {}
  uint64_t operator()(const std::byte* window) {
    if (last_window_ == nullptr || std::memcmp(last_window_, window, kPrfWindowBytes) != 0) {
      last_value_ = prf_(window);
    }
    last_window_ = window;
    return last_value_;
  }

 private:
  const CutPrf& prf_;
  const std::byte* last_window_ = nullptr;
  uint64_t last_value_ = 0;
};

}  // namespace

absl::Status CheckCutLimits(const CutLimits& limits) {
  constexpr uint32_t kBytesMin = 4 * 1024, kAverageMin = 16 * 1024, kBytesMax = 1024 * 1024;
  const bool ordered = kBytesMin <= limits.bytes_min && limits.bytes_min <= limits.bytes_average &&
                       limits.bytes_average <= limits.bytes_max && limits.bytes_max <= kBytesMax;
  const bool grouped = limits.bytes_min % kCutGroupBytes == 0 &&
                       limits.bytes_average % kCutGroupBytes == 0 &&
                       limits.bytes_max % kCutGroupBytes == 0;
  if (!ordered || !grouped) {
    return absl::InvalidArgumentError(absl::StrFormat(
        "cut limits min %d, average %d, max %d: need 4096 <= min <= average <= max <= 1048576, "
        "each a multiple of 64",
        limits.bytes_min, limits.bytes_average, limits.bytes_max));
  }
  if (!std::has_single_bit(limits.bytes_average) || limits.bytes_average < kAverageMin) {
    return absl::InvalidArgumentError(absl::StrFormat(
        "cut limits average %d: need a power of two of at least 16384", limits.bytes_average));
  }
  return absl::OkStatus();
}

CutKeys CutKeys::FromSecret(const Secret32& k_cut) {
  const Secret32 tables = HkdfSha256(k_cut.view(), "cut-table", {});
  const Secret32 prf_key = HkdfSha256(k_cut.view(), "cut-prf", {});
  CutKeys keys{{}, {}, CutPrf(prf_key.view().first<16>())};
  std::ranges::copy(tables.view().first<16>(), keys.low_nibble.begin());
  std::ranges::copy(tables.view().last<16>(), keys.high_nibble.begin());
  return keys;
}

CutRule::CutRule(const CutLimits& limits, const CutKeys& keys)
    : CutRule(limits, keys, FastestCutKernel()) {}

CutRule::CutRule(const CutLimits& limits, const CutKeys& keys, CutKernel kernel)
    : limits_(limits),
      keys_(keys),
      tables_(keys.low_nibble, keys.high_nibble),
      find_candidates_(FunctionOf(kernel)) {
  assert(CheckCutLimits(limits).ok());
  const int average_bits = std::countr_zero(limits.bytes_average);
  strict_mask_ = TopBits(average_bits + kNormalisation - kCandidateBits);
  loose_mask_ = TopBits(average_bits - kNormalisation - kCandidateBits);
}

size_t CutRule::FirstCut(ByteSpan bytes, bool* forced) const {
  const size_t end = std::min<size_t>(bytes.size(), limits_.bytes_max);
  *forced = false;
  RememberingPrf prf(keys_.prf);
  size_t begin = limits_.bytes_min;
  while (begin + kCutGroupBytes <= end) {
    const CandidateGroup group = find_candidates_(tables_, bytes.data(), begin, end);
    for (uint64_t left = group.positions; left != 0; left &= left - 1) {
      const size_t length = group.begin + static_cast<size_t>(std::countr_zero(left)) + 1;
      const uint64_t mask = length <= limits_.bytes_average ? strict_mask_ : loose_mask_;
      if ((prf(bytes.data() + length - kPrfWindowBytes) & mask) == 0) return length;
    }
    if (group.positions == 0) break;
    begin = group.begin + kCutGroupBytes;
  }
  // The largest chunk ends where the rule says, even when the bytes happen to end there too.
  *forced = end < limits_.bytes_max;
  return end;
}

}  // namespace tidemark
