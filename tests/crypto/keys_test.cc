#include "crypto/keys.h"

#include <gtest/gtest.h>

#include <set>

#include "crypto/key_wrap.h"
#include "tests/crypto/hex.h"
#include "tests/crypto/seeded_entropy.h"

namespace tidemark {
namespace {

TEST(KeyWrap, MatchesRfc3394) {  // section 4.6
  const Secret32 kek = Unhex32("000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f");
  const Secret32 data = Unhex32("00112233445566778899aabbccddeeff000102030405060708090a0b0c0d0e0f");
  const WrappedKey wrapped = WrapWithKey(kek, data);
  EXPECT_EQ(ToHex(wrapped),
            "28c9f404c4b810f4cbccb35cfb87f8263f5786e2d80ed326cbc7f0e71a99f43bfb988b9b7a02dd21");
  Secret32 back;
  ASSERT_TRUE(UnwrapWithKey(kek, wrapped, &back));
  EXPECT_EQ(ToHex(back.view()), ToHex(data.view()));
}

TEST(Keys, ASecretUnwrapsOnlyWhereItBelongs) {
  SeededEntropy entropy(1);
  const KeyEncryptionKey kek = KeyEncryptionKey::Generate(&entropy);
  const KeyEncryptionKey other_kek = KeyEncryptionKey::Generate(&entropy);
  KeyEncryptionKey renamed = kek.Clone();
  renamed.id[0] ^= std::byte{1};
  const Secret32 secret = Secret32::Random(&entropy);
  const ArchiveId id = ArchiveId::Random(&entropy);
  const ArchiveId other_id = ArchiveId::Random(&entropy);
  const WrappedKey wrapped = WrapSecret(kek, WrappedKind::kArchiveKey, id.bytes, secret);
  const auto unwrap = [&](const KeyEncryptionKey& with, WrappedKind kind, const ArchiveId& of) {
    return UnwrapSecret(with, kind, of.bytes, wrapped);
  };
  const absl::StatusOr<Secret32> right = unwrap(kek, WrappedKind::kArchiveKey, id);
  ASSERT_TRUE(right.ok()) << right.status();
  EXPECT_EQ(ToHex(right->view()), ToHex(secret.view()));
  const auto denied = absl::StatusCode::kPermissionDenied;
  EXPECT_EQ(unwrap(other_kek, WrappedKind::kArchiveKey, id).status().code(), denied);
  EXPECT_EQ(unwrap(renamed, WrappedKind::kArchiveKey, id).status().code(), denied);
  EXPECT_EQ(unwrap(kek, WrappedKind::kVaultSecret, id).status().code(), denied);
  EXPECT_EQ(unwrap(kek, WrappedKind::kArchiveKey, other_id).status().code(), denied);
}

TEST(Keys, AChangedByteDoesNotUnwrap) {
  SeededEntropy entropy(2);
  const KeyEncryptionKey kek = KeyEncryptionKey::Generate(&entropy);
  const VaultId id = VaultId::Random(&entropy);
  const WrappedKey wrapped =
      WrapSecret(kek, WrappedKind::kVaultSecret, id.bytes, Secret32::Random(&entropy));
  for (size_t i = 0; i < wrapped.size(); ++i) {
    WrappedKey changed = wrapped;
    changed[i] ^= std::byte{0x80};
    EXPECT_FALSE(UnwrapSecret(kek, WrappedKind::kVaultSecret, id.bytes, changed).ok()) << i;
  }
}

TEST(Keys, AWrappedKeyMatchesTheGoldenFile) {
  SeededEntropy entropy(43);
  const KeyEncryptionKey kek = KeyEncryptionKey::Generate(&entropy);
  const VaultId id = VaultId::Random(&entropy);
  const WrappedKey wrapped =
      WrapSecret(kek, WrappedKind::kVaultSecret, id.bytes, Secret32::Random(&entropy));
  EXPECT_EQ(ToHex(wrapped) + "\n", ReadGolden("wrapped_key.hex"));
}

TEST(Keys, AVaultsSecretsAreAllDifferentAndRepeatable) {
  SeededEntropy entropy(3);
  const Secret32 vault_secret = Secret32::Random(&entropy);
  const VaultSecrets secrets = VaultSecrets::FromVaultSecret(vault_secret);
  const auto all = [](const VaultSecrets& of) {
    return std::vector<std::string>{ToHex(of.k_id.view()), ToHex(of.k_cut.view()),
                                    ToHex(of.k_dir.view()), ToHex(of.k_hedge.view()),
                                    ToHex(of.k_ring.view())};
  };
  std::set<std::string> distinct;
  for (const std::string& hex : all(secrets)) distinct.insert(hex);
  distinct.insert(ToHex(vault_secret.view()));
  EXPECT_EQ(distinct.size(), 6u);
  EXPECT_EQ(all(VaultSecrets::FromVaultSecret(vault_secret)), all(secrets));
  EXPECT_EQ(all(secrets.Clone()), all(secrets));
}

TEST(Keys, AnIndexMaskHidesAKeyAndGivesItBack) {
  SeededEntropy entropy(4);
  const Secret32 archive_key = Secret32::Random(&entropy);
  const Secret32 mask_key = IndexMaskKey(archive_key);
  EXPECT_NE(ToHex(mask_key.view()), ToHex(archive_key.view()));
  const ChunkId id{HashBytes(AsBytes("chunk")).bytes};
  const ChunkId other{HashBytes(AsBytes("other")).bytes};
  std::array<std::byte, 32> key{};
  MaskWithIndexKey(mask_key, id, key);
  EXPECT_NE(ToHex(key), std::string(64, '0'));
  std::array<std::byte, 32> wrong = key;
  MaskWithIndexKey(mask_key, other, wrong);
  EXPECT_NE(ToHex(wrong), std::string(64, '0'));
  MaskWithIndexKey(mask_key, id, key);
  EXPECT_EQ(ToHex(key), std::string(64, '0'));
}

}  // namespace
}  // namespace tidemark
