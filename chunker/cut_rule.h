// The cut rule "kx": where one chunk ends and the next begins. Part of the format: the same key
// and bytes cut the same way for ever, in every implementation.
//
// Per byte b: T[b] = A[b & 15] ^ B[b >> 4]. Over the last 8 bytes
// s(p) = XOR over j of (T[b(p-j)] << j) mod 256. Position p is a candidate when s(p) == 0 and
// (s(p-8) & 0xf0) == 0: 12 bits over 16 bytes. At a candidate a PRF (AES-128-CBC-MAC over the 64
// bytes that end at p) decides whether the chunk ends there: strict up to the average, loose after.
// Candidates are looked for in whole groups of 64 bytes counted from the smallest cut; a group that
// the bytes end in is not looked at. A cut depends on the bytes from the chunk's start only.
// Sources: Gear/FastCDC (Xia et al., ATC'16) for normalisation; the vector form is Tidemark's own.
#ifndef TIDEMARK_CHUNKER_CUT_RULE_H_
#define TIDEMARK_CHUNKER_CUT_RULE_H_

#include <array>
#include <cstdint>

#include "absl/status/status.h"
#include "chunker/cut_kernel.h"
#include "crypto/bytes.h"
#include "crypto/cipher.h"

namespace tidemark {

struct CutLimits {
  uint32_t bytes_min = 16 * 1024;
  uint32_t bytes_average = 64 * 1024;  // a power of two
  uint32_t bytes_max = 256 * 1024;
  friend bool operator==(const CutLimits&, const CutLimits&) = default;
};
// kInvalidArgument unless 4 KiB <= min <= average <= max <= 1 MiB, all multiples of 64, average a
// power of two of at least 16 KiB.
absl::Status CheckCutLimits(const CutLimits& limits);

// The secret parts of the rule, derived from k_cut (HKDF labels "cut-table", "cut-prf").
struct CutKeys {
  std::array<std::byte, 16> low_nibble;   // A
  std::array<std::byte, 16> high_nibble;  // B
  CutPrf prf;
  static CutKeys FromSecret(const Secret32& k_cut);
};

class CutRule {
 public:
  CutRule(const CutLimits& limits, const CutKeys& keys);  // limits must pass CheckCutLimits
  // The same with a kernel of the caller's choice, for tests and benchmarks. It must run here.
  CutRule(const CutLimits& limits, const CutKeys& keys, CutKernel kernel);

  // Length of the first chunk of `bytes`, which start at a chunk's start and hold either at least
  // bytes_max bytes or everything up to a forced cut (end of data, hole, segment edge). Never 0
  // unless bytes is empty. Sets *forced when the chunk ends only because the bytes did.
  size_t FirstCut(ByteSpan bytes, bool* forced) const;
  // The same by the plain reference, byte by byte.
  size_t FirstCutReference(ByteSpan bytes, bool* forced) const;

  const CutLimits& limits() const { return limits_; }

 private:
  CutLimits limits_;
  CutKeys keys_;
  CutTables tables_;
  FindCandidates find_candidates_;
  uint64_t strict_mask_, loose_mask_;
};

}  // namespace tidemark
#endif  // TIDEMARK_CHUNKER_CUT_RULE_H_
