#include "replicator/promise_book.h"

#include <gtest/gtest.h>

#include <map>

#include "tests/replicator/positions.h"

namespace tidemark {
namespace {

using Offer = PromiseBook::Offer;
using enum absl::StatusCode;

PromiseBook EmptyBook() { return PromiseBook(0, SessionId(), Position(), Position()); }

// A book promised to (epoch, nonce) that holds `records` records of epoch 1, all flushed.
PromiseBook BookWith(uint64_t epoch, uint8_t nonce, uint64_t records) {
  const Position tail = LogAt(records);
  return PromiseBook(epoch, Nonce(nonce), tail, tail);
}

absl::StatusCode AppendCode(const PromiseBook& book, uint64_t epoch, uint8_t nonce,
                            const FakeRecord& record) {
  return book.MayAppend(epoch, Nonce(nonce), record.header, record.digest).status().code();
}

TEST(Promising, RefusesALowerEpochAndTheSameEpochUnderAnotherNonce) {
  PromiseBook book = EmptyBook();
  EXPECT_TRUE(book.MayPromise(5, Nonce(1)).ok());
  book.Promised(5, Nonce(1));
  EXPECT_TRUE(book.MayPromise(5, Nonce(1)).ok()) << "a repeated request is answered again";
  EXPECT_EQ(book.MayPromise(5, Nonce(2)).code(), kAborted);
  EXPECT_EQ(book.MayPromise(4, Nonce(1)).code(), kAborted);
  EXPECT_TRUE(book.MayPromise(6, Nonce(2)).ok());
}

TEST(Promising, RefusesEmptyNames) {
  const PromiseBook book = EmptyBook();
  EXPECT_EQ(book.MayPromise(0, Nonce(1)).code(), kInvalidArgument);
  EXPECT_EQ(book.MayPromise(1, SessionId()).code(), kInvalidArgument);
}

TEST(Promising, RefusesAnEpochBelowTheLogThatAPeerGave) {
  const Position tail = LogAt(3, 7);
  const PromiseBook book(2, Nonce(1), tail, tail);
  EXPECT_EQ(book.MayPromise(6, Nonce(1)).code(), kAborted);
  EXPECT_TRUE(book.MayPromise(7, Nonce(3)).ok());
}

TEST(Promising, StopsEverySessionBeforeItIsDurable) {
  PromiseBook book = BookWith(1, 1, 4);
  const FakeRecord next = RecordAfter(book.tail(), 1);
  EXPECT_EQ(AppendCode(book, 1, 1, next), kOk);
  book.Promising(2, Nonce(2));
  EXPECT_EQ(AppendCode(book, 1, 1, next), kAborted);
  EXPECT_EQ(AppendCode(book, 2, 2, next), kAborted) << "not promised yet";
  EXPECT_EQ(book.MayPromise(3, Nonce(3)).code(), kUnavailable) << "one at a time";
  EXPECT_TRUE(book.MayPromise(2, Nonce(2)).ok());
  book.Promised(2, Nonce(2));
  EXPECT_EQ(AppendCode(book, 1, 1, next), kAborted);
  EXPECT_EQ(AppendCode(book, 2, 2, next), kOk);
}

TEST(Promising, ThatFailedLeavesTheOldPromise) {
  PromiseBook book = BookWith(1, 1, 4);
  book.Promising(2, Nonce(2));
  book.PromiseFailed();
  EXPECT_EQ(AppendCode(book, 1, 1, RecordAfter(book.tail(), 1)), kOk);
  EXPECT_TRUE(book.MayPromise(3, Nonce(3)).ok());
}

TEST(PromisingDeathTest, IsNeverGivenOverUnflushedRecords) {
  PromiseBook book = BookWith(1, 1, 4);
  book.Appended(RecordAfter(book.tail(), 1).position());
  EXPECT_DEATH(book.Promised(2, Nonce(2)), "durable_ == proven_");
  book.Flushed(book.tail());
  book.Promised(2, Nonce(2));
  EXPECT_EQ(book.epoch(), 2u);
}

TEST(Appending, NeedsThePromiseOfThatSession) {
  const PromiseBook book = BookWith(3, 1, 4);
  EXPECT_EQ(AppendCode(book, 3, 1, RecordAfter(book.tail(), 3)), kOk);
  EXPECT_EQ(AppendCode(book, 3, 2, RecordAfter(book.tail(), 3)), kAborted);
  EXPECT_EQ(AppendCode(book, 2, 1, RecordAfter(book.tail(), 2)), kAborted);
  EXPECT_EQ(AppendCode(book, 4, 1, RecordAfter(book.tail(), 4)), kAborted) << "not promised";
  EXPECT_EQ(AppendCode(book, 3, 1, RecordAfter(book.tail(), 4)), kAborted)
      << "a record above its session";
  EXPECT_EQ(AppendCode(EmptyBook(), 0, 0, RecordAfter(Position(), 0)), kAborted)
      << "nobody's epoch";
  EXPECT_TRUE(book.IsCurrent(3, Nonce(1)).ok());
  EXPECT_EQ(book.IsCurrent(3, Nonce(2)).code(), kAborted);
}

TEST(Appending, TakesOlderEpochsOfAnAdoptedTail) {
  const PromiseBook book = BookWith(9, 1, 4);
  EXPECT_EQ(AppendCode(book, 9, 1, RecordAfter(book.tail(), 1)), kOk);
}

TEST(Appending, RefusesGapsAndBrokenChains) {
  const PromiseBook book = BookWith(2, 1, 4);
  FakeRecord record = RecordAfter(book.tail(), 2);
  record.header.sequence += 1;
  EXPECT_EQ(AppendCode(book, 2, 1, record), kOutOfRange);
  record = RecordAfter(book.tail(), 2);
  record.header.previous = DigestOf(99);
  EXPECT_EQ(AppendCode(book, 2, 1, record), kOutOfRange);
  record = RecordAfter(book.tail(), 0);
  EXPECT_EQ(AppendCode(book, 2, 1, record), kOutOfRange) << "epochs never fall";
  record = RecordAfter(book.tail(), 2);
  record.header.sequence = 0;
  EXPECT_EQ(AppendCode(book, 2, 1, record), kInvalidArgument);
}

TEST(Appending, AnEpochBeginsWithItsEpochStart) {
  const PromiseBook book = BookWith(2, 1, 4);
  FakeRecord record = RecordAfter(book.tail(), 2);
  record.header.kind = RecordKind::kPack;
  EXPECT_EQ(AppendCode(book, 2, 1, record), kInvalidArgument);
  record.header.kind = RecordKind::kVaultGenesis;
  EXPECT_EQ(AppendCode(book, 2, 1, record), kInvalidArgument) << "genesis is the first record";
  PromiseBook fresh = EmptyBook();
  fresh.Promised(1, Nonce(1));
  record = RecordAfter(Position(), 1);
  record.header.kind = RecordKind::kVaultGenesis;
  EXPECT_EQ(AppendCode(fresh, 1, 1, record), kOk);
  record.header.kind = RecordKind::kPack;
  EXPECT_EQ(AppendCode(fresh, 1, 1, record), kInvalidArgument);
}

TEST(Appending, TellsARepeatedRecordFromADivergedOne) {
  PromiseBook book = BookWith(1, 1, 0);
  std::vector<FakeRecord> records;
  for (int i = 0; i < 1000; ++i) {
    records.push_back(RecordAfter(book.tail(), 1));
    book.Appended(records.back().position());
  }
  for (size_t i = 0; i < records.size(); ++i) {
    const auto offer = book.MayAppend(1, Nonce(1), records[i].header, records[i].digest);
    ASSERT_TRUE(offer.ok());
    EXPECT_EQ(*offer, Offer::kDuplicate);
    if (records.size() - i > 256) continue;  // no longer remembered; the next ack tells
    EXPECT_EQ(book.MayAppend(1, Nonce(1), records[i].header, DigestOf(5)).status().code(),
              kDataLoss);
  }
}

TEST(Flushing, GrowsOnlyAndNeverBeyondTheTail) {
  PromiseBook book = BookWith(1, 1, 2);
  const Position third = RecordAfter(book.tail(), 1).position();
  book.Appended(third);
  const Position fourth = RecordAfter(book.tail(), 1).position();
  book.Appended(fourth);
  EXPECT_EQ(book.durable(), LogAt(2));
  book.Flushed(fourth);
  book.Flushed(third);
  EXPECT_EQ(book.durable(), fourth);
  EXPECT_DEATH(book.Flushed(LogAt(5)), "sequence <= tail_.sequence");
}

TEST(Flushing, AGivenUpTailFallsBackToWhatIsFlushed) {
  PromiseBook book = BookWith(1, 1, 2);
  for (int i = 0; i < 600; ++i) book.Appended(RecordAfter(book.tail(), 1).position());
  book.Flushed(LogAt(3));
  book.DropUnflushed();
  EXPECT_EQ(book.tail(), LogAt(3));
  EXPECT_EQ(book.durable(), LogAt(3));
  EXPECT_EQ(AppendCode(book, 1, 1, RecordAfter(LogAt(3), 1, 77)), kOk)
      << "another record may stand there now";
}

TEST(Fetching, IsDurableOnlyUnderACheckpoint) {
  PromiseBook book = BookWith(1, 1, 2);
  const Position checkpoint = LogAt(5);
  for (uint64_t s = 3; s <= 5; ++s) {
    const FakeRecord record = RecordAfter(book.tail(), 1);
    ASSERT_TRUE(book.MayFetch(checkpoint, record.header, record.digest).ok());
    book.Fetched(checkpoint, record.position());
    book.Flushed(record.position());
    EXPECT_EQ(book.durable().sequence, s == 5 ? 5u : 2u);
  }
  const FakeRecord beyond = RecordAfter(book.tail(), 1);
  EXPECT_EQ(book.MayFetch(checkpoint, beyond.header, beyond.digest).status().code(), kOutOfRange);
}

TEST(Fetching, RefusesWhatTheCheckpointDoesNotName) {
  PromiseBook book = BookWith(1, 1, 2);
  const Position checkpoint = LogAt(3);
  const FakeRecord lie = RecordAfter(book.tail(), 1, 13);
  EXPECT_EQ(book.MayFetch(checkpoint, lie.header, lie.digest).status().code(), kDataLoss);
  const FakeRecord ahead = RecordAfter(book.tail(), 2);
  EXPECT_EQ(book.MayFetch(LogAt(4), ahead.header, ahead.digest).status().code(), kDataLoss)
      << "an epoch above the checkpoint's";
}

TEST(Fetching, ALyingPeerIsFoundAtTheCheckpointAndUndone) {
  PromiseBook book = BookWith(1, 1, 2);
  const Position checkpoint = LogAt(4);
  const FakeRecord lie = RecordAfter(book.tail(), 1, 13);
  ASSERT_TRUE(book.MayFetch(checkpoint, lie.header, lie.digest).ok());
  book.Fetched(checkpoint, lie.position());
  book.Flushed(lie.position());
  const FakeRecord truth = RecordAfter(LogAt(3), 1);
  EXPECT_EQ(book.MayFetch(checkpoint, truth.header, truth.digest).status().code(), kOutOfRange);
  EXPECT_EQ(AppendCode(book, 1, 1, truth), kFailedPrecondition);
  EXPECT_FALSE(book.Prove(LogAt(3)));
  book.DropUnproven();
  EXPECT_EQ(book.tail(), LogAt(2));
  EXPECT_EQ(AppendCode(book, 1, 1, RecordAfter(LogAt(2), 1)), kOk);
}

TEST(Fetching, ALaterCheckpointProvesAHalfFinishedFetch) {
  PromiseBook book = BookWith(1, 1, 2);
  for (int i = 0; i < 3; ++i) {
    book.Fetched(LogAt(50), RecordAfter(book.tail(), 1).position());
  }
  book.Flushed(LogAt(5));
  EXPECT_EQ(book.durable(), LogAt(2));
  EXPECT_TRUE(book.Prove(LogAt(4)));
  EXPECT_EQ(book.durable(), LogAt(4));
  EXPECT_TRUE(book.has_unproven());
  EXPECT_FALSE(book.Prove(LogAt(9)));
}

TEST(Fetching, WhatAStartFoundBeyondItsProofStaysUnproven) {
  PromiseBook book(1, Nonce(1), LogAt(6), LogAt(4));
  EXPECT_TRUE(book.has_unproven());
  EXPECT_EQ(book.durable(), LogAt(4));
  EXPECT_TRUE(book.Prove(LogAt(6)));
  EXPECT_EQ(book.durable(), LogAt(6));
}

// Two sessions speak to one site in any order; the site crashes now and then and keeps its promise
// and what was flushed. `Keeps` is law 4 as a site must keep it.
struct TwoSessions {
  struct Session {
    uint64_t epoch = 0;
    uint8_t nonce = 0;
    Position tail;  // where its next record goes
  };
  explicit TwoSessions(uint64_t seed) : dice(seed) {}

