#include "crypto/cipher.h"

#include <openssl/evp.h>

#include <algorithm>
#include <cassert>

#include "crypto/openssl_handles.h"

#if defined(__x86_64__)
#include <immintrin.h>
#endif

namespace tidemark {
namespace {

constexpr int kRounds = 10;
constexpr size_t kBlock = 16;
constexpr size_t kWindowBlocks = 4;

constexpr uint8_t Double(uint8_t x) {  // times x in GF(2^8) of FIPS 197
  return static_cast<uint8_t>((x << 1) ^ ((x & 0x80) ? 0x1b : 0));
}

// FIPS 197's S-box, made from its definition: the inverse, then the affine map.
constexpr std::array<uint8_t, 256> MakeSbox() {
  std::array<uint8_t, 256> sbox{};
  uint8_t p = 1;
  uint8_t q = 1;
  do {  // p runs through all powers of 3, q through their inverses
    p = static_cast<uint8_t>(p ^ Double(p));
    q = static_cast<uint8_t>(q ^ (q << 1));
    q = static_cast<uint8_t>(q ^ (q << 2));
    q = static_cast<uint8_t>(q ^ (q << 4));
    if (q & 0x80) q ^= 0x09;
    const auto turn = [q](int n) { return static_cast<uint8_t>((q << n) | (q >> (8 - n))); };
    sbox[p] = static_cast<uint8_t>(q ^ turn(1) ^ turn(2) ^ turn(3) ^ turn(4) ^ 0x63);
  } while (p != 1);
  sbox[0] = 0x63;
  return sbox;
}
constexpr std::array<uint8_t, 256> kSbox = MakeSbox();
static_assert(kSbox[0x53] == 0xed && kSbox[0xff] == 0x16);

uint8_t Substitute(std::byte b) { return kSbox[static_cast<uint8_t>(b)]; }

std::array<std::byte, 176> ExpandKey(std::span<const std::byte, 16> key) {
  std::array<std::byte, 176> round_keys;
  std::memcpy(round_keys.data(), key.data(), key.size());
  uint8_t round_constant = 1;
  for (size_t at = kBlock; at < round_keys.size(); at += 4) {
    std::array<std::byte, 4> word;
    std::memcpy(word.data(), &round_keys[at - 4], 4);
    if (at % kBlock == 0) {
      std::rotate(word.begin(), word.begin() + 1, word.end());
      for (std::byte& b : word) b = std::byte{Substitute(b)};
      word[0] ^= std::byte{round_constant};
      round_constant = Double(round_constant);
    }
    for (size_t i = 0; i < 4; ++i) round_keys[at + i] = round_keys[at + i - kBlock] ^ word[i];
  }
  return round_keys;
}

void AddRoundKey(std::array<std::byte, 16>* state, const std::byte* round_key) {
  for (size_t i = 0; i < kBlock; ++i) (*state)[i] ^= round_key[i];
}

// One AES round but for its key: substitute, shift rows, and (except in the last) mix columns.
void Round(std::array<std::byte, 16>* state, bool last) {
  std::array<uint8_t, 16> s;
  for (size_t i = 0; i < kBlock; ++i) s[i] = Substitute((*state)[(i + 4 * (i % 4)) % kBlock]);
  for (size_t column = 0; column < kBlock; column += 4) {
    const uint8_t all = s[column] ^ s[column + 1] ^ s[column + 2] ^ s[column + 3];
    for (size_t row = 0; row < 4; ++row) {
      const uint8_t own = s[column + row];
      const uint8_t next = s[column + (row + 1) % 4];
      const uint8_t mixed = own ^ all ^ Double(own ^ next);
      (*state)[column + row] = std::byte{last ? own : mixed};
    }
  }
}

uint64_t PortableCbcMac(const std::byte* round_keys, const std::byte* window) {
  std::array<std::byte, 16> state{};
  for (size_t block = 0; block < kWindowBlocks; ++block) {
    AddRoundKey(&state, window + kBlock * block);
    AddRoundKey(&state, round_keys);
    for (int round = 1; round <= kRounds; ++round) {
      Round(&state, round == kRounds);
      AddRoundKey(&state, round_keys + kBlock * round);
    }
  }
  uint64_t value = 0;
  for (size_t i = 0; i < 8; ++i) value |= static_cast<uint64_t>(state[i]) << (8 * i);
  return value;
}

#if defined(__x86_64__)
bool HaveAesInstructions() { return __builtin_cpu_supports("aes"); }

__attribute__((target("aes,sse2"))) uint64_t AcceleratedCbcMac(const std::byte* round_keys,
                                                               const std::byte* window) {
  const auto* keys = reinterpret_cast<const __m128i*>(round_keys);
  const auto* blocks = reinterpret_cast<const __m128i*>(window);
  __m128i state = _mm_setzero_si128();
  for (size_t block = 0; block < kWindowBlocks; ++block) {
    state = _mm_xor_si128(state, _mm_loadu_si128(blocks + block));
    state = _mm_xor_si128(state, _mm_load_si128(keys));
    for (int round = 1; round < kRounds; ++round) {
      state = _mm_aesenc_si128(state, _mm_load_si128(keys + round));
    }
    state = _mm_aesenclast_si128(state, _mm_load_si128(keys + kRounds));
  }
  return static_cast<uint64_t>(_mm_cvtsi128_si64(state));
}
#else
bool HaveAesInstructions() { return false; }
uint64_t AcceleratedCbcMac(const std::byte* round_keys, const std::byte* window) {
  return PortableCbcMac(round_keys, window);
}
#endif

}  // namespace

CutPrf::CutPrf(std::span<const std::byte, 16> key)
    : round_keys_(ExpandKey(key)), accelerated_(HaveAesInstructions()) {}

CutPrf::~CutPrf() { Wipe(round_keys_); }

CutPrf CutPrf::FromRoundKeys(std::span<const std::byte, 176> round_keys) {
  CutPrf prf;
  std::memcpy(prf.round_keys_.data(), round_keys.data(), round_keys.size());
  prf.accelerated_ = HaveAesInstructions();
  return prf;
}

CutPrf CutPrf::Portable() const {
  CutPrf copy = *this;
  copy.accelerated_ = false;
  return copy;
}

uint64_t CutPrf::operator()(const std::byte* window64) const {
  return accelerated_ ? AcceleratedCbcMac(round_keys_.data(), window64)
                      : PortableCbcMac(round_keys_.data(), window64);
}

void FillRandomLooking(EntropySource* entropy, MutableByteSpan out) {
  static EVP_CIPHER* const ctr = EVP_CIPHER_fetch(nullptr, "AES-256-CTR", nullptr);
  assert(ctr != nullptr);
  constexpr size_t kPieceBytes = 1 << 30;  // OpenSSL counts in int
  static constexpr unsigned char kZeroIv[16] = {};
  const Secret32 key = Secret32::Random(entropy);
  const CipherContextHandle context(EVP_CIPHER_CTX_new());
  int ok = EVP_EncryptInit_ex2(context.get(), ctr, OpensslIn(key.view()), kZeroIv, nullptr);
  if (!out.empty()) std::memset(out.data(), 0, out.size());
  while (!out.empty()) {
    const MutableByteSpan piece = out.first(std::min(out.size(), kPieceBytes));
    int size = 0;
    ok &= EVP_EncryptUpdate(context.get(), OpensslOut(piece), &size, OpensslIn(piece),
                            static_cast<int>(piece.size()));
    out = out.subspan(piece.size());
  }
  assert(ok == 1);
}

}  // namespace tidemark
