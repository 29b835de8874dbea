#include "crypto/hmac.h"

#include <gtest/gtest.h>

#include "crypto/keys.h"
#include "tests/crypto/hex.h"

namespace tidemark {
namespace {

TEST(Hmac, MatchesRfc4231) {
  EXPECT_EQ(ToHex(HmacSha256(Unhex(std::string(40, 'b').replace(
                                 0, 40, "0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b")),
                             {AsBytes("Hi "), AsBytes("There")})
                      .view()),
            "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7");
  EXPECT_EQ(ToHex(HmacSha256(AsBytes("Jefe"), {AsBytes("what do ya want for nothing?")}).view()),
            "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
}

TEST(Hmac, AnEmptyKeyIsAKeyOfItsOwn) {
  HmacSha256(AsBytes("some other key"), {AsBytes("x")});
  const std::string empty = ToHex(HmacSha256({}, {}).view());
  EXPECT_EQ(empty, "b613679a0814d9ec772f95d778c35fc5ff1697c493715653c6c712144292c5ad");
}

// RFC 5869, appendix A.1 to A.3: the first 32 bytes of each output.
TEST(Hkdf, MatchesRfc5869) {
  const std::vector<std::byte> ikm = Unhex("0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b");
  EXPECT_EQ(ToHex(HkdfSha256WithSalt(Unhex("000102030405060708090a0b0c"), ikm,
                                     {Unhex("f0f1f2f3f4f5f6f7f8f9")})
                      .view()),
            "3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf");
  std::vector<std::byte> long_ikm, salt, info;
  for (int i = 0; i < 80; ++i) {
    long_ikm.push_back(static_cast<std::byte>(i));
    salt.push_back(static_cast<std::byte>(0x60 + i));
    info.push_back(static_cast<std::byte>(0xb0 + i));
  }
  EXPECT_EQ(ToHex(HkdfSha256WithSalt(salt, long_ikm, {info}).view()),
            "b11e398dc80327a1c8e7f78c596a49344f012eda2d4efad8a050cc4c19afa97c");
  EXPECT_EQ(ToHex(HkdfSha256WithSalt({}, ikm, {}).view()),
            "8da4e775a563c18f715f802a063c5a31b8a11f5c5ee1879ec3454e5f3c738d2d");
}

TEST(Hkdf, LabelAndContextDoNotRunIntoEachOther) {
  const std::vector<std::byte> secret = Unhex(std::string(64, '5'));
  EXPECT_NE(ToHex(HkdfSha256(secret, "ab", AsBytes("c")).view()),
            ToHex(HkdfSha256(secret, "a", AsBytes("bc")).view()));
  const std::string zero_ended("\0c", 2);
  EXPECT_EQ(ToHex(HkdfSha256(secret, "ab", AsBytes("c")).view()),
            ToHex(HkdfSha256WithSalt({}, secret, {AsBytes("ab"), AsBytes(zero_ended)}).view()));
}

}  // namespace
}  // namespace tidemark
