#include "replicator/keyring.h"

#include <gtest/gtest.h>

#include "tests/crypto/seeded_entropy.h"
#include "tests/replicator/golden.h"
#include "tests/replicator/mutations.h"
#include "tests/replicator/samples.h"

namespace tidemark {
namespace {

const VaultId kVault = Counting<VaultId>(1);

std::vector<KeyringPart> SampleParts(uint64_t seed = 5) {
  SeededEntropy entropy(seed);
  return SealKeyring(SampleKeyring(), SampleKek(), SampleVaultSecret(), &entropy);
}

// Big enough for several parts.
Keyring BigKeyring() {
  Keyring keyring = SampleKeyring();
  keyring.envelopes.clear();
  for (uint64_t i = 1; i <= 20000; ++i) {
    Envelope envelope = SampleEnvelope();
    envelope.name = std::string(200, 'n');
    envelope.version = i;
    keyring.envelopes.push_back(envelope);
  }
  return keyring;
}

TEST(Keyring, OpensWithItsKekOnly) {
  absl::StatusOr<OpenedKeyring> opened = OpenKeyring(kVault, SampleKek(), SampleParts());
  ASSERT_TRUE(opened.ok()) << opened.status();
  EXPECT_EQ(opened->keyring.vault, kVault);
  EXPECT_EQ(opened->keyring.upto_sequence, 43u);
  EXPECT_EQ(opened->keyring.envelopes, SampleKeyring().envelopes);
  EXPECT_TRUE(EqualInConstantTime(opened->vault_secret.view(), SampleVaultSecret().view()));

  KeyEncryptionKey other = SampleKek();
  other.id[0] ^= std::byte{1};
  absl::Status status = OpenKeyring(kVault, other, SampleParts()).status();
  EXPECT_TRUE(absl::IsPermissionDenied(status));
  EXPECT_NE(status.message().find(ToHex(SampleKek().id)), absl::string_view::npos) << status;
}

TEST(Keyring, OfAnotherVaultOrUnderAChangedKekIsDamaged) {
  EXPECT_TRUE(
      absl::IsDataLoss(OpenKeyring(Counting<VaultId>(2), SampleKek(), SampleParts()).status()));
  KeyEncryptionKey changed = SampleKek();
  changed.key = Secret32();
  EXPECT_TRUE(absl::IsDataLoss(OpenKeyring(kVault, changed, SampleParts()).status()));
}

TEST(Keyring, EveryFlippedByteOfAPartIsDetected) {
  ForEachFlip(Encode(SampleParts()[0]), [](ByteSpan changed, size_t index) {
    absl::StatusOr<KeyringPart> part = ParseKeyringPart(changed);
    if (part.ok()) {
      EXPECT_FALSE(OpenKeyring(kVault, SampleKek(), {*part}).ok()) << index;
    }
  });
}

TEST(Keyring, MayBeEmpty) {
  Keyring keyring;
  keyring.vault = kVault;
  SeededEntropy entropy(1);
  std::vector<KeyringPart> parts = SealKeyring(keyring, SampleKek(), SampleVaultSecret(), &entropy);
  ASSERT_EQ(parts.size(), 1u);
  absl::StatusOr<OpenedKeyring> opened = OpenKeyring(kVault, SampleKek(), parts);
  ASSERT_TRUE(opened.ok()) << opened.status();
  EXPECT_TRUE(opened->keyring.envelopes.empty());
}

TEST(Keyring, SpansSeveralRecordsAndNoneMayBeMissing) {
  Keyring keyring = BigKeyring();
  SeededEntropy entropy(1);
  std::vector<KeyringPart> parts = SealKeyring(keyring, SampleKek(), SampleVaultSecret(), &entropy);
  ASSERT_GE(parts.size(), 3u);
  for (const KeyringPart& part : parts) {
    EXPECT_LE(part.sealed_body.size(), kKeyringPartBytesMax);
    EXPECT_LE(Encode(part).size(), kControlBodyBytesMax);
  }
  absl::StatusOr<OpenedKeyring> opened = OpenKeyring(kVault, SampleKek(), parts);
  ASSERT_TRUE(opened.ok()) << opened.status();
  EXPECT_EQ(opened->keyring.envelopes, keyring.envelopes);

  std::vector<KeyringPart> short_of_one(parts.begin(), parts.end() - 1);
  EXPECT_TRUE(absl::IsDataLoss(OpenKeyring(kVault, SampleKek(), short_of_one).status()));
  std::vector<KeyringPart> swapped = parts;
  std::swap(swapped[0], swapped[1]);
  EXPECT_TRUE(absl::IsDataLoss(OpenKeyring(kVault, SampleKek(), swapped).status()));
  std::swap(swapped[0].part, swapped[1].part);  // renumbered: the seal knows its place
  EXPECT_TRUE(absl::IsDataLoss(OpenKeyring(kVault, SampleKek(), swapped).status()));
  EXPECT_TRUE(absl::IsDataLoss(OpenKeyring(kVault, SampleKek(), {}).status()));
}

TEST(Keyring, PartsOfTwoSnapshotsDoNotMix) {
  Keyring keyring = BigKeyring();
  SeededEntropy one(1), two(2);
  std::vector<KeyringPart> parts = SealKeyring(keyring, SampleKek(), SampleVaultSecret(), &one);
  parts[1] = SealKeyring(keyring, SampleKek(), SampleVaultSecret(), &two)[1];
  EXPECT_TRUE(absl::IsDataLoss(OpenKeyring(kVault, SampleKek(), parts).status()));
}

TEST(KeyringFile, IsItsGoldenFile) {
  ExpectGolden("keyring_file", EncodeKeyringFile(kVault, SampleParts()));
  absl::StatusOr<std::vector<KeyringPart>> parts =
      ParseKeyringFile(kVault, ReadGoldenBytes("keyring_file"));
  ASSERT_TRUE(parts.ok()) << parts.status();
  absl::StatusOr<OpenedKeyring> opened = OpenKeyring(kVault, SampleKek(), *parts);
  ASSERT_TRUE(opened.ok()) << opened.status();
  EXPECT_EQ(opened->keyring.envelopes, SampleKeyring().envelopes);
}

TEST(KeyringFile, EveryFlippedByteAndEveryCutIsDamage) {
  std::vector<std::byte> file = EncodeKeyringFile(kVault, SampleParts());
  ForEachFlip(file, [](ByteSpan changed, size_t index) {
    EXPECT_TRUE(absl::IsDataLoss(ParseKeyringFile(kVault, changed).status())) << index;
  });
  ForEachCut(file, [](ByteSpan front) {
    absl::Status status = ParseKeyringFile(kVault, front).status();
    EXPECT_TRUE(absl::IsDataLoss(status));
    EXPECT_NE(status.message().find("damaged keyring file"), absl::string_view::npos);
  });
}

TEST(KeyringFile, OfAnotherVaultIsRefused) {
  std::vector<std::byte> file = EncodeKeyringFile(kVault, SampleParts());
  EXPECT_TRUE(absl::IsFailedPrecondition(ParseKeyringFile(Counting<VaultId>(2), file).status()));
}

}  // namespace
}  // namespace tidemark
