#include "replicator/proof.h"

#include <gtest/gtest.h>

#include "tests/replicator/mutations.h"
#include "tests/replicator/proof_world.h"
#include "tests/replicator/samples.h"

namespace tidemark {
namespace {

// Both statements of a finding are signed by the site: they convict it wherever they are shown.
void ExpectConvictedByOwnSignatures(const ProofFindings& findings, const PublicKey& key) {
  bool found = false;
  for (const ProofFinding& finding : findings.listed()) {
    if (finding.kind != FindingKind::kEquivocation && finding.kind != FindingKind::kWentBack)
      continue;
    ASSERT_EQ(finding.statements.size(), 2u) << finding.message;
    EXPECT_NE(finding.statements[0], finding.statements[1]);
    for (const std::string& hex : finding.statements) {
      std::vector<std::byte> bytes(hex.size() / 2);
      ASSERT_TRUE(FromHex(hex, bytes));
      EXPECT_TRUE(ParseReceipt(key, bytes).ok());
    }
    found = true;
  }
  EXPECT_TRUE(found);
}

TEST(Proof, FindsNothingInWhatIsRight) {
  const ProofWorld world = HealthyProofWorld();
  ProofFindings findings;
  const ProofReport report =
      world.Check(world.Manifest(kStart, kStart + 3 * kSecond), &findings, 1);
  EXPECT_TRUE(findings.empty());
  EXPECT_EQ(report.receipts, 60u);
  EXPECT_EQ(report.records, 20u);
  EXPECT_EQ(report.signatures, 60u + 21u);
  EXPECT_EQ(report.heads_outside_chain, 0u);
  ASSERT_EQ(report.chains.size(), 3u);
  EXPECT_EQ(report.chains[0].last, 20u);
  EXPECT_EQ(report.clocks[0].ahead_at_most, -10 * kMilli);
}

TEST(Proof, ChecksSignaturesAtBordersOnly) {
  const ProofWorld world = HealthyProofWorld();
  ProofFindings findings;
  const ProofReport report =
      world.Check(world.Manifest(kStart, kStart + 3 * kSecond), &findings, 100);
  EXPECT_TRUE(findings.empty());
  EXPECT_EQ(report.signatures, 3 * 2u + 1u);  // first and last of each chain, one checkpoint
}

TEST(Proof, NamesATamperedReceiptAtAnyPlace) {
  const ProofWorld world = HealthyProofWorld();
  const std::vector<size_t> receipts = world.ReceiptsOf(1);
  for (size_t i = 0; i < receipts.size(); ++i) {
    ProofWorld changed = world;
    // A digit of its wall time: its layout stays right.
    std::vector<std::byte>& body = changed.pieces[receipts[i]].body;
    body[10 + 2 + 3 + 32 + 8 + 32] ^= std::byte{4};
    EXPECT_TRUE(Names(FindIn(changed), FindingKind::kForged, "b", i + 1)) << i;
  }
}

TEST(Proof, EveryChangedByteOfAnyReceiptIsFound) {
  const ProofWorld world = HealthyProofWorld();
  const size_t place = world.ReceiptsOf(2)[9];
  ProofWorld changed = world;
  ForEachFlip(world.pieces[place].body, [&](ByteSpan bytes, size_t index) {
    changed.pieces[place].body.assign(bytes.begin(), bytes.end());
    EXPECT_FALSE(FindIn(changed).empty()) << index;
  });
}

TEST(Proof, NamesADroppedReceipt) {
  const ProofWorld world = HealthyProofWorld();
  const std::vector<size_t> receipts = world.ReceiptsOf(0);
  for (size_t i = 1; i + 1 < receipts.size(); ++i) {
    ProofWorld changed = world;
    changed.pieces.erase(changed.pieces.begin() + static_cast<ptrdiff_t>(receipts[i]));
    EXPECT_TRUE(Names(FindIn(changed), FindingKind::kMissing, "a", i + 1)) << i;
  }
  // The last one: the agent's checkpoint names it.
  ProofWorld cut = world;
  cut.pieces.erase(cut.pieces.begin() + static_cast<ptrdiff_t>(receipts.back()));
  EXPECT_TRUE(Names(FindIn(cut), FindingKind::kMissing, "a", 0));
}

TEST(Proof, AStatedGapIsAFactAndNoFinding) {
  ProofWorld world = HealthyProofWorld();
  const std::vector<size_t> receipts = world.ReceiptsOf(0);
  // Checkpoints that name what is gone are gone too, as after a crash of the agent.
  world.pieces.erase(world.pieces.begin() + static_cast<ptrdiff_t>(receipts[6]),
                     world.pieces.begin() + static_cast<ptrdiff_t>(receipts[6] + 4));
  ExportManifest manifest = world.Manifest(kStart, kStart + 3 * kSecond);
  ProofFindings without;
  world.Check(manifest, &without);
  EXPECT_EQ(without.count(), 3u);  // one of each site
  for (uint8_t site = 0; site < 3; ++site)
    manifest.gaps.push_back({site, Counting<StoreId>(static_cast<uint8_t>(20 + site)), 7, 7});
  ProofFindings stated;
  world.Check(manifest, &stated);
  EXPECT_TRUE(stated.empty());
}

TEST(Proof, NamesADuplicatedReceipt) {
  const ProofWorld world = HealthyProofWorld();
  const size_t place = world.ReceiptsOf(2)[4];
  ProofWorld changed = world;
  changed.pieces.push_back(world.pieces[place]);
  EXPECT_TRUE(Names(FindIn(changed), FindingKind::kDuplicated, "w", 5));
}

TEST(Proof, NamesAReorderedReceipt) {
  const ProofWorld world = HealthyProofWorld();
  const std::vector<size_t> receipts = world.ReceiptsOf(1);
  ProofWorld changed = world;
  std::swap(changed.pieces[receipts[7]], changed.pieces[receipts[8]]);
  EXPECT_TRUE(Names(FindIn(changed), FindingKind::kReordered, "b", 8));
}

TEST(Proof, NamesAForgedReceipt) {
  ProofWorld changed = HealthyProofWorld();
  const SigningKey stranger = SigningKey::FromSeed(Secret32());
  Receipt more = changed.NextReceipt(2, 20, kStart + 3 * kSecond);
  changed.pieces.push_back({EvidenceKind::kReceipt, SignReceipt(stranger, more).Encode()});
  EXPECT_TRUE(Names(FindIn(changed), FindingKind::kForged, "w", 21));
}

TEST(Proof, ConvictsASiteThatSignsANumberTwice) {
  ProofWorld world = HealthyProofWorld();
  Receipt twin = ParseReceiptUnchecked(world.pieces[world.ReceiptsOf(1)[10]].body)->receipt;
  twin.wall_nanos += 1;
  world.pieces.push_back({EvidenceKind::kReceipt, SignReceipt(world.site_key(1), twin).Encode()});
  const ProofFindings findings = FindIn(world);
  EXPECT_TRUE(Names(findings, FindingKind::kEquivocation, "b", 11));
  ExpectConvictedByOwnSignatures(findings, world.site_key(1).public_key());
}

TEST(Proof, ConvictsASiteWhoseChainNamesAnotherReceipt) {
  ProofWorld world = HealthyProofWorld();
  Receipt next = world.NextReceipt(0, 20, kStart + 3 * kSecond);
  next.previous = HashBytes(AsBytes("another history"));
  world.pieces.push_back({EvidenceKind::kReceipt, SignReceipt(world.site_key(0), next).Encode()});
  const ProofFindings findings = FindIn(world);
  EXPECT_TRUE(Names(findings, FindingKind::kEquivocation, "a", 21));
  ExpectConvictedByOwnSignatures(findings, world.site_key(0).public_key());
}

TEST(Proof, ConvictsASiteThatGoesBackWithoutSayingTruncated) {
  ProofWorld world = HealthyProofWorld();
  world.SignReceipt(2, 12, kStart + 3 * kSecond);
  const ProofFindings findings = FindIn(world);
  EXPECT_TRUE(Names(findings, FindingKind::kWentBack, "w", 21));
  ExpectConvictedByOwnSignatures(findings, world.site_key(2).public_key());
  ProofWorld honest = HealthyProofWorld();
  honest.SignReceipt(2, 12, kStart + 3 * kSecond, Receipt::Level::kTruncated);
  EXPECT_TRUE(FindIn(honest).empty());
}

// Site w signs another record 21, and then 22 of the log that all others have.
ProofWorld WithAnotherRecordBetween(Receipt::Level then_level) {
  ProofWorld world = HealthyProofWorld();
  Receipt other = world.NextReceipt(2, 20, kStart + 3 * kSecond);
  ProofWorld longer = world;
  const Position position = longer.Append(kStart + 3 * kSecond);
  other.heads[0].durable = position;
  other.heads[0].durable.digest = HashBytes(AsBytes("another record 21"));
  const SignedReceipt lie = SignReceipt(world.site_key(2), other);
  longer.Append(kStart + 3 * kSecond);
  Receipt then = other;
  ++then.number;
  then.level = then_level;
  then.previous = lie.digest();
  then.heads[0].durable = longer.log()[21].position();
  longer.pieces.clear();
  longer.ShowHeaders();
  for (const ProofWorld::Piece& piece : world.pieces) {
    if (piece.kind != EvidenceKind::kHeader) longer.pieces.push_back(piece);
  }
  longer.pieces.push_back({EvidenceKind::kReceipt, lie.Encode()});
  longer.pieces.push_back({EvidenceKind::kReceipt, SignReceipt(world.site_key(2), then).Encode()});
  return longer;
}

// Both receipts are right in their chain: only the records' chain between them shows it.
TEST(Proof, ConvictsASiteThatSignedAnotherLogInBetween) {
  const ProofWorld world = WithAnotherRecordBetween(Receipt::Level::kFlushed);
  const ProofFindings findings = FindIn(world);
  EXPECT_TRUE(Names(findings, FindingKind::kEquivocation, "w", 21));
  ExpectConvictedByOwnSignatures(findings, world.site_key(2).public_key());
}

// What only it held was passed over by a newer epoch, also where that epoch adopted older records.
TEST(Proof, ASiteThatSaysWhatItGaveUpSignedNoSecondHistory) {
  EXPECT_TRUE(FindIn(WithAnotherRecordBetween(Receipt::Level::kTruncated)).empty());
}

TEST(Proof, NamesACheckpointThatTheAgentDidNotSign) {
  ProofWorld world = HealthyProofWorld();
  for (ProofWorld::Piece& piece : world.pieces) {
    if (piece.kind != EvidenceKind::kCheckpoint) continue;
    SignedCheckpoint changed = *ParseCheckpointUnchecked(piece.body);
    changed.checkpoint.captured_at_nanos += 1;
    piece.body = changed.Encode();
    break;
  }
  EXPECT_TRUE(Names(FindIn(world), FindingKind::kForged, "", 1));
}

// Whatever happens to the frames, reading them ends, and nothing that was changed passes.
TEST(Proof, SurvivesRandomDamage) {
  const ProofWorld world = HealthyProofWorld();
  std::string evidence;
  for (const ProofWorld::Piece& piece : world.pieces)
    AppendEvidence(piece.kind, {}, piece.body, &evidence);
  const ExportManifest manifest = world.Manifest(kStart, kStart + 3 * kSecond);
  SeededNumbers random(1);
  for (int i = 0; i < 300; ++i) {
    const std::vector<std::byte> damaged = Mutate(AsBytes(evidence), &random);
    ProofFindings findings;
    ProofCheck check(manifest, 100, &findings);
    size_t at = 0, used = 0;
    std::optional<EvidenceFrame> frame;
    absl::Status read;
    while (read.ok() && at < damaged.size()) {
      read = ReadEvidence(ByteSpan(damaged).subspan(at), &frame, &used);
      if (!frame.has_value()) break;
      check.Take(*frame);
      at += used;
    }
    check.Finish();
    const bool whole =
        damaged.size() == evidence.size() && AsText(damaged) == std::string_view(evidence);
    EXPECT_TRUE(whole || !read.ok() || at < damaged.size() || at < evidence.size() ||
                !findings.empty())
        << i;
  }
}

// A whole piece of evidence replaced by a mutation of itself, framed as if it were right.
TEST(Proof, SurvivesMutatedStatements) {
  const ProofWorld world = HealthyProofWorld();
  SeededNumbers random(2);
  for (int i = 0; i < 500; ++i) {
    ProofWorld changed = world;
    const size_t place = random.Below(changed.pieces.size());
    changed.pieces[place].body = Mutate(changed.pieces[place].body, &random);
    const bool same = changed.pieces[place].body == world.pieces[place].body;
    EXPECT_TRUE(same || !FindIn(changed, 1).empty()) << i;
  }
}

}  // namespace
}  // namespace tidemark
