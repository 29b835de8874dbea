#include "replicator/receipt.h"

#include <gtest/gtest.h>

#include "tests/replicator/golden.h"
#include "tests/replicator/mutations.h"
#include "tests/replicator/samples.h"

namespace tidemark {
namespace {

// A signed statement is its golden file, is read back, and no change of it goes unseen.
template <class Parse>
void ExpectSoundStatement(const std::string& name, const std::vector<std::byte>& bytes,
                          Parse parse) {
  SCOPED_TRACE(name);
  PublicKey signer = SampleSigner().public_key();
  ExpectGolden(name, bytes);
  auto parsed = parse(signer, ReadGoldenBytes(name));
  ASSERT_TRUE(parsed.ok()) << parsed.status();
  EXPECT_EQ(parsed->Encode(), bytes);

  ForEachFlip(bytes, [&](ByteSpan changed, size_t index) {
    EXPECT_FALSE(parse(signer, changed).ok()) << index;
  });
  ForEachCut(bytes, [&](ByteSpan front) { EXPECT_FALSE(parse(signer, front).ok()); });
  std::vector<std::byte> longer = bytes;
  longer.push_back(std::byte{0});
  EXPECT_FALSE(parse(signer, longer).ok());
  std::vector<std::byte> newer = bytes;
  newer[8] = std::byte{3};
  EXPECT_TRUE(absl::IsUnimplemented(parse(signer, newer).status()));
  PublicKey stranger = SigningKey::FromSeed(Secret32()).public_key();
  EXPECT_TRUE(absl::IsPermissionDenied(parse(stranger, bytes).status()));
}

TEST(SignedStatements, AreTheirGoldenFiles) {
  ExpectSoundStatement("receipt", SignReceipt(SampleSigner(), SampleReceipt()).Encode(),
                       ParseReceipt);
  ExpectSoundStatement("checkpoint", SignCheckpoint(SampleSigner(), SampleCheckpoint()).Encode(),
                       ParseCheckpoint);
  ExpectSoundStatement("promise", SignPromise(SampleSigner(), SamplePromise()).Encode(),
                       ParsePromise);
}

TEST(Receipts, KeepEveryField) {
  SignedReceipt made = SignReceipt(SampleSigner(), SampleReceipt());
  absl::StatusOr<SignedReceipt> parsed = ParseReceipt(SampleSigner().public_key(), made.Encode());
  ASSERT_TRUE(parsed.ok()) << parsed.status();
  Receipt expected = SampleReceipt();
  EXPECT_EQ(parsed->receipt.site, expected.site);
  EXPECT_EQ(parsed->receipt.store, expected.store);
  EXPECT_EQ(parsed->receipt.boot, expected.boot);
  EXPECT_EQ(parsed->receipt.number, expected.number);
  EXPECT_EQ(parsed->receipt.previous, expected.previous);
  EXPECT_EQ(parsed->receipt.level, expected.level);
  EXPECT_EQ(parsed->receipt.wall_nanos, expected.wall_nanos);
  EXPECT_EQ(parsed->receipt.monotonic_nanos, expected.monotonic_nanos);
  EXPECT_EQ(parsed->receipt.wall_error_nanos, expected.wall_error_nanos);
  EXPECT_EQ(parsed->receipt.checkpoint, expected.checkpoint);
  EXPECT_EQ(parsed->receipt.heads, expected.heads);
  EXPECT_EQ(parsed->digest(), HashBytes(made.Encode()));
}

TEST(Receipts, RefuseUnknownLevelsAndNumberZero) {
  PublicKey site = SampleSigner().public_key();
  for (int level = 0; level < 256; ++level) {
    Receipt receipt = SampleReceipt();
    receipt.level = static_cast<Receipt::Level>(level);
    absl::Status status =
        ParseReceipt(site, SignReceipt(SampleSigner(), receipt).Encode()).status();
    bool known = (level >= 1 && level <= 3) || level == 9;
    EXPECT_EQ(status.ok(), known) << level << status;
  }
  Receipt receipt = SampleReceipt();
  receipt.number = 0;
  EXPECT_TRUE(
      absl::IsDataLoss(ParseReceipt(site, SignReceipt(SampleSigner(), receipt).Encode()).status()));
}

TEST(Receipts, RefuseAVaultTwice) {
  Receipt receipt = SampleReceipt();
  receipt.heads[1].vault = receipt.heads[0].vault;
  SignedReceipt made = SignReceipt(SampleSigner(), receipt);
  EXPECT_TRUE(absl::IsDataLoss(ParseReceipt(SampleSigner().public_key(), made.Encode()).status()));
}

TEST(Receipts, MayHoldNoVault) {
  Receipt receipt = SampleReceipt();
  receipt.heads.clear();
  SignedReceipt made = SignReceipt(SampleSigner(), receipt);
  EXPECT_TRUE(ParseReceipt(SampleSigner().public_key(), made.Encode()).ok());
}

TEST(Checkpoints, KeepEveryField) {
  SignedCheckpoint made = SignCheckpoint(SampleSigner(), SampleCheckpoint());
  absl::StatusOr<SignedCheckpoint> parsed =
      ParseCheckpoint(SampleSigner().public_key(), made.Encode());
  ASSERT_TRUE(parsed.ok()) << parsed.status();
  Checkpoint expected = SampleCheckpoint();
  EXPECT_EQ(parsed->checkpoint.vault, expected.vault);
  EXPECT_EQ(parsed->checkpoint.upto, expected.upto);
  EXPECT_EQ(parsed->checkpoint.captured_at_nanos, expected.captured_at_nanos);
  EXPECT_EQ(parsed->checkpoint.restorable_at_nanos, expected.restorable_at_nanos);
  EXPECT_EQ(parsed->checkpoint.made_at_nanos, expected.made_at_nanos);
  EXPECT_EQ(parsed->checkpoint.bytes_upto, expected.bytes_upto);
  EXPECT_EQ(parsed->checkpoint.receipts, expected.receipts);
  EXPECT_EQ(parsed->digest(), HashBytes(made.Encode()));
}

TEST(Promises, KeepEveryField) {
  std::vector<std::byte> bytes = SignPromise(SampleSigner(), SamplePromise()).Encode();
  absl::StatusOr<SignedPromise> parsed = ParsePromiseUnchecked(bytes);
  ASSERT_TRUE(parsed.ok()) << parsed.status();
  EXPECT_EQ(parsed->promise.site, SamplePromise().site);
  EXPECT_EQ(parsed->promise.store, SamplePromise().store);
  EXPECT_EQ(parsed->promise.vault, SamplePromise().vault);
  EXPECT_EQ(parsed->promise.epoch, SamplePromise().epoch);
  EXPECT_EQ(parsed->promise.nonce, SamplePromise().nonce);
  EXPECT_EQ(parsed->promise.tail, SamplePromise().tail);
  bytes.back() ^= std::byte{1};
  EXPECT_TRUE(ParsePromiseUnchecked(bytes).ok());
  EXPECT_FALSE(ParsePromise(SampleSigner().public_key(), bytes).ok());
}

TEST(SignedStatements, OfOneKindAreNotAnother) {
  PublicKey signer = SampleSigner().public_key();
  std::vector<std::byte> receipt = SignReceipt(SampleSigner(), SampleReceipt()).Encode();
  EXPECT_FALSE(ParseCheckpoint(signer, receipt).ok());
  EXPECT_FALSE(ParsePromise(signer, receipt).ok());
}

}  // namespace
}  // namespace tidemark
