// Sealing: what is sealed opens, anything else does not; keys repeat only for equal input (law 8).
#include "crypto/sealing.h"

#include <gtest/gtest.h>
#include <openssl/evp.h>

#include <set>
#include <thread>
#include <vector>

#include "crypto/hmac.h"
#include "tests/crypto/hex.h"
#include "tests/crypto/seeded_entropy.h"

namespace tidemark {
namespace {

using Sealed = std::vector<std::byte>;

struct SealingTest : testing::Test {
  SingleUseKey NewKey(ByteSpan plaintext, SealedKind kind = SealedKind::kChunk,
                      Codec codec = Codec::kRaw) {
    return SingleUseKey::Hedged(hedge, &entropy, kind, codec, HashBytes(plaintext).bytes, context);
  }
  Sealed SealChunk(ByteSpan plaintext, OpenKey* key) {
    Sealed sealed(plaintext.size() + kSealTagBytes);
    *key = Seal(NewKey(plaintext), SealedKind::kChunk, Codec::kRaw, context, plaintext, sealed);
    return sealed;
  }
  absl::Status OpenChunk(const OpenKey& key, const Sealed& sealed, std::string* plaintext) {
    plaintext->assign(sealed.size() - kSealTagBytes, '?');
    return Open(key, SealedKind::kChunk, Codec::kRaw, context, sealed,
                std::as_writable_bytes(std::span(*plaintext)));
  }
  SeededEntropy entropy{1};
  Secret32 hedge = Secret32::Random(&entropy);
  ByteSpan context = AsBytes("vault-id-16bytes");
};
using Sealing = SealingTest;

TEST_F(Sealing, OpensWhatItSealed) {
  for (size_t size : {0u, 1u, 15u, 16u, 17u, 65536u, 1000003u}) {
    std::string plaintext(size, 'x');
    entropy.Fill(std::as_writable_bytes(std::span(plaintext)));
    OpenKey key;
    const Sealed sealed = SealChunk(AsBytes(plaintext), &key);
    std::string opened;
    ASSERT_TRUE(OpenChunk(key, sealed, &opened).ok()) << size;
    EXPECT_EQ(opened, plaintext) << size;
  }
}

TEST_F(Sealing, SealsAndOpensInPlace) {
  std::vector<std::byte> buffer(4096 + kSealTagBytes, std::byte{0x11});
  const ByteSpan plaintext = ByteSpan(buffer).first(4096);
  const std::vector<std::byte> before(plaintext.begin(), plaintext.end());
  const OpenKey key =
      Seal(NewKey(plaintext), SealedKind::kChunk, Codec::kRaw, context, plaintext, buffer);
  EXPECT_NE(std::vector<std::byte>(plaintext.begin(), plaintext.end()), before);
  ASSERT_TRUE(Open(key, SealedKind::kChunk, Codec::kRaw, context, buffer,
                   MutableByteSpan(buffer).first(4096))
                  .ok());
  EXPECT_EQ(std::vector<std::byte>(plaintext.begin(), plaintext.end()), before);
}

TEST_F(Sealing, RefusesAChangedByte) {
  OpenKey key;
  const Sealed sealed = SealChunk(AsBytes("some plaintext of a chunk"), &key);
  for (size_t i = 0; i < sealed.size(); ++i) {
    Sealed changed = sealed;
    changed[i] ^= std::byte{1};
    std::string opened;
    EXPECT_EQ(OpenChunk(key, changed, &opened).code(), absl::StatusCode::kDataLoss) << i;
    EXPECT_EQ(opened, std::string(opened.size(), '\0')) << "unauthenticated bytes were given out";
  }
}

TEST_F(Sealing, RefusesEveryTruncation) {
  OpenKey key;
  const Sealed sealed = SealChunk(AsBytes("some plaintext"), &key);
  for (size_t size = 0; size < sealed.size(); ++size) {
    std::vector<std::byte> plaintext(size > kSealTagBytes ? size - kSealTagBytes : 0);
    EXPECT_EQ(
        Open(key, SealedKind::kChunk, Codec::kRaw, context, ByteSpan(sealed).first(size), plaintext)
            .code(),
        absl::StatusCode::kDataLoss)
        << size;
  }
}

TEST_F(Sealing, RefusesAnotherMeaning) {
  OpenKey key;
  const Sealed sealed = SealChunk(AsBytes("abc"), &key);
  std::vector<std::byte> plaintext(3);
  const auto open = [&](SealedKind kind, Codec codec, ByteSpan of) {
    return Open(key, kind, codec, of, sealed, plaintext).code();
  };
  EXPECT_EQ(open(SealedKind::kChunk, Codec::kRaw, context), absl::StatusCode::kOk);
  EXPECT_EQ(open(SealedKind::kNode, Codec::kRaw, context), absl::StatusCode::kDataLoss);
  EXPECT_EQ(open(SealedKind::kChunk, Codec::kZstd, context), absl::StatusCode::kDataLoss);
  EXPECT_EQ(open(SealedKind::kChunk, Codec::kRaw, AsBytes("vault-id-16byteS")),
            absl::StatusCode::kDataLoss);
  EXPECT_EQ(open(SealedKind::kChunk, Codec::kRaw, {}), absl::StatusCode::kDataLoss);
  OpenKey other = key;
  other.bytes[31] ^= std::byte{1};
  EXPECT_EQ(Open(other, SealedKind::kChunk, Codec::kRaw, context, sealed, plaintext).code(),
            absl::StatusCode::kDataLoss);
}

TEST_F(Sealing, IsAesGcmWithZeroNonceAndTheMeaningAsAad) {
  OpenKey key;
  const Sealed sealed = SealChunk(AsBytes("hello"), &key);
  EVP_CIPHER_CTX* gcm = EVP_CIPHER_CTX_new();
  const unsigned char nonce[12] = {};
  std::string aad = std::string("\1\1\0", 3) + std::string(AsText(context));
  std::string expected(5, '\0');
  std::string tag(16, '\0');
  int size = 0;
  ASSERT_EQ(EVP_EncryptInit_ex(gcm, EVP_aes_256_gcm(), nullptr,
                               reinterpret_cast<const unsigned char*>(key.bytes.data()), nonce),
            1);
  EVP_EncryptUpdate(gcm, nullptr, &size, reinterpret_cast<const unsigned char*>(aad.data()),
                    static_cast<int>(aad.size()));
  EVP_EncryptUpdate(gcm, reinterpret_cast<unsigned char*>(expected.data()), &size,
                    reinterpret_cast<const unsigned char*>("hello"), 5);
  EVP_EncryptFinal_ex(gcm, reinterpret_cast<unsigned char*>(tag.data()), &size);
  EVP_CIPHER_CTX_ctrl(gcm, EVP_CTRL_AEAD_GET_TAG, 16, tag.data());
  EVP_CIPHER_CTX_free(gcm);
  EXPECT_EQ(ToHex(sealed), ToHex(AsBytes(expected + tag)));
}

TEST_F(Sealing, MatchesTheGoldenChunk) {
  SeededEntropy fixed(42);
  const Secret32 fixed_hedge = Secret32::Random(&fixed);
  const std::string plaintext = "The tide leaves a mark that anyone may read.";
  std::vector<std::byte> sealed(plaintext.size() + kSealTagBytes);
  const OpenKey key =
      Seal(SingleUseKey::Hedged(fixed_hedge, &fixed, SealedKind::kChunk, Codec::kRaw,
                                HashBytes(AsBytes(plaintext)).bytes, context),
           SealedKind::kChunk, Codec::kRaw, context, AsBytes(plaintext), sealed);
  EXPECT_EQ("key " + ToHex(key.bytes) + "\nsealed " + ToHex(sealed) + "\n",
            ReadGolden("sealed_chunk.hex"));
}

TEST_F(Sealing, HedgedKeysDifferEvenForEqualInput) {
  const auto sealed_twice = [&] {
    OpenKey key;
    return ToHex(SealChunk(AsBytes("same"), &key)) + ToHex(key.bytes);
  };
  EXPECT_NE(sealed_twice(), sealed_twice());
}

TEST_F(Sealing, AStuckGeneratorRepeatsAKeyOnlyForTheSameBytesAndMeaning) {
  StuckEntropy stuck;
  std::multiset<std::string> keys;
  const auto add = [&](SealedKind kind, Codec codec, std::string_view plaintext,
                       std::string_view of) {
    std::vector<std::byte> sealed(plaintext.size() + kSealTagBytes);
    const OpenKey key = Seal(SingleUseKey::Hedged(hedge, &stuck, kind, codec,
                                                  HashBytes(AsBytes(plaintext)).bytes, AsBytes(of)),
                             kind, codec, AsBytes(of), AsBytes(plaintext), sealed);
    keys.insert(ToHex(key.bytes));
  };
  add(SealedKind::kChunk, Codec::kRaw, "plain", "context");
  add(SealedKind::kNode, Codec::kRaw, "plain", "context");
  add(SealedKind::kChunk, Codec::kZstd, "plain", "context");
  add(SealedKind::kChunk, Codec::kRaw, "plain ", "context");
  add(SealedKind::kChunk, Codec::kRaw, "plain", "context ");
  const Salt salt = SingleUseKey::HedgedSalt(hedge, &stuck, SealedKind::kChunk,
                                             HashBytes(AsBytes("plain")).bytes, AsBytes("context"));
  keys.insert(ToHex(salt.bytes));
  EXPECT_EQ(std::set<std::string>(keys.begin(), keys.end()).size(), 6u);
  add(SealedKind::kChunk, Codec::kRaw, "plain", "context");
  EXPECT_EQ(std::set<std::string>(keys.begin(), keys.end()).size(), 6u);
}

TEST_F(Sealing, TheHedgedKeyIsTheHmacOfTheDesign) {
  StuckEntropy stuck;
  const std::string plaintext = "p";
  std::vector<std::byte> sealed(1 + kSealTagBytes);
  const Digest exact = HashBytes(AsBytes(plaintext));
  const OpenKey key = Seal(
      SingleUseKey::Hedged(hedge, &stuck, SealedKind::kNode, Codec::kZstd, exact.bytes, context),
      SealedKind::kNode, Codec::kZstd, context, AsBytes(plaintext), sealed);
  const std::string random(32, '\7');
  const Secret32 expected =
      HmacSha256(hedge.view(), {AsBytes(random), AsBytes("\2\1"), exact.bytes, context});
  EXPECT_EQ(ToHex(key.bytes), ToHex(expected.view()));
}

TEST_F(Sealing, ASaltedKeyIsMadeAgainFromParentAndSalt) {
  const Secret32 parent = Secret32::Random(&entropy);
  const Salt salt = SingleUseKey::HedgedSalt(hedge, &entropy, SealedKind::kRoot,
                                             HashBytes(AsBytes("root")).bytes, context);
  std::vector<std::byte> sealed(4 + kSealTagBytes);
  Seal(SingleUseKey::FromSalt(parent, salt, SealedKind::kRoot, context), SealedKind::kRoot,
       Codec::kRaw, context, AsBytes("root"), sealed);
  std::vector<std::byte> plaintext(4);
  const auto open = [&](const Secret32& of, const Salt& with, SealedKind kind, ByteSpan in) {
    return Open(OpenKeyFromSalt(of, with, kind, in), SealedKind::kRoot, Codec::kRaw, context,
                sealed, plaintext)
        .ok();
  };
  EXPECT_TRUE(open(parent, salt, SealedKind::kRoot, context));
  Salt other_salt = salt;
  other_salt.bytes[0] ^= std::byte{1};
  EXPECT_FALSE(open(hedge, salt, SealedKind::kRoot, context));
  EXPECT_FALSE(open(parent, other_salt, SealedKind::kRoot, context));
  EXPECT_FALSE(open(parent, salt, SealedKind::kDirectory, context));
  EXPECT_FALSE(open(parent, salt, SealedKind::kRoot, AsBytes("elsewhere")));
}

TEST_F(Sealing, ASingleUseKeyCannotBeCopied) {
  static_assert(!std::is_copy_constructible_v<SingleUseKey>);
  static_assert(!std::is_assignable_v<SingleUseKey&, SingleUseKey>);
  static_assert(std::is_move_constructible_v<SingleUseKey>);
}

struct Seen {
  std::vector<std::pair<Digest, Digest>> pairs;
  static void Note(void* context, const Digest& key, const Digest& plaintext) {
    static_cast<Seen*>(context)->pairs.emplace_back(key, plaintext);
  }
};

TEST_F(Sealing, TheObserverTellsKeysAndMeaningsApart) {
  Seen seen;
  StuckEntropy stuck;
  SetSealObserver(&Seen::Note, &seen);
  const auto seal = [&](std::string_view plaintext, ByteSpan of) {
    std::vector<std::byte> sealed(plaintext.size() + kSealTagBytes);
    Seal(SingleUseKey::FromSalt(hedge, Salt{}, SealedKind::kRoot, context), SealedKind::kRoot,
         Codec::kRaw, of, AsBytes(plaintext), sealed);
  };
  seal("one", context);
  seal("one", context);
  seal("two", context);
  seal("one", AsBytes("elsewhere"));
  SetSealObserver(nullptr, nullptr);
  seal("three", context);
  ASSERT_EQ(seen.pairs.size(), 4u);
  EXPECT_EQ(seen.pairs[0], seen.pairs[1]);
  EXPECT_EQ(seen.pairs[0].first, seen.pairs[2].first);
  EXPECT_NE(seen.pairs[0].second, seen.pairs[2].second)
      << "a key over two plaintexts must be visible";
  EXPECT_NE(seen.pairs[0].second, seen.pairs[3].second)
      << "a key over two contexts must be visible";
}

TEST_F(Sealing, ThreadsSealAndOpenAtOnce) {
  std::vector<int> opened(4, 0);
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([this, t, &opened] {
      SeededEntropy own(100 + static_cast<uint64_t>(t));
      for (int i = 0; i < 50; ++i) {
        std::vector<std::byte> plaintext(4096);
        own.Fill(plaintext);
        std::vector<std::byte> sealed(plaintext.size() + kSealTagBytes);
        const OpenKey key = Seal(SingleUseKey::Hedged(hedge, &own, SealedKind::kChunk, Codec::kRaw,
                                                      HashBytes(plaintext).bytes, context),
                                 SealedKind::kChunk, Codec::kRaw, context, plaintext, sealed);
        std::vector<std::byte> back(plaintext.size());
        const bool ok = Open(key, SealedKind::kChunk, Codec::kRaw, context, sealed, back).ok();
        opened[static_cast<size_t>(t)] += ok && back == plaintext ? 1 : 0;
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(opened, std::vector<int>(4, 50));
}

}  // namespace
}  // namespace tidemark