  void Promise() {
    Session asking{1 + dice.Below(12), static_cast<uint8_t>(1 + dice.Below(2)), Position()};
    const absl::Status may = book.MayPromise(asking.epoch, Nonce(asking.nonce));
    const bool lower = asking.epoch < highest.epoch;
    const bool other = asking.epoch == highest.epoch && asking.nonce != highest.nonce;
    ASSERT_EQ(may.ok(), !lower && !other) << may;
    if (!may.ok()) return;
    book.Promising(asking.epoch, Nonce(asking.nonce));
    book.Flushed(book.tail());
    book.Promised(asking.epoch, Nonce(asking.nonce));
    ASSERT_TRUE(writer_of.try_emplace(asking.epoch, asking.nonce).first->second == asking.nonce);
    asking.tail = book.tail();
    highest = asking;
    sessions[asking.nonce - 1] = asking;
  }
  void Append() {
    Session& session = sessions[dice.Below(2)];
    const FakeRecord record = RecordAfter(session.tail, session.epoch, dice.Roll());
    const auto may =
        book.MayAppend(session.epoch, Nonce(session.nonce), record.header, record.digest);
    if (session.epoch == 0 || session.epoch != highest.epoch || session.nonce != highest.nonce) {
      ASSERT_EQ(may.status().code(), kAborted);
      return;
    }
    if (!may.ok() || *may != Offer::kAppend)
      return;  // it does not know that the site lost its tail
    ASSERT_EQ(record.header.previous, book.tail().digest);
    book.Appended(record.position());
    session.tail = record.position();
    author_of[record.header.sequence] = session.nonce;
    ++appended;
  }
  void Crash() { book = PromiseBook(book.epoch(), book.nonce(), book.durable(), book.durable()); }
  void Step() {
    const Position before = book.durable();
    switch (dice.Below(8)) {
      case 0:
        Promise();
        break;
      case 1:
        Crash();
        break;
      case 2:
        book.Flushed(book.tail());
        break;
      case 3:
        sessions[dice.Below(2)].tail = book.durable();
        break;  // it linked up again
      default:
        Append();
    }
    ASSERT_GE(book.durable().sequence, before.sequence);
    ASSERT_LE(book.durable().sequence, book.tail().sequence);
    ASSERT_EQ(book.epoch(), highest.epoch);
  }

  Dice dice;
  PromiseBook book = EmptyBook();
  Session sessions[2];
  Session highest;
  std::map<uint64_t, uint8_t> writer_of;  // epoch -> nonce
  std::map<uint64_t, uint8_t> author_of;  // sequence -> nonce
  uint64_t appended = 0;
};

TEST(TwoSessions, NeverBothAppendInOneEpoch) {
  uint64_t appended = 0;
  for (uint64_t seed = 0; seed < 3000; ++seed) {
    TwoSessions world(seed);
    for (int step = 0; step < 120; ++step) {
      world.Step();
      if (testing::Test::HasFatalFailure()) FAIL() << "seed " << seed << " step " << step;
    }
    appended += world.appended;
  }
  EXPECT_GT(appended, 10000u) << "the script must do something";
}

}  // namespace
}  // namespace tidemark
