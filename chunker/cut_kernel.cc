#include "chunker/cut_kernel.h"

#include <cassert>

namespace tidemark {
namespace {

// s(p) computed afresh from the 8 bytes that end at `last`.
uint8_t WindowSum(const CutTables& tables, const std::byte* last) {
  uint32_t sum = 0;
  for (int j = 7; j >= 0; --j) sum = (sum << 1) ^ tables.joint[static_cast<uint8_t>(last[-j])];
  return static_cast<uint8_t>(sum);
}

}  // namespace

CutTables::CutTables(std::span<const std::byte, 16> low_nibble,
                     std::span<const std::byte, 16> high_nibble) {
  for (size_t i = 0; i < 16; ++i) {
    low[i] = static_cast<uint8_t>(low_nibble[i]);
    high[i] = static_cast<uint8_t>(high_nibble[i]);
  }
  for (size_t b = 0; b < 256; ++b) joint[b] = low[b & 15] ^ high[b >> 4];
}

CandidateGroup FindCandidatesPortable(const CutTables& tables, const std::byte* bytes, size_t begin,
                                      size_t end) {
  // One shift per byte rolls the window: what is older than 8 bytes has left the low 8 bits.
  uint32_t sum = WindowSum(tables, bytes + begin - 1);
  for (; begin + kCutGroupBytes <= end; begin += kCutGroupBytes) {
    uint64_t positions = 0;
    for (size_t i = 0; i < kCutGroupBytes; ++i) {
      const std::byte* at = bytes + begin + i;
      sum = (sum << 1) ^ tables.joint[static_cast<uint8_t>(*at)];
      if ((sum & 0xff) != 0) continue;
      // Rare enough (1 in 256) to compute the older window afresh instead of carrying it along.
      if ((WindowSum(tables, at - 8) & 0xf0) == 0) positions |= uint64_t{1} << i;
    }
    if (positions != 0) return {begin, positions};
  }
  return {begin, 0};
}

bool CutKernelRuns(CutKernel kernel) {
  switch (kernel) {
    case CutKernel::kPortable:
      return true;
#if defined(__x86_64__)
    case CutKernel::kAvx2:
      return __builtin_cpu_supports("avx2") != 0;
    case CutKernel::kAvx512:
      return __builtin_cpu_supports("avx512bw") != 0;
#endif
    default:
      return false;
  }
}

CutKernel FastestCutKernel() {
  if (CutKernelRuns(CutKernel::kAvx512)) return CutKernel::kAvx512;
  if (CutKernelRuns(CutKernel::kAvx2)) return CutKernel::kAvx2;
  return CutKernel::kPortable;
}

FindCandidates FunctionOf(CutKernel kernel) {
  assert(CutKernelRuns(kernel));
#if defined(__x86_64__)
  if (kernel == CutKernel::kAvx512) return &FindCandidatesAvx512;
  if (kernel == CutKernel::kAvx2) return &FindCandidatesAvx2;
#endif
  return &FindCandidatesPortable;
}

}  // namespace tidemark
