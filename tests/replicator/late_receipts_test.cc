// Goal: a receipt that the agent kept late accuses nobody, is judged by its number and its chain,
// and proves no more than it did when it was signed; one that nobody has leaves the time unknown.
#include <gtest/gtest.h>

#include "tests/replicator/proof_world.h"
#include "tests/replicator/samples.h"

namespace tidemark {
namespace {

constexpr int64_t kEnd = kStart + 3 * kSecond;

// Receipts `from` to `to` of site b come only at the end.
ProofWorld WithLateReceipts(const ProofWorld& healthy, uint64_t from, uint64_t to,
                            EvidenceMarks marks) {
  ProofWorld world = healthy;
  std::vector<ProofWorld::Piece> kept, late;
  for (const ProofWorld::Piece& piece : healthy.pieces) {
    const absl::StatusOr<SignedReceipt> receipt =
        piece.kind == EvidenceKind::kReceipt
            ? ParseReceiptUnchecked(piece.body)
            : absl::StatusOr<SignedReceipt>(absl::NotFoundError(""));
    const bool is_late = receipt.ok() && receipt->receipt.site == "b" &&
                         receipt->receipt.number >= from && receipt->receipt.number <= to;
    (is_late ? late : kept).push_back(piece);
    if (is_late) late.back().marks = marks;
  }
  world.pieces = kept;
  world.pieces.insert(world.pieces.end(), late.begin(), late.end());
  return world;
}

// The agent names only what it keeps: of b nothing from receipt 8 to 11.
ProofWorld WorldWithAHole() {
  ProofWorld world(kStart);
  for (uint64_t round = 1; round <= 20; ++round) {
    const int64_t now = kStart + static_cast<int64_t>(round) * 100 * kMilli;
    const bool keeps = round <= 7 || round > 12;
    if (keeps) world.MakeCheckpoint(round, now);
    for (size_t site = 0; site < 3; ++site) world.SignReceipt(site, round, now + 10 * kMilli);
    if (round < 20) world.Append(now);
  }
  world.MakeCheckpoint(20, kEnd);
  world.ShowHeaders();
  return world;
}

std::vector<LedgerInterval> UnknownOf(const LedgerReport& report, size_t site) {
  std::vector<LedgerInterval> unknown;
  for (const LedgerInterval& interval : report.vaults.at(0).sites.at(site).intervals) {
    if (interval.kind == LedgerInterval::Kind::kUnknown) unknown.push_back(interval);
  }
  return unknown;
}

TEST(LateReceipts, AccuseNobodyAndLeaveNoGap) {
  const ProofWorld world = WithLateReceipts(WorldWithAHole(), 8, 11, {.is_late = true});
  EXPECT_TRUE(FindIn(world).empty());
  EXPECT_TRUE(FindIn(world, 1).empty());
  const ProofWorld unmarked = WithLateReceipts(WorldWithAHole(), 8, 11, {});
  EXPECT_TRUE(Names(FindIn(unmarked), FindingKind::kReordered, "b", 8));
}

TEST(LateReceipts, MayComeInAnyOrderAndInPart) {
  ProofWorld world = WithLateReceipts(WorldWithAHole(), 8, 11, {.is_late = true});
  std::reverse(world.pieces.end() - 4, world.pieces.end());
  EXPECT_TRUE(FindIn(world).empty());
  world.pieces.erase(world.pieces.end() - 2);  // receipt 9
  const ProofFindings findings = FindIn(world);
  EXPECT_EQ(findings.count(), 1u);
  EXPECT_TRUE(Names(findings, FindingKind::kMissing, "b", 9));
}

TEST(LateReceipts, ProveNoMoreThanWhatCameInTime) {
  const ProofWorld whole = WorldWithAHole();
  ProofFindings findings;
  const ExportManifest manifest = whole.Manifest(kStart, kEnd);
  const LedgerReport expected = whole.Check(manifest, &findings).ledger;
  const ProofWorld late = WithLateReceipts(whole, 8, 11, {.is_late = true});
  EXPECT_EQ(late.Check(manifest, &findings).ledger, expected);
  EXPECT_TRUE(findings.empty());
}

TEST(LateReceipts, AreForgedOrOfASecondHistoryAllTheSame) {
  const ProofWorld whole = WithLateReceipts(WorldWithAHole(), 8, 11, {.is_late = true});
  ProofWorld changed = whole;
  std::vector<std::byte>& body = changed.pieces[changed.pieces.size() - 3].body;
  body[body.size() - 64 - 5] ^= std::byte{1};
  EXPECT_TRUE(Names(FindIn(changed), FindingKind::kForged, "b", 9));
  // Signed by the site, and not what the receipt behind it names.
  ProofWorld twin = whole;
  Receipt other = ParseReceiptUnchecked(twin.pieces.back().body)->receipt;
  other.wall_nanos += 1;
  twin.pieces.back().body = SignReceipt(ProofWorld::site_key(1), other).Encode();
  EXPECT_TRUE(Names(FindIn(twin), FindingKind::kEquivocation, "b", 12));
}

TEST(LateReceipts, ShowThatASiteWentBackUnlessItSaysSo) {
  for (const bool says_so : {false, true}) {
    ProofWorld world = HealthyProofWorld();
    world.SignReceipt(1, 10, kStart + 2500 * kMilli,
                      says_so ? Receipt::Level::kTruncated : Receipt::Level::kFlushed);
    world.SignReceipt(1, 20, kStart + 2600 * kMilli);
    const ProofWorld late = WithLateReceipts(world, 21, 21, {.is_late = true});
    if (says_so) {
      EXPECT_TRUE(FindIn(late).empty());
    } else {
      EXPECT_TRUE(Names(FindIn(late), FindingKind::kWentBack, "b", 21));
    }
  }
}

// Its neighbours say nothing against it: only the records' chain does.
TEST(LateReceipts, OfAnotherLogConvictUnlessGivenUpLater) {
  for (const bool gives_up : {false, true}) {
    ProofWorld world(kStart);
    for (uint64_t record = 2; record <= 20; ++record) world.Append(kStart);
    world.MakeCheckpoint(20, kStart);
    world.SignReceipt(1, 10, kStart + 100 * kMilli);
    Receipt lie = world.NextReceipt(1, 12, kStart + 200 * kMilli);
    lie.heads[0].durable.digest = HashBytes(AsBytes("another record 12"));
    const SignedReceipt told = SignReceipt(ProofWorld::site_key(1), lie);
    Receipt then = lie;
    ++then.number;
    then.previous = told.digest();
    then.level = gives_up ? Receipt::Level::kTruncated : Receipt::Level::kFlushed;
    then.heads[0].durable = world.log()[19].position();
    for (const SignedReceipt& one : {told, SignReceipt(ProofWorld::site_key(1), then)})
      world.pieces.push_back({EvidenceKind::kReceipt, one.Encode()});
    world.ShowHeaders();
    const ProofFindings findings = FindIn(WithLateReceipts(world, 2, 2, {.is_late = true}));
    if (gives_up) {
      EXPECT_TRUE(findings.empty());
    } else {
      EXPECT_TRUE(Names(findings, FindingKind::kEquivocation, "b", 2));
    }
  }
}

TEST(LostReceipts, LeaveTheTimeUnknownAndNeverMet) {
  ProofWorld world = WithLateReceipts(WorldWithAHole(), 8, 11, {.is_late = true});
  world.pieces.resize(world.pieces.size() - 4);
  ExportManifest manifest = world.Manifest(kStart, kEnd);
  manifest.gaps.push_back({1, Counting<StoreId>(21), 8, 11});
  ProofFindings findings;
  const LedgerReport ledger = world.Check(manifest, &findings).ledger;
  EXPECT_TRUE(findings.empty());
  // From the last checkpoint before the hole to the first that names a receipt behind it.
  const std::vector<LedgerInterval> unknown = UnknownOf(ledger, 1);
  ASSERT_EQ(unknown.size(), 2u);
  EXPECT_EQ(unknown[1].from, kStart + 700 * kMilli);
  EXPECT_EQ(unknown[1].to, kStart + 1300 * kMilli);
  const SiteLedger& b = ledger.vaults[0].sites[1];
  EXPECT_EQ(b.known + b.unknown, 3 * kSecond);
  EXPECT_EQ(UnknownOf(ledger, 0).size(), 1u);  // before its first receipt
}

TEST(LostReceipts, AtTheEndLeaveTheRestUnknown) {
  const ProofWorld world = HealthyProofWorld();
  ExportManifest manifest = world.Manifest(kStart, kStart + 10 * kSecond);
  manifest.gaps.push_back({0, Counting<StoreId>(20), 21, 30});
  ProofFindings findings;
  const LedgerReport ledger = world.Check(manifest, &findings).ledger;
  const std::vector<LedgerInterval> unknown = UnknownOf(ledger, 0);
  ASSERT_EQ(unknown.size(), 2u);
  EXPECT_EQ(unknown[1].to, kStart + 10 * kSecond);
}

TEST(LostReceipts, CountAsTheAgentCountedThemInAnExportOfTheFirstVersion) {
  ProofWorld world = WithLateReceipts(WorldWithAHole(), 8, 11, {});
  world.pieces.resize(world.pieces.size() - 4);
  ExportManifest manifest = world.Manifest(kStart, kEnd);
  manifest.gaps.push_back({1, Counting<StoreId>(21), 8, 11});
  manifest.version = 1;
  ProofFindings findings;
  EXPECT_EQ(UnknownOf(world.Check(manifest, &findings).ledger, 1).size(), 1u);
  EXPECT_TRUE(findings.empty());
}

TEST(DisownedReceipts, ProveNothing) {
  ProofWorld world = HealthyProofWorld();
  for (ProofWorld::Piece& piece : world.pieces) {
    if (piece.kind != EvidenceKind::kReceipt) continue;
    piece.marks.is_disowned = ParseReceiptUnchecked(piece.body)->receipt.site == "w";
  }
  ProofFindings findings;
  const LedgerReport ledger = world.Check(world.Manifest(kStart, kEnd), &findings).ledger;
  EXPECT_EQ(ledger.vaults[0].sites[2].known, 0);
  EXPECT_GT(ledger.vaults[0].sites[1].known, 0);
}

}  // namespace
}  // namespace tidemark
