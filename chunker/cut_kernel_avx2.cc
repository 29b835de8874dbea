// The cut rule's candidates, 32 positions at a time (AVX2). The same steps as in
// cut_kernel_avx512.cc, where they are explained; two vectors make one group of 64.
#if defined(__x86_64__)

#include <immintrin.h>

#include "chunker/cut_kernel.h"

namespace tidemark {
namespace {

#define TIDEMARK_AVX2 [[gnu::target("avx2"), gnu::always_inline]] inline

struct Constants {
  __m256i low, high, nibble, shifted_by_2, shifted_by_4, zero;
};

struct Stages {
  __m256i table, sum2, sum4;
};

struct Zeros {
  uint32_t all, upper;
};

struct GroupZeros {
  uint64_t all, upper;
};

// Shifts `current` up by kBytes bytes; the last bytes of `previous` move in.
template <int kBytes>
TIDEMARK_AVX2 __m256i ShiftIn(__m256i current, __m256i previous) {
  const __m256i lane_before = _mm256_permute2x128_si256(previous, current, 0x21);
  return _mm256_alignr_epi8(current, lane_before, 16 - kBytes);
}

TIDEMARK_AVX2 uint32_t MaskOf(__m256i equal) {
  return static_cast<uint32_t>(_mm256_movemask_epi8(equal));
}

TIDEMARK_AVX2 Zeros Step(const Constants& constants, const std::byte* at, Stages* stages) {
  const __m256i bytes = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(at));
  const __m256i low = _mm256_and_si256(bytes, constants.nibble);
  const __m256i high = _mm256_and_si256(_mm256_srli_epi16(bytes, 4), constants.nibble);
  const __m256i table = _mm256_xor_si256(_mm256_shuffle_epi8(constants.low, low),
                                         _mm256_shuffle_epi8(constants.high, high));
  const __m256i back1 = ShiftIn<1>(table, stages->table);
  const __m256i sum2 = _mm256_xor_si256(table, _mm256_add_epi8(back1, back1));
  const __m256i back2 = _mm256_slli_epi16(ShiftIn<2>(sum2, stages->sum2), 2);
  const __m256i sum4 = _mm256_xor_si256(sum2, _mm256_and_si256(back2, constants.shifted_by_2));
  const __m256i back4 = _mm256_slli_epi16(ShiftIn<4>(sum4, stages->sum4), 4);
  const __m256i sum8 = _mm256_xor_si256(sum4, _mm256_and_si256(back4, constants.shifted_by_4));
  *stages = {table, sum2, sum4};
  const __m256i upper = _mm256_and_si256(sum8, constants.shifted_by_4);
  return {MaskOf(_mm256_cmpeq_epi8(sum8, constants.zero)),
          MaskOf(_mm256_cmpeq_epi8(upper, constants.zero))};
}

TIDEMARK_AVX2 GroupZeros StepGroup(const Constants& constants, const std::byte* at,
                                   Stages* stages) {
  const Zeros left = Step(constants, at, stages);
  const Zeros right = Step(constants, at + kCutGroupBytes / 2, stages);
  return {left.all | static_cast<uint64_t>(right.all) << 32,
          left.upper | static_cast<uint64_t>(right.upper) << 32};
}

TIDEMARK_AVX2 void Prefetch(const std::byte* bytes, size_t at) {
  constexpr uintptr_t kAheadBytes = 2048;
  const uintptr_t ahead = reinterpret_cast<uintptr_t>(bytes) + at + kAheadBytes;
  _mm_prefetch(reinterpret_cast<const char*>(ahead), _MM_HINT_T0);
}

}  // namespace

[[gnu::target("avx2")]] CandidateGroup FindCandidatesAvx2(const CutTables& tables,
                                                          const std::byte* bytes, size_t begin,
                                                          size_t end) {
  const __m256i zero = _mm256_setzero_si256();
  const Constants constants = {_mm256_broadcastsi128_si256(_mm_load_si128(
                                   reinterpret_cast<const __m128i*>(tables.low.data()))),
                               _mm256_broadcastsi128_si256(_mm_load_si128(
                                   reinterpret_cast<const __m128i*>(tables.high.data()))),
                               _mm256_set1_epi8(0x0f),
                               _mm256_set1_epi8(static_cast<char>(0xfc)),
                               _mm256_set1_epi8(static_cast<char>(0xf0)),
                               zero};
  Stages stages = {zero, zero, zero};
  GroupZeros previous = StepGroup(constants, bytes + begin - kCutGroupBytes, &stages);
  for (; begin + kCutGroupBytes <= end; begin += kCutGroupBytes) {
    Prefetch(bytes, begin);
    const GroupZeros current = StepGroup(constants, bytes + begin, &stages);
    const uint64_t found = current.all & ((current.upper << 8) | (previous.upper >> 56));
    if (__builtin_expect(found != 0, 0)) return {begin, found};
    previous = current;
  }
  return {begin, 0};
}

}  // namespace tidemark

#endif  // defined(__x86_64__)
