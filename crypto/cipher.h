// Two small AES uses: the cut rule's PRF and a stream of random-looking padding.
#ifndef TIDEMARK_CRYPTO_CIPHER_H_
#define TIDEMARK_CRYPTO_CIPHER_H_

#include "crypto/bytes.h"

namespace tidemark {

// AES-128-CBC-MAC over exactly 64 bytes, zero IV, no padding: a PRF on fixed-length input.
// Returns the first 8 bytes of the last block as a little-endian integer. Uses AES-NI where the
// processor has it, else a portable AES; both give the same bits.
class CutPrf {
 public:
  explicit CutPrf(std::span<const std::byte, 16> key);
  CutPrf(const CutPrf&) = default;
  CutPrf& operator=(const CutPrf&) = default;
  ~CutPrf();
  // Round keys given directly (11 x 16 bytes): only to compare with the published probe.
  static CutPrf FromRoundKeys(std::span<const std::byte, 176> round_keys);
  // The same function on the portable AES whatever the processor has: to test that both agree.
  CutPrf Portable() const;
  uint64_t operator()(const std::byte* window64) const;

 private:
  CutPrf() = default;
  alignas(16) std::array<std::byte, 176> round_keys_;
  bool accelerated_ = false;
};

// Fills out with AES-256-CTR output under a fresh key: indistinguishable from ciphertext.
void FillRandomLooking(EntropySource* entropy, MutableByteSpan out);

}  // namespace tidemark
#endif  // TIDEMARK_CRYPTO_CIPHER_H_
