// Goal: receipts outlive the process, and what keeps them takes no more room than it needs.
#include "agent/site/receipt_ring.h"

#include <gtest/gtest.h>

#include "tests/agent/site/lost_write.h"
#include "tests/sim/sim_world.h"

namespace tidemark {
namespace {

constexpr char kDirectory[] = "/store";

Task<> OpenRing(Io* io, StoreCounters* counters, std::unique_ptr<ReceiptRing>* ring) {
  std::string directory = kDirectory;
  absl::StatusOr<std::unique_ptr<ReceiptRing>> opened =
      co_await ReceiptRing::Open(io, std::move(directory), counters);
  EXPECT_TRUE(opened.ok()) << opened.status();
  if (opened.ok()) *ring = std::move(*opened);
}

Task<> AppendEntry(Io* io, ReceiptRing* ring, uint64_t number) {
  (void)io;
  ReceiptEntry entry;
  entry.number = number;
  absl::Status appended = co_await ring->Append(std::move(entry));
  EXPECT_TRUE(appended.ok()) << appended;
}

class ReceiptRingTest : public testing::Test {
 protected:
  ReceiptRingTest() : world_(1), node_(world_.AddNode("a")) {
    world_.disk(node_)->MakeDirectories(kDirectory);
  }
  void Do(Task<> story) {
    story.Start();
    ASSERT_TRUE(world_.Run([&] { return story.done(); }, absl::Hours(1)));
  }
  void Open() { Do(OpenRing(world_.io(node_), &counters_, &ring_)); }
  void Close() {
    Do(ring_->Close());
    ring_.reset();
  }
  size_t Files() { return world_.disk(node_)->Files(kDirectory).size(); }

  SimWorld world_;
  int node_;
  StoreCounters counters_;
  std::unique_ptr<ReceiptRing> ring_;
};

TEST_F(ReceiptRingTest, GivesBackTheNewestAfterARestart) {
  Open();
  for (uint64_t number = 1; number <= 3; ++number)
    Do(AppendEntry(world_.io(node_), ring_.get(), number));
  Close();
  Open();
  ASSERT_EQ(ring_->newest().size(), 3u);
  EXPECT_EQ(ring_->newest().back().number, 3u);
  EXPECT_EQ(Files(), 1u);
  Close();
}

// 4 MiB each would stay behind; seed 9850 filled a small disk with them.
TEST(ReceiptRingCache, WhatAStartHasSeenIsThereAtTheNext) {
  constexpr uint64_t kSeeds = 60;
  for (uint64_t seed = 1; seed <= kSeeds && !testing::Test::HasFailure(); ++seed) {
    SCOPED_TRACE(seed);
    SimWorld world(seed);
    const int node = world.AddNode("a");
    world.disk(node)->MakeDirectories(kDirectory);
    StoreCounters counters;
    const auto run = [&](Task<> story) {
      story.Start();
      ASSERT_TRUE(world.Run([&] { return story.done(); }, absl::Hours(1)));
    };
    std::unique_ptr<ReceiptRing> ring;
    run(OpenRing(world.io(node), &counters, &ring));
    run(AppendEntry(world.io(node), ring.get(), 1));
    run(ring->Close());
    ReceiptEntry lost;
    lost.number = 2;
    std::vector<std::byte> bytes = EncodeReceiptEntry(lost);
    bytes.resize(kDirectIoBytes);
    run(LoseInCache(world.io(node), "/store/receipts-00000001", kDirectIoBytes, bytes));
    uint64_t seen = 0;
    for (int start = 0; start < 4; ++start) {
      run(OpenRing(world.io(node), &counters, &ring));
      EXPECT_GE(ring->newest().back().number, seen);
      seen = ring->newest().back().number;
      run(ring->Close());
    }
  }
}

TEST_F(ReceiptRingTest, StartsWithoutReceiptsLeaveOneFile) {
  for (int starts = 0; starts < 5; ++starts) {
    Open();
    EXPECT_TRUE(ring_->newest().empty());
    EXPECT_EQ(Files(), 1u);
    Close();
  }
}

}  // namespace
}  // namespace tidemark
