// Goal: receipts outlive the process, and what keeps them takes no more room than it needs.
#include "agent/site/receipt_ring.h"

#include <gtest/gtest.h>

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
