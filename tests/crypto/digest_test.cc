#include "crypto/digest.h"

#include <gtest/gtest.h>

#include <vector>

#include "tests/crypto/hex.h"

namespace tidemark {
namespace {

// The input of the official test vectors: 0, 1, ... 250, 0, 1, ...
std::vector<std::byte> VectorInput(size_t size) {
  std::vector<std::byte> input(size);
  for (size_t i = 0; i < size; ++i) input[i] = static_cast<std::byte>(i % 251);
  return input;
}
constexpr std::string_view kVectorKey = "whats the Elvish word for friend";

TEST(Digest, MatchesTheOfficialVectors) {
  EXPECT_EQ(HashBytes({}).hex(),
            "af1349b9f5f9a1a6a0404dea36dcc9499bcb25c9adc112b7cc9a93cae41f3262");
  EXPECT_EQ(HashBytes(AsBytes("abc")).hex(),
            "6437b3ac38465133ffb63b75273a8db548c558465d79db03fd359c6cd5bd9d85");
  EXPECT_EQ(HashBytes(VectorInput(1)).hex(),
            "2d3adedff11b61f14c886e35afa036736dcd87a74d27b5c1510225d0f592e213");
}

TEST(Digest, KeyedModeMatchesTheOfficialVector) {
  const std::span<const std::byte, 32> key(AsBytes(kVectorKey).data(), 32);
  EXPECT_EQ(KeyedHash(key, ByteSpan()).hex(),
            "92b2b75604ed3c761f9d6f62392c8a9227ad0ea3f09573e783f1498a4ed60d26");
}

TEST(Digest, TwoPiecesHashAsOne) {
  const std::span<const std::byte, 32> key(AsBytes(kVectorKey).data(), 32);
  const std::vector<std::byte> input = VectorInput(5000);
  const ByteSpan all(input);
  for (size_t cut : {0u, 1u, 63u, 64u, 1024u, 4096u, 5000u}) {
    EXPECT_EQ(KeyedHash(key, all.first(cut), all.subspan(cut)), KeyedHash(key, all)) << cut;
  }
}

TEST(Digest, HasherAgreesHoweverTheBytesArrive) {
  const std::vector<std::byte> input = VectorInput(100000);
  for (size_t piece : {1000u, 1024u, 4097u, 65536u}) {
    Hasher hasher;
    for (size_t at = 0; at < input.size(); at += piece) {
      hasher.Update(ByteSpan(input).subspan(at, std::min(piece, input.size() - at)));
    }
    EXPECT_EQ(hasher.Finish(), HashBytes(input)) << piece;
  }
}

TEST(ChunkId, DependsOnKeyAndPlaintext) {
  const ChunkIdKey a(Unhex32(std::string(64, '1')));
  const ChunkIdKey b(Unhex32(std::string(64, '2')));
  EXPECT_EQ(a.Identify(AsBytes("same")), a.Identify(AsBytes("same")));
  EXPECT_NE(a.Identify(AsBytes("same")), a.Identify(AsBytes("other")));
  EXPECT_NE(a.Identify(AsBytes("same")), b.Identify(AsBytes("same")));
  EXPECT_NE(a.Identify(AsBytes("same")).bytes, HashBytes(AsBytes("same")).bytes);
}

}  // namespace
}  // namespace tidemark
