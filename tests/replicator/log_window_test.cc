#include "replicator/log_window.h"

#include <gtest/gtest.h>

#include "tests/replicator/positions.h"

namespace tidemark {
namespace {

using Feed = LogWindow::Feed;
constexpr SiteIndex kA = 0, kB = 1, kW = 2;

// A window over the log of LogAt(), with all records of 10 bytes.
class Window : public testing::Test {
 protected:
  static LogWindow::Options SmallOptions() {
    LogWindow::Options options;
    options.uncommitted_bytes_max = 100;
    return options;
  }
  void Append(uint64_t records) {
    for (uint64_t i = 0; i < records; ++i) {
      window.Append(LogAt(window.tail().sequence + 1), 10);
    }
  }
  void LinkAll(uint64_t sequence) {
    for (SiteIndex site : {kA, kB, kW})
      EXPECT_EQ(window.LinkUp(site, LogAt(sequence)), Feed::kLive);
  }
  // The site is sent all that it may get, and acks it.
  void Drain(SiteIndex site) {
    while (const auto next = window.NextToSend(site)) {
      window.Sent(site, *next);
      ASSERT_TRUE(window.OnAck(site, *window.PositionOf(*next)).ok());
    }
  }
  void EvictAll(bool for_room) {
    while (window.MayEvict(for_room)) window.Evict();
  }
  LogWindow window{SmallOptions(), LogAt(5)};
};

TEST_F(Window, CommitsWhatBothPrimariesHold) {
  LinkAll(5);
  EXPECT_EQ(window.committed_sequence(), 0u) << "the adopted base waits for the first record";
  Append(3);
  EXPECT_FALSE(*window.OnAck(kA, LogAt(8)));
  EXPECT_EQ(window.committed_sequence(), 0u);
  EXPECT_TRUE(*window.OnAck(kB, LogAt(6)));
  EXPECT_EQ(window.committed_sequence(), 6u);
  EXPECT_EQ(window.uncommitted_bytes(), 20u);
  EXPECT_FALSE(*window.OnAck(kB, LogAt(6))) << "repeated";
  EXPECT_FALSE(*window.OnAck(kB, LogAt(5))) << "stale";
  EXPECT_TRUE(*window.OnAck(kB, LogAt(8)));
  EXPECT_EQ(window.committed_sequence(), 8u);
  EXPECT_EQ(window.uncommitted_bytes(), 0u);
}

TEST_F(Window, TheWitnessNeitherHelpsNorHindersACommit) {
  LinkAll(5);
  Append(1);
  EXPECT_FALSE(*window.OnAck(kA, LogAt(6)));
  EXPECT_FALSE(*window.OnAck(kW, LogAt(6)));
  EXPECT_EQ(window.committed_sequence(), 0u);
  window.LinkDown(kW);
  EXPECT_TRUE(*window.OnAck(kB, LogAt(6)));
}

TEST_F(Window, CommitsNothingByADigestThatDiffers) {
  LinkAll(5);
  Append(2);
  const Position other = RecordAfter(LogAt(5), 1, 99).position();
  EXPECT_EQ(window.OnAck(kA, other).status().code(), absl::StatusCode::kDataLoss);
  EXPECT_EQ(window.feed(kA), Feed::kDiverged);
  EXPECT_FALSE(window.NextToSend(kA).has_value());
  EXPECT_EQ(window.OnAck(kA, LogAt(7)).status().code(), absl::StatusCode::kDataLoss)
      << "it stays so";
  ASSERT_TRUE(window.OnAck(kB, LogAt(7)).ok());
  EXPECT_EQ(window.committed_sequence(), 0u);
}

TEST_F(Window, AnAckBeyondTheTailIsADivergedSite) {
  LinkAll(5);
  Append(1);
  EXPECT_EQ(window.OnAck(kA, LogAt(7)).status().code(), absl::StatusCode::kDataLoss);
}

TEST_F(Window, AnAckOfADeadLinkIsNothing) {
  LinkAll(5);
  Append(1);
  ASSERT_TRUE(window.OnAck(kB, LogAt(6)).ok());
  window.LinkDown(kA);
  EXPECT_FALSE(*window.OnAck(kA, LogAt(6)));
  EXPECT_EQ(window.committed_sequence(), 0u);
  EXPECT_EQ(window.LinkUp(kA, LogAt(6)), Feed::kLive);
  EXPECT_EQ(window.committed_sequence(), 6u) << "what it says as it comes back counts";
}

TEST_F(Window, ProducersWaitWhenTooMuchIsUncommitted) {
  LinkAll(5);
  EXPECT_TRUE(window.MayAppend(1000)) << "a large record may go alone";
  Append(9);
  EXPECT_TRUE(window.MayAppend(10));
  EXPECT_FALSE(window.MayAppend(11));
  Append(1);
  EXPECT_FALSE(window.MayAppend(1));
  ASSERT_TRUE(window.OnAck(kA, LogAt(15)).ok());
  EXPECT_FALSE(window.MayAppend(1)) << "one primary is not enough";
  ASSERT_TRUE(window.OnAck(kB, LogAt(6)).ok());
  EXPECT_TRUE(window.MayAppend(10));
  EXPECT_FALSE(window.MayAppend(~uint64_t{0}));
}

TEST_F(Window, SendsPrimariesAtOnceAndTheWitnessWhatIsCommitted) {
  LinkAll(5);
  Append(2);
  EXPECT_EQ(window.NextToSend(kA), 6u);
  window.Sent(kA, 6);
  EXPECT_EQ(window.NextToSend(kA), 7u);
  EXPECT_FALSE(window.NextToSend(kW).has_value());
  Drain(kA);
  Drain(kB);
  EXPECT_FALSE(window.NextToSend(kA).has_value());
  EXPECT_EQ(window.NextToSend(kW), 6u);
  window.LinkDown(kW);
  EXPECT_FALSE(window.NextToSend(kW).has_value());
}

TEST_F(Window, AnAckMayBeFasterThanTheEndOfTheSend) {
  LinkAll(5);
  Append(2);
  ASSERT_EQ(window.NextToSend(kA), 6u);
  ASSERT_TRUE(window.OnAck(kA, LogAt(6)).ok());
  window.Sent(kA, 6);
  EXPECT_EQ(window.NextToSend(kA), 7u);
}

TEST_F(Window, APrimaryThatLostItsUnackedTailIsFedAgain) {
  LinkAll(5);
  Append(4);
  for (uint64_t s = 6; s <= 9; ++s) window.Sent(kA, s);
  ASSERT_TRUE(window.OnAck(kA, LogAt(7)).ok());
  window.LinkDown(kA);
  EXPECT_EQ(window.LinkUp(kA, LogAt(7)), Feed::kLive);
  EXPECT_EQ(window.NextToSend(kA), 8u);
}

TEST_F(Window, CommittedNeverFallsWhenASiteLosesWhatItAcked) {
  LinkAll(5);
  Append(4);
  Drain(kA);
  Drain(kB);
  EXPECT_EQ(window.committed_sequence(), 9u);
  window.LinkDown(kA);
  EXPECT_EQ(window.LinkUp(kA, LogAt(6)), Feed::kLive);
  EXPECT_EQ(window.durable(kA), LogAt(6));
  EXPECT_EQ(window.NextToSend(kA), 7u);
  EXPECT_EQ(window.committed_sequence(), 9u);
  Append(1);
  Drain(kB);
  EXPECT_EQ(window.committed_sequence(), 9u) << "it waits for the primary to hold all of it again";
  Drain(kA);
  EXPECT_EQ(window.committed_sequence(), 10u);
}

TEST_F(Window, KeepsWhatTheWitnessLacksUntilRoomIsNeeded) {
  LinkAll(5);
  Append(3);
  Drain(kA);
  EXPECT_EQ(window.oldest(), 6u);
  EXPECT_FALSE(window.MayEvict(true)) << "uncommitted";
  Drain(kB);
  EXPECT_FALSE(window.MayEvict(false)) << "the witness lacks it";
  EXPECT_TRUE(window.MayEvict(true));
  window.Evict();
  EXPECT_EQ(window.feed(kW), Feed::kFetch);
  EXPECT_EQ(window.fetch_target(kW), LogAt(8));
  EXPECT_FALSE(window.NextToSend(kW).has_value());
  EXPECT_EQ(window.FetchFinished(kW, LogAt(6)), Feed::kLive) << "the window holds what follows";
  EXPECT_EQ(window.NextToSend(kW), 7u);
  Drain(kW);
  EvictAll(false);
  EXPECT_FALSE(window.oldest().has_value());
}

TEST_F(Window, AFetchMayHaveToGoOn) {
  LinkAll(5);
  Append(3);
  Drain(kA);
  Drain(kB);
  EvictAll(true);
  EXPECT_EQ(window.FetchFinished(kW, LogAt(7)), Feed::kFetch);
  EXPECT_EQ(window.FetchFinished(kW, LogAt(8)), Feed::kLive);
  EXPECT_EQ(window.FetchFinished(kW, LogAt(3)), Feed::kLive) << "a report of an earlier order";
  EXPECT_EQ(window.durable(kW), LogAt(8));
}

TEST_F(Window, ASiteOlderThanTheWindowFetches) {
  Append(2);
  EXPECT_EQ(window.LinkUp(kA, LogAt(3)), Feed::kFetch);
  EXPECT_EQ(window.fetch_target(kA), LogAt(5))
      << "a primary may fetch the base before it is committed";
  EXPECT_EQ(window.fetch_target(kW), Position()) << "the witness may not";
  EXPECT_EQ(window.LinkUp(kW, Position()), Feed::kFetch);
  EXPECT_EQ(window.LinkUp(kB, LogAt(5)), Feed::kLive);
  EXPECT_EQ(window.committed_sequence(), 0u);
  EXPECT_EQ(window.FetchFinished(kA, LogAt(5)), Feed::kLive);
  EXPECT_EQ(window.committed_sequence(), 0u) << "the base counts with the record behind it";
  EXPECT_EQ(window.fetch_target(kW), Position());
  ASSERT_TRUE(window.OnAck(kA, LogAt(6)).ok());
  EXPECT_TRUE(*window.OnAck(kB, LogAt(6)));
  EXPECT_EQ(window.fetch_target(kW), LogAt(6));
}

TEST_F(Window, PositionsOlderThanTheWindowCommitNothing) {
  EXPECT_EQ(window.LinkUp(kA, LogAt(3)), Feed::kFetch);
  EXPECT_EQ(window.LinkUp(kB, LogAt(4)), Feed::kFetch);
  EXPECT_EQ(window.committed_sequence(), 0u);
  EXPECT_FALSE(*window.OnAck(kA, LogAt(4)));
  EXPECT_EQ(window.durable(kA), LogAt(4));
  EXPECT_EQ(window.committed_sequence(), 0u);
}

TEST_F(Window, APositionAtTheBaseMustBeTheBase) {
  EXPECT_EQ(window.LinkUp(kA, LogAt(5)), Feed::kLive);
  EXPECT_EQ(window.NextToSend(kA), std::nullopt);
  EXPECT_EQ(window.LinkUp(kB, RecordAfter(LogAt(4), 1, 99).position()), Feed::kDiverged);
}

TEST_F(Window, ASiteThatContradictsTheLogIsDiverged) {
  Append(3);
  EXPECT_EQ(window.LinkUp(kA, LogAt(9)), Feed::kDiverged) << "ahead of the tail";
  EXPECT_EQ(window.LinkUp(kA, RecordAfter(LogAt(6), 1, 99).position()), Feed::kDiverged);
  EXPECT_EQ(window.LinkUp(kA, LogAt(4, 2)), Feed::kDiverged) << "a later epoch at an older place";
  Position wrong_epoch = LogAt(6);
  wrong_epoch.epoch = 0;
  EXPECT_EQ(window.LinkUp(kA, wrong_epoch), Feed::kDiverged);
  EXPECT_EQ(window.FetchFinished(kA, LogAt(6)), Feed::kDiverged);
  EXPECT_FALSE(window.NextToSend(kA).has_value());
  EXPECT_EQ(window.LinkUp(kA, LogAt(6)), Feed::kLive) << "people repaired it";
}

TEST_F(Window, ADeadWitnessHoldsNothingBack) {
  window.LinkUp(kA, LogAt(5));
  window.LinkUp(kB, LogAt(5));
  for (int i = 0; i < 10000; ++i) {
    const Position next = RecordAfter(window.tail(), 1).position();
    ASSERT_TRUE(window.MayAppend(10));
    window.Append(next, 10);
    Drain(kA);
    Drain(kB);
    EvictAll(true);
    ASSERT_FALSE(window.oldest().has_value());
  }
  EXPECT_EQ(window.committed_sequence(), 10005u);
  EXPECT_EQ(window.LinkUp(kW, LogAt(5)), Feed::kFetch);
  EXPECT_EQ(window.fetch_target(kW).sequence, 10005u);
  EXPECT_EQ(window.FetchFinished(kW, window.tail()), Feed::kLive);
}

TEST_F(Window, PositionsAreKnownWhileTheyAreHeld) {
  LinkAll(5);
  Append(2);
  EXPECT_EQ(window.PositionOf(7), LogAt(7));
  EXPECT_EQ(window.PositionOf(5), LogAt(5));
  EXPECT_EQ(window.PositionOf(4), std::nullopt);
  EXPECT_EQ(window.PositionOf(8), std::nullopt);
  for (SiteIndex site : {kA, kB, kW}) Drain(site);
  EvictAll(false);
  EXPECT_EQ(window.PositionOf(7), LogAt(7)) << "the place that sites stand at";
  EXPECT_EQ(window.PositionOf(6), std::nullopt);
}

using WindowDeathTest = Window;
TEST_F(WindowDeathTest, UncommittedRecordsAreNeverDropped) {
  LinkAll(5);
  Append(1);
  EXPECT_DEATH(window.Evict(), "MayEvict");
  EXPECT_DEATH(window.Append(LogAt(8), 10), "sequence");
  EXPECT_DEATH(window.Sent(kA, 7), "next_to_send");
}

TEST(FreshWindow, StartsAtNothing) {
  LogWindow window(LogWindow::Options{}, Position{});
  EXPECT_EQ(window.LinkUp(kA, Position()), Feed::kLive);
  EXPECT_EQ(window.LinkUp(kB, Position()), Feed::kLive);
  window.Append(LogAt(1), 10);
  EXPECT_EQ(window.NextToSend(kA), 1u);
  ASSERT_TRUE(window.OnAck(kA, LogAt(1)).ok());
  EXPECT_TRUE(*window.OnAck(kB, LogAt(1)));
}

}  // namespace
}  // namespace tidemark
