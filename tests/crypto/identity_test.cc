#include "crypto/identity.h"

#include <gtest/gtest.h>
#include <openssl/evp.h>

#include "tests/crypto/hex.h"
#include "tests/crypto/seeded_entropy.h"

namespace tidemark {
namespace {

// RFC 8032, section 7.1: seeds and public keys of tests 1 to 3.
TEST(Identity, DerivesThePublicKeysOfRfc8032) {
  const std::pair<const char*, const char*> vectors[] = {
      {"9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60",
       "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a"},
      {"4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb",
       "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c"},
      {"c5aa8df43f9f837bedb7442f31dcb7b166d38535076f094b85ce3a2e0b4458f7",
       "fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025"}};
  for (const auto& [seed, key] : vectors) {
    EXPECT_EQ(ToHex(SigningKey::FromSeed(Unhex32(seed)).public_key().bytes), key);
  }
}

TEST(Identity, SignsEd25519OverSizedDomainAndMessage) {
  const SigningKey key = SigningKey::FromSeed(
      Unhex32("9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60"));
  const Signature signature = key.Sign("dom", AsBytes("message"));
  const std::string signed_bytes = std::string("\3\0dom", 5) + "message";
  EVP_PKEY* pkey = EVP_PKEY_new_raw_public_key(
      EVP_PKEY_ED25519, nullptr,
      reinterpret_cast<const unsigned char*>(key.public_key().bytes.data()), 32);
  EVP_MD_CTX* context = EVP_MD_CTX_new();
  ASSERT_EQ(EVP_DigestVerifyInit(context, nullptr, nullptr, nullptr, pkey), 1);
  EXPECT_EQ(EVP_DigestVerify(
                context, reinterpret_cast<const unsigned char*>(signature.bytes.data()), 64,
                reinterpret_cast<const unsigned char*>(signed_bytes.data()), signed_bytes.size()),
            1);
  EVP_MD_CTX_free(context);
  EVP_PKEY_free(pkey);
}

TEST(Identity, VerifiesOnlyTheSameKeyDomainAndMessage) {
  SeededEntropy entropy(1);
  const SigningKey key = SigningKey::Generate(&entropy);
  const SigningKey other = SigningKey::Generate(&entropy);
  const Signature signature = key.Sign("receipt", AsBytes("held 7"));
  EXPECT_TRUE(VerifySignature(key.public_key(), "receipt", AsBytes("held 7"), signature));
  EXPECT_FALSE(VerifySignature(other.public_key(), "receipt", AsBytes("held 7"), signature));
  EXPECT_FALSE(VerifySignature(key.public_key(), "promise", AsBytes("held 7"), signature));
  EXPECT_FALSE(VerifySignature(key.public_key(), "receipth", AsBytes("eld 7"), signature));
  EXPECT_FALSE(VerifySignature(key.public_key(), "receipt", AsBytes("held 8"), signature));
  EXPECT_FALSE(VerifySignature(key.public_key(), "receipt", {}, signature));
  for (size_t i = 0; i < signature.bytes.size(); ++i) {
    Signature changed = signature;
    changed.bytes[i] ^= std::byte{1};
    EXPECT_FALSE(VerifySignature(key.public_key(), "receipt", AsBytes("held 7"), changed)) << i;
  }
}

TEST(Identity, APublicKeyOfZerosVerifiesNothing) {
  SeededEntropy entropy(2);
  const Signature signature = SigningKey::Generate(&entropy).Sign("d", AsBytes("m"));
  EXPECT_FALSE(VerifySignature(PublicKey(), "d", AsBytes("m"), signature));
}

TEST(Identity, GoesThroughPem) {
  SeededEntropy entropy(3);
  const SigningKey key = SigningKey::Generate(&entropy);
  const absl::StatusOr<SigningKey> back = SigningKey::FromPem(key.ToPem());
  ASSERT_TRUE(back.ok()) << back.status();
  EXPECT_EQ(back->public_key(), key.public_key());
  EXPECT_EQ(back->Sign("d", AsBytes("m")), key.Sign("d", AsBytes("m")));
}

TEST(Identity, RefusesWhatIsNotAnEd25519Pem) {
  EXPECT_EQ(SigningKey::FromPem("").status().code(), absl::StatusCode::kDataLoss);
  EXPECT_EQ(SigningKey::FromPem("-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n")
                .status()
                .code(),
            absl::StatusCode::kDataLoss);
  // RFC 8410's neighbour: an X25519 key in the same envelope.
  EXPECT_EQ(SigningKey::FromPem("-----BEGIN PRIVATE KEY-----\n"
                                "MC4CAQAwBQYDK2VuBCIEIHcHbQpzGKV9PBbBclGyZkXfTC+H68CZKrF3+6UduSwq\n"
                                "-----END PRIVATE KEY-----\n")
                .status()
                .code(),
            absl::StatusCode::kInvalidArgument);
}

}  // namespace
}  // namespace tidemark
