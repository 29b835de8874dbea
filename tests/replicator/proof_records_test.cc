// Goal: what sites and agent have signed counts only as far as the records' chain shows it.
#include <gtest/gtest.h>

#include "tests/replicator/proof_world.h"

namespace tidemark {
namespace {

// The receipt that says truncated may be the one that is lacking.
TEST(ProofOfRecords, ConvictsNobodyAcrossAGap) {
  ProofWorld world = HealthyProofWorld();
  world.SignReceipt(2, 10, kStart + 2500 * kMilli, Receipt::Level::kTruncated);
  const size_t truncated = world.pieces.size() - 1;
  world.SignReceipt(2, 10, kStart + 2600 * kMilli);
  world.pieces.erase(world.pieces.begin() + static_cast<ptrdiff_t>(truncated));
  const ProofFindings findings = FindIn(world);
  EXPECT_TRUE(Names(findings, FindingKind::kMissing, "w", 21));
  for (const ProofFinding& finding : findings.listed())
    EXPECT_EQ(finding.kind, FindingKind::kMissing) << finding.message;
}

// As above, of what the records' chain shows to be another record.
TEST(ProofOfRecords, ConvictsNobodyAcrossAGapByTheRecordsChain) {
  ProofWorld world = HealthyProofWorld();
  const uint64_t sequence = world.Append(kStart + 2400 * kMilli).sequence;
  Receipt given_up = world.NextReceipt(2, sequence, kStart + 2500 * kMilli);
  given_up.heads[0].durable.digest.bytes[0] ^= std::byte{1};
  Receipt held = world.NextReceipt(2, sequence, kStart + 2600 * kMilli);
  held.number = given_up.number + 2;
  for (const Receipt& receipt : {given_up, held}) {
    world.pieces.push_back(
        {EvidenceKind::kReceipt, SignReceipt(world.site_key(2), receipt).Encode()});
  }
  const size_t headers = world.log().size() - 1;
  world.pieces.insert(world.pieces.begin() + static_cast<ptrdiff_t>(headers),
                      {EvidenceKind::kHeader, world.log().back().Encode()});
  const ProofFindings findings = FindIn(world);
  EXPECT_TRUE(Names(findings, FindingKind::kMissing, "w", given_up.number + 1));
  for (const ProofFinding& finding : findings.listed())
    EXPECT_EQ(finding.kind, FindingKind::kMissing) << finding.message;
}

// It would be taken to hold all that ever comes.
TEST(ProofOfRecords, BelievesNoSiteThatNamesWhatNoLogHas) {
  ProofWorld world = HealthyProofWorld();
  Receipt lie = world.NextReceipt(1, 20, kStart + 2500 * kMilli);
  lie.heads[0].durable.sequence = 1'000'000'000'000;
  const SignedReceipt signed_lie = SignReceipt(world.site_key(1), lie);
  world.pieces.push_back({EvidenceKind::kReceipt, signed_lie.Encode()});
  EXPECT_TRUE(Names(FindIn(world), FindingKind::kMissing, "b", lie.number));
}

TEST(ProofOfRecords, BelievesNoReceiptsWithoutTheRecordsChain) {
  ProofWorld world = HealthyProofWorld();
  std::erase_if(world.pieces,
                [](const ProofWorld::Piece& piece) { return piece.kind == EvidenceKind::kHeader; });
  EXPECT_TRUE(Names(FindIn(world), FindingKind::kMissing, "a", 1));
}

// Epoch 2 began where only the sites without record 21 of epoch 1 answered. Epoch 3 was answered by
// one that had it, and goes on from there: with a start of its own, or not.
ProofWorld WithAnEpochPassedOver(bool goes_on) {
  ProofWorld world = HealthyProofWorld();
  ProofWorld lost = world;
  lost.epoch = 2;
  EpochStart begun;
  begun.epoch = 2;
  const std::vector<std::byte> start = Encode(begun);
  lost.Append(kStart + 3 * kSecond, RecordKind::kEpochStart, &start);
  world.Append(kStart + 3 * kSecond);
  world.epoch = 3;
  if (goes_on) world.Append(kStart + 3 * kSecond);
  std::vector<ProofWorld::Piece> shown = std::exchange(world.pieces, {});
  shown.push_back(lost.pieces.back());
  world.ShowHeaders();
  for (const ProofWorld::Piece& piece : shown) {
    if (piece.kind != EvidenceKind::kHeader) world.pieces.push_back(piece);
  }
  return world;
}

TEST(ProofOfRecords, AnEpochThatANewerOnePassedOverLeftNoHistory) {
  EXPECT_TRUE(FindIn(WithAnEpochPassedOver(true)).empty());
}

// What a site signed of an epoch that a newer one cut shorter is behind the end until it grows.
TEST(ProofOfRecords, AcquitsOfRecordsThatANewerEpochPassedOver) {
  for (const uint64_t epoch : {1, 3}) {
    ProofWorld world = WithAnEpochPassedOver(true);
    Receipt beyond = world.NextReceipt(2, 20, kStart + 4 * kSecond);
    beyond.heads[0].durable.sequence = 25;
    beyond.heads[0].durable.epoch = epoch;
    const SignedReceipt told = SignReceipt(world.site_key(2), beyond);
    world.pieces.push_back({EvidenceKind::kReceipt, told.Encode()});
    EXPECT_EQ(FindIn(world).empty(), epoch == 1) << epoch;
  }
}

TEST(ProofOfRecords, NamesAControlRecordThatTheChainLeavesOut) {
  EXPECT_TRUE(Names(FindIn(WithAnEpochPassedOver(false)), FindingKind::kChain, "", 21));
}

TEST(ProofOfRecords, NamesABreakInTheRecordsChain) {
  ProofWorld world = HealthyProofWorld();
  world.pieces.erase(world.pieces.begin() + 7);
  EXPECT_TRUE(Names(FindIn(world), FindingKind::kChain, "", 9));
}

}  // namespace
}  // namespace tidemark
