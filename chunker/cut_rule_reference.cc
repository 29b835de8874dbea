// The cut rule as its definition reads, one byte at a time. Slow on purpose: this is what the
// kernels are compared with, so it shares no code with them.
#include <algorithm>

#include "chunker/cut_rule.h"

namespace tidemark {
namespace {

// s(p): the last 8 bytes, each through T, the older the further to the left.
uint8_t WindowSum(const CutKeys& keys, ByteSpan bytes, size_t position) {
  uint32_t sum = 0;
  for (size_t j = 0; j < 8; ++j) {
    const auto byte = static_cast<uint8_t>(bytes[position - j]);
    const std::byte entry = keys.low_nibble[byte & 15] ^ keys.high_nibble[byte >> 4];
    sum ^= static_cast<uint32_t>(entry) << j;
  }
  return static_cast<uint8_t>(sum);
}

}  // namespace

size_t CutRule::FirstCutReference(ByteSpan bytes, bool* forced) const {
  const size_t end = std::min<size_t>(bytes.size(), limits_.bytes_max);
  *forced = false;
  for (size_t group = limits_.bytes_min; group + 64 <= end; group += 64) {
    for (size_t position = group; position < group + 64; ++position) {
      if (WindowSum(keys_, bytes, position) != 0) continue;
      if ((WindowSum(keys_, bytes, position - 8) & 0xf0) != 0) continue;
      const size_t length = position + 1;
      const uint64_t mask = length <= limits_.bytes_average ? strict_mask_ : loose_mask_;
      if ((keys_.prf(bytes.data() + length - 64) & mask) == 0) return length;
    }
  }
  *forced = end < limits_.bytes_max;
  return end;
}

}  // namespace tidemark
