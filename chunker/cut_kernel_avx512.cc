// The cut rule's candidates, 64 positions at a time (AVX-512BW).
//
// The window of 8 bytes is built by doubling: T, then sums over 2, 4 and 8 bytes, each from two of
// the one before. A byte shift across vectors needs the vector before, so each stage is kept for
// one step. The functions carry their own target: the file is compiled for the base processor,
// so that no inline function of a shared header is ever emitted with AVX-512 in it.
#if defined(__x86_64__)

#include <immintrin.h>

#include "chunker/cut_kernel.h"

namespace tidemark {
namespace {

#define TIDEMARK_AVX512 [[gnu::target("avx512f,avx512bw"), gnu::always_inline]] inline

struct Constants {
  __m512i low, high, nibble, shifted_by_2, shifted_by_4;
};

// The stages of the vector before.
struct Stages {
  __m512i table, sum2, sum4;
};

// One bit per position: is s(p) zero, is its upper half zero?
struct Zeros {
  uint64_t all, upper;
};

// Shifts `current` up by kBytes bytes; the last bytes of `previous` move in.
template <int kBytes>
TIDEMARK_AVX512 __m512i ShiftIn(__m512i current, __m512i previous) {
  // valignr works within 16-byte lanes, so it gets each lane's predecessor as its second operand.
  const __m512i lane_before = _mm512_alignr_epi64(current, previous, 6);
  return _mm512_alignr_epi8(current, lane_before, 16 - kBytes);
}

// sum ^ (shifted & mask) in one instruction; the mask drops bits that crossed from byte to byte.
TIDEMARK_AVX512 __m512i XorMasked(__m512i sum, __m512i shifted, __m512i mask) {
  return _mm512_ternarylogic_epi32(sum, shifted, mask, 0x78);
}

TIDEMARK_AVX512 Zeros Step(const Constants& constants, const std::byte* at, Stages* stages) {
  const __m512i bytes = _mm512_loadu_si512(at);
  const __m512i low = _mm512_and_si512(bytes, constants.nibble);
  const __m512i high = _mm512_and_si512(_mm512_srli_epi16(bytes, 4), constants.nibble);
  const __m512i table = _mm512_xor_si512(_mm512_shuffle_epi8(constants.low, low),
                                         _mm512_shuffle_epi8(constants.high, high));
  // Adding a byte to itself shifts it by one and loses the carry, as the rule wants.
  const __m512i back1 = ShiftIn<1>(table, stages->table);
  const __m512i sum2 = _mm512_xor_si512(table, _mm512_add_epi8(back1, back1));
  const __m512i back2 = ShiftIn<2>(sum2, stages->sum2);
  const __m512i sum4 = XorMasked(sum2, _mm512_slli_epi16(back2, 2), constants.shifted_by_2);
  // Four bytes are one whole dword: a single instruction shifts across lanes.
  const __m512i back4 = _mm512_alignr_epi32(sum4, stages->sum4, 15);
  const __m512i sum8 = XorMasked(sum4, _mm512_slli_epi16(back4, 4), constants.shifted_by_4);
  *stages = {table, sum2, sum4};
  return {_mm512_testn_epi8_mask(sum8, sum8), _mm512_testn_epi8_mask(sum8, constants.shifted_by_4)};
}

// The processor's own prefetching starts anew behind every skipped start of a chunk; asking this
// far ahead is worth a sixth of the speed from memory. A prefetch never faults, so it may pass the
// end.
TIDEMARK_AVX512 void Prefetch(const std::byte* bytes, size_t at) {
  constexpr uintptr_t kAheadBytes = 2048;
  const uintptr_t ahead = reinterpret_cast<uintptr_t>(bytes) + at + kAheadBytes;
  _mm_prefetch(reinterpret_cast<const char*>(ahead), _MM_HINT_T0);
}

// The window 8 bytes earlier costs nothing: it is the same mask shifted by 8 positions.
inline uint64_t Candidates(const Zeros& current, const Zeros& previous) {
  return current.all & ((current.upper << 8) | (previous.upper >> 56));
}

}  // namespace

[[gnu::target("avx512f,avx512bw")]] CandidateGroup FindCandidatesAvx512(const CutTables& tables,
                                                                        const std::byte* bytes,
                                                                        size_t begin, size_t end) {
  const Constants constants = {
      _mm512_broadcast_i32x4(_mm_load_si128(reinterpret_cast<const __m128i*>(tables.low.data()))),
      _mm512_broadcast_i32x4(_mm_load_si128(reinterpret_cast<const __m128i*>(tables.high.data()))),
      _mm512_set1_epi8(0x0f), _mm512_set1_epi8(static_cast<char>(0xfc)),
      _mm512_set1_epi8(static_cast<char>(0xf0))};
  const __m512i zero = _mm512_setzero_si512();
  Stages stages = {zero, zero, zero};
  // The group before warms the stages up. Its own first sums lack the bytes before it, but only
  // its last 8 positions are ever asked for.
  Zeros previous = Step(constants, bytes + begin - kCutGroupBytes, &stages);
  for (; begin + 2 * kCutGroupBytes <= end; begin += 2 * kCutGroupBytes) {
    Prefetch(bytes, begin);
    Prefetch(bytes, begin + kCutGroupBytes);
    const Zeros first = Step(constants, bytes + begin, &stages);
    const Zeros second = Step(constants, bytes + begin + kCutGroupBytes, &stages);
    const uint64_t in_first = Candidates(first, previous);
    const uint64_t in_second = Candidates(second, first);
    // One branch for both: candidates are rare.
    if (__builtin_expect((in_first | in_second) != 0, 0)) {
      if (in_first != 0) return {begin, in_first};
      return {begin + kCutGroupBytes, in_second};
    }
    previous = second;
  }
  if (begin + kCutGroupBytes > end) return {begin, 0};
  return {begin, Candidates(Step(constants, bytes + begin, &stages), previous)};
}

}  // namespace tidemark

#endif  // defined(__x86_64__)
