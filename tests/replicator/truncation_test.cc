#include "replicator/truncation.h"

#include <gtest/gtest.h>

#include "tests/replicator/positions.h"

namespace tidemark {
namespace {

constexpr auto kDataLoss = absl::StatusCode::kDataLoss;

StoreId Store(uint8_t n) {
  StoreId store;
  store.bytes[0] = std::byte{n};
  return store;
}

// Epoch 3 began behind LogAt(5) of epoch 1, promised by stores 2 and 3. Store 1 was away and holds
// two records of epoch 2 behind LogAt(4).
class Truncating : public testing::Test {
 protected:
  Truncating() {
    parting.last_shared = LogAt(4);
    parting.beyond.push_back(RecordAfter(LogAt(4), 2).position());
    parting.beyond.push_back(RecordAfter(parting.beyond[0], 2).position());
    header = RecordAfter(LogAt(5), 3).header;
    start.epoch = 3;
    start.nonce = Nonce(9);
    start.base = LogAt(5);
    Promise(2, LogAt(5));
    Promise(3, LogAt(3));
  }
  void Promise(uint8_t store, const Position& tail) {
    SignedPromise given;
    given.promise.store = Store(store);
    given.promise.epoch = start.epoch;
    given.promise.nonce = start.nonce;
    given.promise.tail = tail;
    start.promises.push_back(given.Encode());
  }
  absl::StatusCode Asked(uint8_t store = 1) {
    return MayTruncate(Store(store), parting, header, start).code();
  }
  Parting parting;
  CanonicalHeader header;
  EpochStart start;
};

TEST_F(Truncating, AStoreThatWasAwayMayGiveUpWhatOnlyItHeld) {
  EXPECT_EQ(Asked(), absl::StatusCode::kOk);
}

TEST_F(Truncating, AStoreMayNotGiveUpWhatItsPromiseStated) {
  Promise(1, parting.beyond[0]);
  EXPECT_EQ(Asked(), kDataLoss);
}

TEST_F(Truncating, WhatCameAfterThePromiseMayGo) {
  Promise(1, LogAt(4));
  EXPECT_EQ(Asked(), absl::StatusCode::kOk);
}

TEST_F(Truncating, OnePromiseIsNoReason) {
  start.promises.pop_back();
  EXPECT_EQ(Asked(), kDataLoss);
  Promise(2, LogAt(5));
  EXPECT_EQ(Asked(), kDataLoss) << "twice the same store";
}

TEST_F(Truncating, PromisesForAnotherSessionAreNone) {
  start.nonce = Nonce(8);
  EXPECT_EQ(Asked(), kDataLoss);
}

TEST_F(Truncating, TheEpochMustBeNewerThanAllThatGoes) {
  parting.beyond.push_back(RecordAfter(parting.beyond[1], 3).position());
  EXPECT_EQ(Asked(), kDataLoss);
}

TEST_F(Truncating, AVaultThatBeganWithoutTheStoreShowsItByItsGenesis) {
  parting.last_shared = Position();
  start.base = Position();
  header = RecordAfter(Position(), 3).header;
  header.kind = RecordKind::kVaultGenesis;
  EXPECT_EQ(Asked(), absl::StatusCode::kOk);
  header.sequence = 2;
  EXPECT_EQ(Asked(), kDataLoss);
}

TEST_F(Truncating, TheRecordMustBeginTheEpochThatItSpeaksOf) {
  const CanonicalHeader good = header;
  header.kind = RecordKind::kMode;
  EXPECT_EQ(Asked(), kDataLoss);
  header = good;
  header.previous = LogAt(3).digest;
  EXPECT_EQ(Asked(), kDataLoss);
  header = good;
  ++header.epoch;
  EXPECT_EQ(Asked(), kDataLoss);
}

}  // namespace
}  // namespace tidemark
