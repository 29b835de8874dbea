#include "crypto/bytes.h"

#include <gtest/gtest.h>

#include <vector>

#include "tests/crypto/seeded_entropy.h"

namespace tidemark {
namespace {

TEST(Bytes, HexGoesThereAndBack) {
  const std::array<std::byte, 4> bytes = {std::byte{0x00}, std::byte{0x9f}, std::byte{0xa0},
                                          std::byte{0xff}};
  EXPECT_EQ(ToHex(bytes), "009fa0ff");
  std::array<std::byte, 4> back;
  ASSERT_TRUE(FromHex("009FA0ff", back));
  EXPECT_EQ(back, bytes);
}

TEST(Bytes, HexRefusesWhatIsNotExactlyHex) {
  std::array<std::byte, 2> out;
  EXPECT_FALSE(FromHex("", out));
  EXPECT_FALSE(FromHex("001", out));
  EXPECT_FALSE(FromHex("00112", out));
  EXPECT_FALSE(FromHex("001122", out));
  EXPECT_FALSE(FromHex("00g1", out));
  EXPECT_FALSE(FromHex("0x11", out));
  EXPECT_FALSE(FromHex("-111", out));
}

TEST(Bytes, WipeZeroesEveryByte) {
  std::vector<std::byte> bytes(100, std::byte{0x55});
  Wipe(bytes);
  EXPECT_EQ(bytes, std::vector<std::byte>(100));
}

TEST(Bytes, ComparesContentAndSize) {
  EXPECT_TRUE(EqualInConstantTime({}, {}));
  EXPECT_TRUE(EqualInConstantTime(AsBytes("secret"), AsBytes("secret")));
  EXPECT_FALSE(EqualInConstantTime(AsBytes("secret"), AsBytes("secreT")));
  EXPECT_FALSE(EqualInConstantTime(AsBytes("secret"), AsBytes("secret ")));
}

TEST(SecretBytes, AMoveWipesItsSource) {
  SeededEntropy entropy(1);
  Secret32 first = Secret32::Random(&entropy);
  const std::string value = ToHex(first.view());
  Secret32 second = std::move(first);
  EXPECT_EQ(ToHex(second.view()), value);
  EXPECT_EQ(ToHex(first.view()), std::string(64, '0'));
  Secret32 third;
  third = std::move(second);
  EXPECT_EQ(ToHex(third.view()), value);
  EXPECT_EQ(ToHex(second.view()), std::string(64, '0'));
}

TEST(SecretBytes, CannotBeCopiedButByClone) {
  static_assert(!std::is_copy_constructible_v<Secret32>);
  static_assert(!std::is_copy_assignable_v<Secret32>);
  SeededEntropy entropy(2);
  const Secret32 secret = Secret32::Random(&entropy);
  EXPECT_EQ(ToHex(secret.Clone().view()), ToHex(secret.view()));
}

TEST(Id16, IsEmptyUntilMadeAndDiffersByDraw) {
  SeededEntropy entropy(3);
  EXPECT_TRUE(VaultId().empty());
  const VaultId a = VaultId::Random(&entropy);
  const VaultId b = VaultId::Random(&entropy);
  EXPECT_FALSE(a.empty());
  EXPECT_NE(a, b);
  EXPECT_EQ(a.hex().size(), 32u);
}

}  // namespace
}  // namespace tidemark
