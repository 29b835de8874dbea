#include "crypto/cipher.h"

#include <gtest/gtest.h>
#include <openssl/evp.h>

#include <vector>

#include "tests/crypto/hex.h"
#include "tests/crypto/seeded_entropy.h"

namespace tidemark {
namespace {

using Key16 = std::array<std::byte, 16>;
using Window = std::array<std::byte, 64>;

uint64_t LittleEndian(const unsigned char* bytes) {
  uint64_t value = 0;
  for (int i = 7; i >= 0; --i) value = value << 8 | bytes[i];
  return value;
}

// CBC-MAC by OpenSSL: the last block of AES-128-CBC with a zero IV.
uint64_t CbcMacByOpenssl(const Key16& key, const Window& window) {
  EVP_CIPHER_CTX* context = EVP_CIPHER_CTX_new();
  const unsigned char iv[16] = {};
  unsigned char out[80];
  int size = 0;
  EXPECT_EQ(EVP_EncryptInit_ex(context, EVP_aes_128_cbc(), nullptr,
                               reinterpret_cast<const unsigned char*>(key.data()), iv),
            1);
  EVP_CIPHER_CTX_set_padding(context, 0);
  EXPECT_EQ(EVP_EncryptUpdate(context, out, &size,
                              reinterpret_cast<const unsigned char*>(window.data()), 64),
            1);
  EVP_CIPHER_CTX_free(context);
  return LittleEndian(out + 48);
}

TEST(CutPrf, IsTheCbcMacThatOpensslComputes) {
  SeededEntropy entropy(1);
  for (int i = 0; i < 200; ++i) {
    Key16 key;
    Window window;
    entropy.Fill(key);
    entropy.Fill(window);
    const uint64_t expected = CbcMacByOpenssl(key, window);
    EXPECT_EQ(CutPrf(key)(window.data()), expected);
    EXPECT_EQ(CutPrf(key).Portable()(window.data()), expected);
  }
}

TEST(CutPrf, ReadsAnUnalignedWindow) {
  SeededEntropy entropy(2);
  Key16 key;
  entropy.Fill(key);
  std::vector<std::byte> bytes(200);
  entropy.Fill(bytes);
  const CutPrf prf(key);
  for (size_t at = 0; at + 64 <= bytes.size(); ++at) {
    Window window;
    std::memcpy(window.data(), &bytes[at], 64);
    EXPECT_EQ(prf(&bytes[at]), prf(window.data()));
    EXPECT_EQ(prf.Portable()(&bytes[at]), prf(window.data()));
  }
}

// The published probe took eleven unrelated round keys of its splitmix generator; with them it
// printed this value for the window 0, 1, ... 63.
uint64_t Mix(uint64_t x) {
  x += 0x9e3779b97f4a7c15u;
  x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9u;
  x = (x ^ (x >> 27)) * 0x94d049bb133111ebu;
  return x ^ (x >> 31);
}

TEST(CutPrf, EqualsTheProbeUnderTheSameRoundKeys) {
  constexpr uint64_t kProbeKey = 12345;
  std::array<std::byte, 176> round_keys;
  for (uint64_t i = 0; i < 11; ++i) {
    const uint64_t halves[2] = {Mix(kProbeKey + 700 + i), Mix(kProbeKey + 600 + i)};
    for (size_t b = 0; b < 16; ++b)
      round_keys[16 * i + b] = static_cast<std::byte>(halves[b / 8] >> (8 * (b % 8)));
  }
  Window window;
  for (size_t i = 0; i < window.size(); ++i) window[i] = static_cast<std::byte>(i);
  const CutPrf prf = CutPrf::FromRoundKeys(round_keys);
  EXPECT_EQ(prf(window.data()), 0x59a6e61127ea0817u);
  EXPECT_EQ(prf.Portable()(window.data()), 0x59a6e61127ea0817u);
}

TEST(CutPrf, EveryBitOfTheWindowCounts) {
  SeededEntropy entropy(3);
  Key16 key;
  Window window;
  entropy.Fill(key);
  entropy.Fill(window);
  const CutPrf prf(key);
  const uint64_t value = prf(window.data());
  for (size_t bit = 0; bit < 512; ++bit) {
    Window changed = window;
    changed[bit / 8] ^= static_cast<std::byte>(1 << (bit % 8));
    EXPECT_NE(prf(changed.data()), value) << bit;
  }
}

TEST(RandomLooking, FillsAllAndNeverTwiceAlike) {
  SeededEntropy entropy(4);
  std::vector<std::byte> first(100000);
  std::vector<std::byte> second(100000);
  FillRandomLooking(&entropy, first);
  FillRandomLooking(&entropy, second);
  EXPECT_NE(first, second);
  std::array<int, 256> counts{};
  for (std::byte b : first) ++counts[static_cast<size_t>(b)];
  for (int count : counts) {  // 391 expected, standard deviation 20
    EXPECT_GT(count, 250);
    EXPECT_LT(count, 550);
  }
}

TEST(RandomLooking, IsAesCtrUnderTheKeyDrawn) {
  StuckEntropy stuck;
  std::vector<std::byte> out(33, std::byte{0xee});
  FillRandomLooking(&stuck, out);
  EVP_CIPHER_CTX* context = EVP_CIPHER_CTX_new();
  const std::string key(32, '\7');
  const unsigned char iv[16] = {};
  const std::string zeros(33, '\0');
  std::string expected(33, '\0');
  int size = 0;
  ASSERT_EQ(EVP_EncryptInit_ex(context, EVP_aes_256_ctr(), nullptr,
                               reinterpret_cast<const unsigned char*>(key.data()), iv),
            1);
  EVP_EncryptUpdate(context, reinterpret_cast<unsigned char*>(expected.data()), &size,
                    reinterpret_cast<const unsigned char*>(zeros.data()), 33);
  EVP_CIPHER_CTX_free(context);
  EXPECT_EQ(ToHex(out), ToHex(AsBytes(expected)));
  FillRandomLooking(&stuck, {});
}

}  // namespace
}  // namespace tidemark
