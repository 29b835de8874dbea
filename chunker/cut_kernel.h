// Kernels of the cut rule: each looks for candidates with what one kind of processor offers, and
// all find the same ones. The rule itself (limits, PRF, strictness) is in cut_rule.cc, once.
#ifndef TIDEMARK_CHUNKER_CUT_KERNEL_H_
#define TIDEMARK_CHUNKER_CUT_KERNEL_H_

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

namespace tidemark {

// Candidates are looked for in whole groups of this many bytes.
inline constexpr size_t kCutGroupBytes = 64;

// T as the kernels want it: T[b] == low[b & 15] ^ high[b >> 4] == joint[b].
struct CutTables {
  CutTables(std::span<const std::byte, 16> low_nibble, std::span<const std::byte, 16> high_nibble);
  alignas(16) std::array<uint8_t, 16> low;
  alignas(16) std::array<uint8_t, 16> high;
  std::array<uint8_t, 256> joint;
};

// Bit i of `positions` is set when position begin + i is a candidate.
struct CandidateGroup {
  size_t begin = 0;
  uint64_t positions = 0;
};

// The first group from `begin` on that holds a candidate; positions == 0 when no whole group
// before `end` does. Reads bytes [begin - 64, end), so begin must be at least 64.
using FindCandidates = CandidateGroup (*)(const CutTables& tables, const std::byte* bytes,
                                          size_t begin, size_t end);
CandidateGroup FindCandidatesPortable(const CutTables& tables, const std::byte* bytes, size_t begin,
                                      size_t end);
#if defined(__x86_64__)
CandidateGroup FindCandidatesAvx2(const CutTables& tables, const std::byte* bytes, size_t begin,
                                  size_t end);
CandidateGroup FindCandidatesAvx512(const CutTables& tables, const std::byte* bytes, size_t begin,
                                    size_t end);
#endif

enum class CutKernel : uint8_t { kPortable, kAvx2, kAvx512 };
// Whether this build and this processor can run it. kPortable always runs.
bool CutKernelRuns(CutKernel kernel);
CutKernel FastestCutKernel();
// The kernel's function; it must run here.
FindCandidates FunctionOf(CutKernel kernel);

}  // namespace tidemark
#endif  // TIDEMARK_CHUNKER_CUT_KERNEL_H_
