#include "replicator/lag_book.h"

#include <gtest/gtest.h>

namespace tidemark {
namespace {

constexpr uint32_t kA = 0, kB = 1, kW = 2;
absl::Time At(int64_t seconds) { return absl::FromUnixSeconds(1'000'000 + seconds); }
absl::Duration Seconds(int64_t seconds) { return absl::Seconds(seconds); }

// Three sites, a log that stands at 10 at time 0.
class Lag : public testing::Test {
 protected:
  absl::Duration ReplicationLag(uint32_t site, int64_t now) {
    return book.Of(site, At(now)).replication_lag.value();
  }
  absl::Duration Rpo(uint32_t site, int64_t now) {
    return book.Of(site, At(now)).rpo_actual.value();
  }
  // Bytes taken at `taken`, in record `sequence` that closes at `closed`.
  void Write(uint64_t sequence, int64_t taken, int64_t closed) {
    book.OnTaken(sequence, At(taken));
    book.OnPlaced(sequence, sequence);
    book.OnRecordClosed(sequence, At(closed));
  }
  LagBook book{3, 10, At(0)};
};

TEST_F(Lag, IsUnknownForASiteNeverReached) {
  Write(11, 1, 2);
  const LagBook::Lag lag = book.Of(kW, At(5));
  EXPECT_FALSE(lag.replication_lag.has_value());
  EXPECT_FALSE(lag.rpo_actual.has_value());
  EXPECT_EQ(lag.pending_records, 11u);
}

TEST_F(Lag, IsTheHeartbeatsAgeWhenIdleAndComplete) {
  book.OnHeartbeat(kA, At(3), 10);
  EXPECT_EQ(ReplicationLag(kA, 4), Seconds(1));
  EXPECT_EQ(Rpo(kA, 4), Seconds(1));
  Write(11, 5, 6);
  book.OnDurable(kA, 11);
  book.OnHeartbeat(kA, At(8), 11);
  EXPECT_EQ(ReplicationLag(kA, 9), Seconds(1));
  EXPECT_EQ(book.Of(kA, At(9)).pending_records, 0u);
}

TEST_F(Lag, GrowsForADeadSite) {
  book.OnHeartbeat(kA, At(3), 10);
  EXPECT_EQ(ReplicationLag(kA, 4), Seconds(1));
  EXPECT_EQ(ReplicationLag(kA, 3603), Seconds(3600));
  EXPECT_EQ(Rpo(kA, 3603), Seconds(3600));
}

TEST_F(Lag, CountsFromTheCloseOfTheLastRecordHeld) {
  book.OnDurable(kA, 10);
  EXPECT_EQ(ReplicationLag(kA, 4), Seconds(4));
  Write(11, 5, 6);
  Write(12, 7, 8);
  book.OnDurable(kA, 11);
  EXPECT_EQ(ReplicationLag(kA, 10), Seconds(3)) << "all that was taken before 7 is in record 11";
  book.OnDurable(kA, 12);
  EXPECT_EQ(ReplicationLag(kA, 10), Seconds(2));
  EXPECT_EQ(book.Of(kB, At(10)).pending_records, 12u);
}

TEST_F(Lag, CountsFromTheAckThatNamesAllThereIs) {
  Write(11, 1, 2);
  book.OnAck(kA, 11, At(9));
  EXPECT_EQ(ReplicationLag(kA, 9), Seconds(0)) << "nothing was taken since the record was closed";
  EXPECT_EQ(ReplicationLag(kA, 12), Seconds(3));
  book.OnTaken(90, At(13));
  book.OnAck(kB, 11, At(14));
  EXPECT_EQ(ReplicationLag(kB, 14), Seconds(1)) << "a byte was";
}

TEST_F(Lag, IsNotRenewedByAnAckThatNamesLess) {
  Write(11, 1, 2);
  Write(12, 3, 4);
  book.OnAck(kA, 12, At(5));
  book.OnAck(kA, 11, At(9));
  EXPECT_EQ(ReplicationLag(kA, 9), Seconds(4));
  book.OnAck(kB, 11, At(9));
  EXPECT_EQ(ReplicationLag(kB, 9), Seconds(6)) << "until the first byte that it lacks";
}

TEST_F(Lag, CountsBytesThatNoRecordHoldsYet) {
  book.OnTaken(1, At(2));
  book.OnHeartbeat(kA, At(4), 10);
  EXPECT_EQ(ReplicationLag(kA, 5), Seconds(3))
      << "since the byte was taken, not since the heartbeat";
  book.OnTaken(2, At(5));
  book.OnPlaced(2, 11);
  book.OnRecordClosed(11, At(6));
  book.OnDurable(kA, 11);
  EXPECT_EQ(ReplicationLag(kA, 7), Seconds(5)) << "the older byte is still nowhere";
  book.OnPlaced(1, 12);
  book.OnHeartbeat(kA, At(8), 11);
  EXPECT_EQ(ReplicationLag(kA, 9), Seconds(7)) << "its record is open";
  book.OnRecordClosed(12, At(9));
  book.OnDurable(kA, 12);
  EXPECT_EQ(ReplicationLag(kA, 10), Seconds(1));
}

TEST_F(Lag, AHeartbeatOfASiteThatLacksARecordProvesUpToItsFirstByte) {
  book.OnHeartbeat(kA, At(1), 10);
  Write(11, 2, 3);
  EXPECT_EQ(ReplicationLag(kA, 4), Seconds(3)) << "it has said nothing since";
  book.OnHeartbeat(kA, At(5), 10);
  EXPECT_EQ(ReplicationLag(kA, 6), Seconds(4));
}

TEST_F(Lag, AbandonedBytesStopCounting) {
  book.OnTaken(1, At(2));
  book.OnDropped(1);
  book.OnDropped(1);
  book.OnHeartbeat(kA, At(4), 10);
  EXPECT_EQ(ReplicationLag(kA, 5), Seconds(1));
}

TEST_F(Lag, BytesReportedLateTakeTheClaimBack) {
  book.OnHeartbeat(kA, At(5), 10);
  EXPECT_EQ(ReplicationLag(kA, 5), Seconds(0));
  book.OnTaken(1, At(3));
  EXPECT_EQ(ReplicationLag(kA, 5), Seconds(2));
  book.OnHeartbeat(kA, At(6), 10);
  EXPECT_EQ(ReplicationLag(kA, 7), Seconds(4));
}

TEST_F(Lag, ASiteBehindTheBaseIsUnknownUntilItIsThereOrSomebodyKnows) {
  book.OnHeartbeat(kW, At(1), 4);
  EXPECT_FALSE(book.Of(kW, At(2)).replication_lag.has_value());
  EXPECT_EQ(book.Of(kW, At(2)).pending_records, 6u);
  book.OnProvenBefore(kW, At(-100), 4);
  EXPECT_EQ(ReplicationLag(kW, 2), Seconds(102));
  book.OnDurable(kW, 9);
  EXPECT_EQ(ReplicationLag(kW, 3), Seconds(103));
  book.OnDurable(kW, 10);
  EXPECT_EQ(ReplicationLag(kW, 4), Seconds(4));
  book.OnProvenBefore(kW, At(500), 10);
  EXPECT_EQ(ReplicationLag(kW, 600), Seconds(600))
      << "an earlier session proves nothing of this one";
}

TEST_F(Lag, WhatWasProvenBeforeStandsUntilTheSiteShowsLess) {
  book.OnProvenBefore(kW, At(-100), 7);
  EXPECT_EQ(ReplicationLag(kW, 2), Seconds(102));  // it is away, and what it signed is known
  book.OnHeartbeat(kW, At(3), 6);
  EXPECT_FALSE(book.Of(kW, At(4)).replication_lag.has_value());
  book.OnProvenBefore(kW, At(-100), 7);  // said again: it still holds less
  EXPECT_FALSE(book.Of(kW, At(4)).replication_lag.has_value());
}

TEST_F(Lag, ClaimsAreWhatStandsInTheLog) {
  EXPECT_EQ(book.ClaimsFor(10, At(5)).taken, At(5));  // idle: all until now
  book.OnPushOpened(1, At(6));
  book.OnTaken(1, At(8));
  EXPECT_EQ(book.ClaimsFor(10, At(20)).taken, At(8));
  EXPECT_EQ(book.ClaimsFor(10, At(20)).restorable, At(6));
  book.OnPlaced(1, 11);
  book.OnRecordClosed(11, At(21));
  EXPECT_EQ(book.ClaimsFor(10, At(22)).taken, At(8));  // what came before record 11's first byte
  EXPECT_EQ(book.ClaimsFor(11, At(22)).taken, At(22));
  EXPECT_EQ(book.ClaimsFor(11, At(22)).restorable, At(6));
  book.OnPushRooted(1, 12);
  book.OnRecordClosed(12, At(23));
  EXPECT_EQ(book.ClaimsFor(11, At(24)).restorable, At(6));
  EXPECT_EQ(book.ClaimsFor(12, At(24)).restorable, At(24));
}

TEST_F(Lag, ASiteThatLostItsTailFallsBack) {
  for (uint32_t site : {kA, kB, kW}) book.OnHeartbeat(site, At(0), 10);
  book.OnPushOpened(1, At(-50));
  for (uint64_t s = 11; s <= 40; ++s) {
    Write(s, static_cast<int64_t>(s), static_cast<int64_t>(s));
  }
  book.OnPushRooted(1, 40);
  for (uint32_t site : {kA, kB, kW}) book.OnHeartbeat(site, At(41), 40);
  EXPECT_EQ(ReplicationLag(kA, 42), Seconds(1));
  book.OnHeartbeat(kA, At(42), 30);
  EXPECT_GE(ReplicationLag(kA, 43), Seconds(43 - 31));
  EXPECT_EQ(Rpo(kA, 43), Seconds(93)) << "the archive is not whole there any more";
  EXPECT_EQ(ReplicationLag(kB, 43), Seconds(2));
  EXPECT_EQ(Rpo(kB, 43), Seconds(2));
  book.OnHeartbeat(kA, At(44), 40);
  EXPECT_EQ(Rpo(kA, 45), Seconds(1));
}

TEST_F(Lag, AClaimBeyondTheLogIsWorthTheLog) {
  book.OnHeartbeat(kA, At(1), 99);
  Write(11, 2, 3);
  EXPECT_EQ(book.Of(kA, At(4)).pending_records, 1u);
  EXPECT_EQ(ReplicationLag(kA, 4), Seconds(3));
}

TEST_F(Lag, RpoCountsFromTheCaptureOfTheOldestIncompleteArchive) {
  book.OnHeartbeat(kA, At(0), 10);
  book.OnPushOpened(1, At(1));
  Write(11, 2, 3);
  book.OnHeartbeat(kA, At(4), 11);
  EXPECT_EQ(ReplicationLag(kA, 5), Seconds(1));
  EXPECT_EQ(Rpo(kA, 5), Seconds(4)) << "its bytes are there, its root is not";
  book.OnPushOpened(2, At(5));
  book.OnPushRooted(2, 12);
  book.OnPushRooted(1, 13);
  Write(12, 6, 6);
  Write(13, 7, 7);
  book.OnDurable(kA, 12);
  EXPECT_EQ(Rpo(kA, 8), Seconds(7));
  book.OnHeartbeat(kA, At(8), 13);
  EXPECT_EQ(Rpo(kA, 9), Seconds(1));
}

TEST_F(Lag, AnAbandonedPushStopsCountingForRpo) {
  book.OnPushOpened(1, At(1));
  book.OnHeartbeat(kA, At(8), 10);
  EXPECT_EQ(Rpo(kA, 9), Seconds(8));
  book.OnPushAbandoned(1);
  EXPECT_EQ(Rpo(kA, 9), Seconds(1));
}

TEST_F(Lag, ADeadSitesRpoIsNotYoungerThanItsLag) {
  book.OnHeartbeat(kA, At(0), 10);
  book.OnPushOpened(1, At(3600));
  EXPECT_EQ(Rpo(kA, 3601), Seconds(3601));
}

TEST_F(Lag, MemoryDoesNotGrowWithAnOutage) {
  book.OnHeartbeat(kW, At(0), 10);
  for (int64_t n = 1; n <= 300'000; ++n) {
    const uint64_t sequence = 10 + static_cast<uint64_t>(n);
    book.OnPushOpened(sequence, At(n - 1000));  // its source was opened long before
    Write(sequence, n, n);
    book.OnPushRooted(sequence, sequence);
    book.OnHeartbeat(kA, At(n), sequence);
    book.OnHeartbeat(kB, At(n), sequence);
    ASSERT_LE(book.history(), 2 * 20 * LagBook::kLevelEntriesMax);
  }
  EXPECT_EQ(ReplicationLag(kA, 300'001), Seconds(1));
  EXPECT_EQ(Rpo(kA, 300'001), Seconds(1));
  EXPECT_EQ(ReplicationLag(kW, 300'000), Seconds(300'000));
  EXPECT_EQ(Rpo(kW, 300'000), Seconds(300'999));
  // As the witness catches up its lag shrinks, rounded up by at most an eighth.
  for (int64_t n = 1000; n <= 300'000; n += 1000) {
    book.OnDurable(kW, 10 + static_cast<uint64_t>(n));
    // It lacks record n + 1, whose bytes were taken then.
    const absl::Duration truth = Seconds(n == 300'000 ? 0 : 300'000 - (n + 1));
    EXPECT_GE(ReplicationLag(kW, 300'000), truth);
    EXPECT_LE(ReplicationLag(kW, 300'000), 1.125 * truth) << n;
    if (n == 300'000) break;  // nothing is pending
    EXPECT_GE(Rpo(kW, 300'000), truth + Seconds(1000)) << "push n + 1 is not there";
    EXPECT_LE(Rpo(kW, 300'000), 1.125 * truth + Seconds(1001));
  }
  book.OnHeartbeat(kW, At(300'001), 300'010);
  EXPECT_EQ(ReplicationLag(kW, 300'002), Seconds(1));
  EXPECT_LE(book.history(), 3u);
}

}  // namespace
}  // namespace tidemark
