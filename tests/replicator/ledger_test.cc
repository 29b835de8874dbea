#include "replicator/ledger.h"

#include <gtest/gtest.h>

#include "tests/replicator/mutations.h"
#include "tests/replicator/proof_world.h"

namespace tidemark {
namespace {


const SiteLedger& Of(const LedgerReport& report, size_t site) {
  return report.vaults.at(0).sites.at(site);
}

// Every 100 ms a record, a checkpoint of the one before, and receipts of those in `alive`.
void Traffic(ProofWorld* world, int64_t from, int64_t to, std::vector<size_t> alive) {
  for (int64_t now = from; now < to; now += 100 * kMilli) {
    const uint64_t held = world->log().size();
    world->MakeCheckpoint(held, now + 10 * kMilli);
    for (size_t site : alive) world->SignReceipt(site, held, now + 20 * kMilli);
    world->Append(now + 30 * kMilli);
  }
}

TEST(Ledger, TellsASmallLagOfAHealthySite) {
  ProofWorld world(kStart);
  Traffic(&world, kStart, kStart + 10 * kSecond, {0, 1, 2});
  world.ShowHeaders();
  ProofFindings findings;
  const LedgerReport report =
      world.Check(world.Manifest(kStart, kStart + 10 * kSecond), &findings).ledger;
  EXPECT_TRUE(findings.empty());
  for (size_t site = 0; site < 3; ++site) {
    const SiteLedger& row = Of(report, site);
    EXPECT_EQ(row.unknown, 110 * kMilli);  // until the second checkpoint names its first receipt
    EXPECT_EQ(row.known + row.unknown, 10 * kSecond);
    EXPECT_LE(row.rpo.worst, 300 * kMilli);
    EXPECT_GT(row.rpo.p50, 0);
    EXPECT_EQ(row.minutes_missed, 0u);
    EXPECT_EQ(row.bytes, row.bytes_within);
    EXPECT_GT(row.bytes, 0u);
  }
}

TEST(Ledger, GrowsWhileASiteIsAwayAndWhileTheAgentIs) {
  ProofWorld world(kStart);
  Traffic(&world, kStart, kStart + 10 * kSecond, {0, 1, 2});
  Traffic(&world, kStart + 10 * kSecond, kStart + 190 * kSecond, {0, 1});  // w is away
  Traffic(&world, kStart + 190 * kSecond, kStart + 200 * kSecond, {0, 1, 2});
  ProofFindings findings;
  const int64_t until = kStart + 300 * kSecond;  // the agent is away for the last 100 s
  const LedgerReport report = world.Check(world.Manifest(kStart, until), &findings).ledger;
  const SiteLedger& w = Of(report, 2);
  EXPECT_NEAR(static_cast<double>(w.rpo.worst), 180.0 * kSecond, 1.0 * kSecond);
  // 60 s to 180 s after w went away, and 60 s to 100 s after the agent did.
  EXPECT_NEAR(static_cast<double>(w.above), 160.0 * kSecond, 1.0 * kSecond);
  EXPECT_LT(w.bytes_within, w.bytes);
  std::vector<LedgerInterval> breaches, absences;
  for (const LedgerInterval& interval : w.intervals) {
    if (interval.kind == LedgerInterval::Kind::kBreach) breaches.push_back(interval);
    if (interval.kind == LedgerInterval::Kind::kAbsent) absences.push_back(interval);
  }
  ASSERT_EQ(breaches.size(), 2u);
  EXPECT_NEAR(static_cast<double>(breaches[0].from - kStart), 70.0 * kSecond, 1.0 * kSecond);
  EXPECT_NEAR(static_cast<double>(breaches[0].to - kStart), 190.0 * kSecond, 1.0 * kSecond);
  EXPECT_EQ(breaches[1].to, until);
  EXPECT_EQ(absences.size(), 2u);
  const SiteLedger& a = Of(report, 0);
  EXPECT_NEAR(static_cast<double>(a.rpo.worst), 100.0 * kSecond, 1.0 * kSecond);
  // Minutes touched: kStart is 1790000000, which is 20 s into a minute.
  EXPECT_EQ(kStart / kMinute * kMinute + 20 * kSecond, kStart);
  EXPECT_EQ(a.minutes_missed, 2u);  // from 260 s to 300 s
  EXPECT_EQ(w.minutes_missed, 5u);  // 70 s to 190 s touches three, 260 s to 300 s two more
}

TEST(Ledger, CountsTheUnknownAsUnknown) {
  ProofWorld world(kStart + 60 * kSecond);
  Traffic(&world, kStart + 60 * kSecond, kStart + 70 * kSecond, {0, 1});
  world.ShowHeaders();
  ProofFindings findings;
  const LedgerReport report =
      world.Check(world.Manifest(kStart, kStart + 70 * kSecond), &findings).ledger;
  EXPECT_EQ(Of(report, 0).unknown, 60 * kSecond + 110 * kMilli);
  EXPECT_EQ(Of(report, 2).unknown, 70 * kSecond);
  EXPECT_EQ(Of(report, 2).known, 0);
  EXPECT_EQ(Of(report, 2).rpo.worst, 0);  // of no time at all
}

TEST(Ledger, KnowsQuorumIntervalsAndEpochs) {
  ProofWorld world(kStart);
  Traffic(&world, kStart, kStart + 5 * kSecond, {0, 1, 2});
  const std::vector<std::byte> quorum =
      Encode(ModeChange{AckMode::kQuorum, kStart + 5 * kSecond, "primary b is down"});
  world.Append(kStart + 5 * kSecond, RecordKind::kMode, &quorum);
  Traffic(&world, kStart + 5 * kSecond, kStart + 8 * kSecond, {0, 2});
  const std::vector<std::byte> strict =
      Encode(ModeChange{AckMode::kStrict, kStart + 8 * kSecond, "both primaries"});
  world.Append(kStart + 8 * kSecond, RecordKind::kMode, &strict);
  EpochStart start;
  start.epoch = 1;
  const std::vector<std::byte> epoch = Encode(start);
  world.Append(kStart + 9 * kSecond, RecordKind::kEpochStart, &epoch);
  world.ShowHeaders();
  ProofFindings findings;
  const VaultLedger vault =
      world.Check(world.Manifest(kStart, kStart + 10 * kSecond), &findings).ledger.vaults[0];
  EXPECT_TRUE(findings.empty());
  ASSERT_EQ(vault.quorum.size(), 1u);
  EXPECT_EQ(vault.quorum[0].from, kStart + 5 * kSecond);
  EXPECT_EQ(vault.quorum[0].to, kStart + 8 * kSecond);
  ASSERT_EQ(vault.modes.size(), 2u);
  EXPECT_EQ(vault.modes[0].reason, "primary b is down");
  EXPECT_EQ(vault.epochs.size(), 1u);
}

TEST(Ledger, ATruncatedReceiptTakesBackWhatWasHeld) {
  ProofWorld world(kStart);
  Traffic(&world, kStart, kStart + 5 * kSecond, {0, 1, 2});
  world.SignReceipt(2, 10, kStart + 5 * kSecond, Receipt::Level::kTruncated);
  world.MakeCheckpoint(world.log().size(), kStart + 5 * kSecond + 1);
  world.ShowHeaders();
  ProofFindings findings;
  const LedgerReport report =
      world.Check(world.Manifest(kStart, kStart + 6 * kSecond), &findings).ledger;
  EXPECT_TRUE(findings.empty());
  // What it fell back to was forgotten: nothing is claimed until it holds more again.
  EXPECT_EQ(Of(report, 2).unknown, 110 * kMilli + kSecond - 1);
}

// It fetches what the others kept: from then on it is as provable as before, and no minute of the
// time between was met.
TEST(Ledger, ASiteThatWasTruncatedIsKnownAgainOnceItHoldsMore) {
  ProofWorld world(kStart);
  Traffic(&world, kStart, kStart + 5 * kSecond, {0, 1, 2});
  world.SignReceipt(2, 10, kStart + 5 * kSecond, Receipt::Level::kTruncated);
  world.MakeCheckpoint(world.log().size(), kStart + 5 * kSecond + 1);
  Traffic(&world, kStart + 6 * kSecond, kStart + 9 * kSecond, {0, 1, 2});
  world.ShowHeaders();
  ProofFindings findings;
  const LedgerReport report =
      world.Check(world.Manifest(kStart, kStart + 9 * kSecond), &findings).ledger;
  EXPECT_TRUE(findings.empty());
  EXPECT_GE(Of(report, 2).unknown, kSecond - 1);
  EXPECT_LT(Of(report, 2).unknown, kSecond + 500 * kMilli);
  EXPECT_LT(Of(report, 0).unknown, 500 * kMilli);
}

// The truth: what a site holds at an instant, and when what it lacks had been captured. At no
// instant may the ledger say less.
TEST(Ledger, NeverFlattersInRandomHistories) {
  for (uint64_t seed = 0; seed < 60; ++seed) {
    SeededNumbers random(seed);
    ProofWorld world(kStart);
    Ledger::Terms terms;
    terms.since = kStart;
    for (size_t i = 0; i < 3; ++i) terms.sites.push_back(SiteName(i));
    terms.vaults.push_back({world.vault(), "default", 60 * kSecond});
    Ledger ledger(terms);
    std::vector<int64_t> captured = {kStart};
    uint64_t held[3] = {0, 0, 0}, signed_upto[3] = {0, 0, 0};
    size_t fed = 0;
    int64_t now = kStart;
    for (int step = 0; step < 400; ++step) {
      now += static_cast<int64_t>(random.Below(300)) * kMilli;
      const size_t site = random.Below(3);
      const uint64_t what = random.Below(10);
      if (what < 3) {
        world.Append(now);
        captured.push_back(now);
      } else if (what < 6) {
        held[site] = std::min<uint64_t>(held[site] + random.Below(4), captured.size());
      } else if (what < 8 && held[site] > 0) {
        signed_upto[site] = std::max(signed_upto[site], held[site] - random.Below(2));
        if (signed_upto[site] > 0) world.SignReceipt(site, signed_upto[site], now);
      } else {
        world.MakeCheckpoint(1 + random.Below(captured.size()), now);
      }
      for (; fed < world.pieces.size(); ++fed) {
        const ProofWorld::Piece& piece = world.pieces[fed];
        const Digest digest = HashBytes(piece.body);
        if (piece.kind == EvidenceKind::kReceipt)
          ledger.OnReceipt(*ParseReceiptUnchecked(piece.body), digest, {});
        if (piece.kind == EvidenceKind::kCheckpoint)
          ledger.OnCheckpoint(*ParseCheckpointUnchecked(piece.body), digest, {});
      }
      for (size_t i = 0; i < 3; ++i) {
        const Ledger::Proven proven = ledger.ProvenOf(0, i);
        // The site lacks record held + 1, captured then: nothing later may be claimed.
        const int64_t truth = held[i] < captured.size() ? captured[held[i]] : now;
        EXPECT_LE(proven.taken.value_or(0), truth) << seed << " " << step;
      }
    }
  }
}

// A ledger that is told the anchors of another, at any instant, and then what followed, says the
// same of what followed.
TEST(Ledger, GoesOnFromAnchors) {
  ProofWorld world(kStart);
  Traffic(&world, kStart, kStart + 20 * kSecond, {0, 1, 2});
  Traffic(&world, kStart + 20 * kSecond, kStart + 60 * kSecond, {0, 1});
  const size_t cut = world.pieces.size();
  Traffic(&world, kStart + 60 * kSecond, kStart + 90 * kSecond, {0, 1});
  Traffic(&world, kStart + 90 * kSecond, kStart + 100 * kSecond, {0, 1, 2});
  Ledger::Terms terms;
  terms.since = kStart + 60 * kSecond;
  terms.until = kStart + 100 * kSecond;
  for (size_t i = 0; i < 3; ++i) terms.sites.push_back(SiteName(i));
  terms.vaults.push_back({world.vault(), "default", 60 * kSecond});
  const auto feed = [](Ledger* ledger, EvidenceKind kind, ByteSpan body) {
    if (kind == EvidenceKind::kReceipt)
      ledger->OnReceipt(*ParseReceiptUnchecked(body), HashBytes(body), body);
    if (kind == EvidenceKind::kCheckpoint)
      ledger->OnCheckpoint(*ParseCheckpointUnchecked(body), HashBytes(body), body);
  };
  Ledger whole(terms), second(terms);
  for (size_t i = 0; i < world.pieces.size(); ++i) {
    if (i == cut) {
      for (const Ledger::Anchor& anchor : whole.Anchors())
        feed(&second, anchor.kind, anchor.statement);
    }
    feed(&whole, world.pieces[i].kind, world.pieces[i].body);
    if (i >= cut) feed(&second, world.pieces[i].kind, world.pieces[i].body);
  }
  const LedgerReport expected = whole.Finish(), got = second.Finish();
  EXPECT_EQ(Of(got, 2).rpo.worst, Of(expected, 2).rpo.worst);
  EXPECT_GT(Of(got, 2).rpo.worst, 60 * kSecond);
  EXPECT_EQ(Of(got, 2).above, Of(expected, 2).above);
  EXPECT_EQ(Of(got, 2).unknown, 0);
  EXPECT_EQ(Of(got, 0), Of(expected, 0));
}

TEST(LagHistogram, ToldPercentilesAreNeverTooSmall) {
  LagHistogram lags;
  lags.Grew(0, 1000 * kMilli);  // uniform from 0 to 1 s
  EXPECT_EQ(lags.worst(), 1000 * kMilli);
  EXPECT_GE(lags.Percentile(500), 500 * kMilli);
  EXPECT_LE(lags.Percentile(500), 510 * kMilli);
  EXPECT_GE(lags.Percentile(990), 990 * kMilli);
  EXPECT_LE(lags.Percentile(990), 1000 * kMilli);
  SeededNumbers random(5);
  for (int i = 0; i < 1000; ++i) {
    LagHistogram one;
    const int64_t lag = static_cast<int64_t>(random.Below(uint64_t{1} << (10 + random.Below(45))));
    one.Grew(lag, lag + 1);
    EXPECT_GE(one.Percentile(1), lag);
    EXPECT_LE(one.Percentile(1000), lag + 1);
  }
}

}  // namespace
}  // namespace tidemark
