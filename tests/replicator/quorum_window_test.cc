// LogWindow in a vault with `ack = quorum`.
#include <gtest/gtest.h>

#include "replicator/log_window.h"
#include "tests/replicator/positions.h"

namespace tidemark {
namespace {

using Feed = LogWindow::Feed;
constexpr SiteIndex kA = 0, kB = 1, kW = 2;

// The window of an epoch 2 that adopted LogAt(5) of epoch 1, in a vault with `ack = quorum`.
class QuorumWindow : public testing::Test {
 protected:
  static LogWindow::Options Options() {
    LogWindow::Options options;
    options.may_use_quorum = true;
    return options;
  }
  Position Append() {
    const Position position = RecordAfter(window.tail(), 2).position();
    window.Append(position, 10);
    return position;
  }
  LogWindow window{Options(), LogAt(5)};
};

TEST_F(QuorumWindow, IsStrictUntilARecordSaysOtherwise) {
  for (SiteIndex site : {kA, kW}) EXPECT_EQ(window.LinkUp(site, LogAt(5)), Feed::kLive);
  const Position first = Append();
  EXPECT_FALSE(*window.OnAck(kA, first));
  EXPECT_EQ(window.NextToSend(kW), std::nullopt) << "the witness gets what is committed";
  const Position says_so = Append();
  window.SetMode(AckMode::kQuorum);
  EXPECT_EQ(window.NextToSend(kW), first.sequence);
  EXPECT_FALSE(*window.OnAck(kW, first)) << "two hold it, but not the record that makes two enough";
  EXPECT_FALSE(*window.OnAck(kA, says_so));
  EXPECT_TRUE(*window.OnAck(kW, says_so));
  EXPECT_EQ(window.committed_sequence(), says_so.sequence);
  const Position strict_again = Append();
  window.SetMode(AckMode::kStrict);
  EXPECT_FALSE(*window.OnAck(kA, strict_again));
  EXPECT_FALSE(*window.OnAck(kW, strict_again));
  EXPECT_EQ(window.LinkUp(kB, strict_again), Feed::kLive);
  EXPECT_EQ(window.committed_sequence(), strict_again.sequence);
}

TEST_F(QuorumWindow, AnAbsentSitesOldTailCountsForNothingUntilItHasFetched) {
  const Position first = Append();
  Append();
  const Position old_tail = RecordAfter(LogAt(5), 1, 99).position();
  EXPECT_EQ(window.LinkUp(kA, old_tail), Feed::kFetch);
  EXPECT_EQ(window.durable(kA), Position());
  EXPECT_FALSE(window.IsOurs(old_tail));
  EXPECT_FALSE(*window.OnAck(kA, old_tail)) << "it says so again, and is not called diverged";
  EXPECT_EQ(window.LinkUp(kW, LogAt(3)), Feed::kFetch) << "nobody knows whose that is";
  EXPECT_EQ(window.durable(kW), Position());
  EXPECT_EQ(window.FetchFinished(kA, first), Feed::kLive);
  EXPECT_EQ(window.durable(kA), first);
}

TEST_F(QuorumWindow, ATailOfThisEpochThatDiffersIsDiverged) {
  Append();
  EXPECT_EQ(window.LinkUp(kA, RecordAfter(LogAt(5), 2, 99).position()), Feed::kDiverged);
}

}  // namespace
}  // namespace tidemark
