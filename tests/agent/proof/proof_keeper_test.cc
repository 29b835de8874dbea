// What the agent keeps of receipts through crashes, and what it says of them afterwards.
#include "absl/strings/str_format.h"
#include "tests/agent/proof/keeper_fixture.h"

namespace tidemark {
namespace {

class Keeper : public KeeperFixture {};

// kill -9 between a write and its flush: the next process reads it from the cache, and names it.
// What a power loss then takes of it is chance, so it happens again and again.
TEST_F(Keeper, FlushesWhatAKilledProcessLeftBeforeItBuildsOnIt) {
  SimDisk* disk = world_.disk(node_);
  const auto path = [](int number) {
    return absl::StrFormat("/state/proof/evidence-%016x", number);
  };
  for (int round = 1, newest = 1; round <= 20; ++round) {
    Open();
    while (disk->Exists(path(newest))) ++newest;  // the one that comes
    const auto length = [&] {
      return disk->Exists(path(newest)) ? disk->ReadFile(path(newest))->size() : 0;
    };
    Traffic(absl::Seconds(1));
    {
      Task<> flush = FlushKeeper();
      flush.Start();
      ASSERT_TRUE(world_.Run([&] { return length() > 1000; }, absl::Hours(1)));
      world_.Kill(node_);
      keeper_.reset();
    }
    world_.Restart(node_);
    const size_t left = length();
    Open();
    Crash();
    EXPECT_EQ(length(), left);
  }
}

TEST_F(Keeper, KnowsAfterACrashWhatWasFlushed) {
  Open();
  Traffic(absl::Seconds(5));
  Do(FlushKeeper());
  const Ledger::Proven before = keeper_->ProvenOf(0, 2);
  ASSERT_TRUE(before.taken.has_value());
  const uint64_t kept = keeper_->KeptWithoutGap(2, signed_.NextReceipt(2, 1, 0).store);
  Traffic(absl::Seconds(1));  // never flushed
  Crash();
  Open();
  EXPECT_EQ(keeper_->ProvenOf(0, 2).taken, before.taken);
  EXPECT_EQ(keeper_->ProvenOf(0, 2).held_sequence, before.held_sequence);
  EXPECT_EQ(keeper_->KeptWithoutGap(2, signed_.NextReceipt(2, 1, 0).store), kept);
}

TEST_F(Keeper, AGapThatNobodyFillsIsStatedAndOneThatIsFilledIsNot) {
  Open();
  Traffic(absl::Seconds(5));
  Do(FlushKeeper());
  const size_t flushed = told_;
  Traffic(absl::Seconds(1));
  Crash();
  Open();
  Traffic(absl::Seconds(1));
  LedgerFrom(start_);
  EXPECT_EQ(facts_.size(), 4u);  // one of each site, and that the journal begins later than asked
  // The sites still have them.
  Crash();
  world_.disk(node_)->MakeDirectories("/state/second");
  options_.journal.directory = "/state/second/proof";
  Open();
  told_ = 0;
  Tell();
  (void)flushed;
  LedgerFrom(start_);
  EXPECT_EQ(facts_.size(), 1u);
}

TEST_F(Keeper, LaterSegmentsCanBeReadWithoutTheEarlierOnes) {
  options_.journal.segment_bytes_max = 16 << 10;
  Open();
  for (int i = 0; i < 20; ++i) {
    Traffic(absl::Seconds(1));
    Do(FlushKeeper());
  }
  ASSERT_GT(keeper_->journal()->segments().size(), 5u);
  const int64_t since = absl::ToUnixNanos(keeper_->journal()->segments()[4].begun_at) + 1;
  const LedgerReport late = LedgerFrom(since);
  EXPECT_TRUE(facts_.empty());
  for (const SiteLedger& site : late.vaults[0].sites) {
    EXPECT_EQ(site.unknown, 0);
    EXPECT_LT(site.rpo.worst, kSecond);
  }
}

TEST_F(Keeper, ForgetsTheOldestSegmentsByAgeAndBySize) {
  options_.journal.segment_bytes_max = 16 << 10;
  options_.journal.bytes_max = 100 << 10;
  Open();
  for (int i = 0; i < 40; ++i) {
    Traffic(absl::Seconds(1));
    Do(FlushKeeper());
  }
  EXPECT_LE(keeper_->journal()->bytes(), 132u << 10);
  EXPECT_GT(keeper_->journal()->segments().front().number, 1u);
  const LedgerReport whole = LedgerFrom(start_);
  EXPECT_FALSE(facts_.empty());
  EXPECT_GT(whole.vaults[0].sites[0].unknown, kSecond);
}

// A disk that takes no more would fill with beginnings; and what a failed flush left in the cache
// is read today and gone tomorrow.
TEST_F(Keeper, AFailedFlushLeavesNothingThatIsReadOrKept) {
  Open();
  Traffic(absl::Seconds(2));
  Do(FlushKeeper());
  const uint64_t bytes = keeper_->journal()->bytes();
  for (int i = 0; i < 3; ++i) {
    Traffic(absl::Seconds(1));
    Do(FailToFlush());
  }
  EXPECT_EQ(world_.disk(node_)->Files("/state/proof").size(), 1u);
  EXPECT_EQ(keeper_->journal()->bytes(), bytes);
  Do(FlushKeeper());
  const LedgerReport ledger = LedgerFrom(start_);
  for (const std::string& fact : facts_)
    EXPECT_EQ(fact.find("are missing"), std::string::npos) << fact;
  EXPECT_LE(ledger.vaults[0].sites[0].rpo.worst, 500 * kMilli);
}

TEST_F(Keeper, AnEmptySegmentHidesNothingOfThoseBeforeIt) {
  Open();
  Traffic(absl::Seconds(5));
  Do(FlushKeeper());
  const int64_t known = LedgerFrom(start_).vaults[0].sites[2].known;
  EXPECT_GT(known, 4 * kSecond);
  Crash();
  const std::string cut_short = "/state/proof/evidence-000000000000000f";
  world_.disk(node_)->WriteFile(cut_short, "");
  Open();
  EXPECT_FALSE(world_.disk(node_)->Exists(cut_short));
  EXPECT_GE(LedgerFrom(start_).vaults[0].sites[2].known, known);
}

TEST_F(Keeper, ConvictsASiteAsItArrives) {
  Open();
  Traffic(absl::Seconds(1));
  Receipt twin = ParseReceiptUnchecked(signed_.pieces[signed_.ReceiptsOf(1)[3]].body)->receipt;
  twin.wall_nanos += 1;
  keeper_->OnReceipt(1, SignReceipt(signed_.site_key(1), twin), true);
  EXPECT_NE(keeper_->conviction(1), "");
  EXPECT_EQ(keeper_->conviction(0), "");
}

TEST_F(Keeper, ToldTwiceIsKnown) {
  Open();
  Traffic(absl::Seconds(1));
  const SignedReceipt again = *ParseReceiptUnchecked(signed_.pieces[signed_.ReceiptsOf(0)[2]].body);
  EXPECT_FALSE(keeper_->OnReceipt(0, again, true));
  EXPECT_EQ(keeper_->conviction(0), "");
}

TEST_F(Keeper, MinutesOutliveTheAgent) {
  Open();
  Task<> running = keeper_->Run();
  running.Start();
  Traffic(absl::Minutes(3));
  Wait(absl::Minutes(4));  // nothing new: above the target of a minute
  keeper_->Stop();
  ASSERT_TRUE(world_.Run([&] { return running.done(); }, absl::Hours(1)));
  const std::vector<RpoFigures> before = keeper_->Figures();
  EXPECT_GE(before[0].minutes_met, 2u);
  EXPECT_GE(before[0].minutes_missed, 3u);
  keeper_.reset();
  Open();
  EXPECT_EQ(keeper_->Figures()[0].minutes_missed, before[0].minutes_missed);
  EXPECT_EQ(keeper_->Figures()[0].minutes_met, before[0].minutes_met);
}

TEST_F(Keeper, KnowsWhoASiteWasThatIsAwayAfterARestart) {
  Open();
  Task<> running = keeper_->Run();
  running.Start();
  keeper_->identities()->Show("b", {ProofWorld::site_key(1).public_key(), "certificate of b"});
  Wait(absl::Seconds(3));
  Crash();
  Open();
  const SiteIdentities::Identity* b = keeper_->identities()->Find("b");
  ASSERT_NE(b, nullptr);
  EXPECT_EQ(b->key, ProofWorld::site_key(1).public_key());
  EXPECT_EQ(b->certificate_pem, "certificate of b");
  EXPECT_EQ(keeper_->identities()->Find("a"), nullptr);
}

TEST(MinuteBook, KeepsThirtyDaysAndTheWorseOfTwoMarks) {
  using Mark = MinuteBook::Mark;
  MinuteBook book;
  const int64_t first = 29000000;
  book.Put(first, Mark::kMet);
  book.Put(first, Mark::kMissed);
  book.Put(first, Mark::kMet);
  book.Put(first + 2, Mark::kUnknown);
  EXPECT_EQ(book.At(first), Mark::kMissed);
  EXPECT_EQ(book.At(first + 1), Mark::kNothing);
  EXPECT_EQ(book.sums().missed, 1u);
  EXPECT_EQ(book.sums().unknown, 1u);
  book.Put(first + MinuteBook::kMinutes, Mark::kMet);
  EXPECT_EQ(book.sums().missed, 0u);
  EXPECT_EQ(book.sums().met, 1u);
}

TEST(BreachForecast, CarriesTheRateOn) {
  BreachForecast forecast;
  EXPECT_EQ(forecast.BreachIn(absl::Minutes(15)), std::nullopt);
  for (int second = 0; second <= 30; ++second)
    forecast.Add(absl::Seconds(second), absl::Seconds(second));
  // 30 s now, one second a second.
  EXPECT_EQ(forecast.BreachIn(absl::Seconds(270)), absl::Seconds(240));
  EXPECT_EQ(forecast.BreachIn(absl::Seconds(20)), absl::ZeroDuration());
  for (int second = 31; second <= 120; ++second)
    forecast.Add(absl::Seconds(second), absl::Seconds(2 + second % 3));
  EXPECT_EQ(forecast.BreachIn(absl::Seconds(270)), std::nullopt);
  forecast.Add(absl::Seconds(121), std::nullopt);
  EXPECT_EQ(forecast.BreachIn(absl::Seconds(1)), std::nullopt);
}

}  // namespace
}  // namespace tidemark
