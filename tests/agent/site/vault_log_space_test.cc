// A vault's log and the room on its disk.
#include "agent/site/vault_log.h"
#include "gtest/gtest.h"
#include "tests/agent/site/vault_log_fixture.h"

namespace tidemark {
namespace {

TEST_F(VaultLogTest, SaysFullAndGoesOnWhenSpaceIsBack) {
  options_.reserve_bytes = 1 << 20;
  disk()->set_capacity(7 << 20);
  Open();
  ASSERT_TRUE(Append(1, 4 << 20).ok());
  const absl::Status full = Append(1, 4 << 20);
  EXPECT_TRUE(absl::IsResourceExhausted(full)) << full;
  EXPECT_EQ(log_->flushed().sequence, 1u);
  // Small ones still fit the file there is.
  EXPECT_TRUE(Append(3, 4096).ok());
  EXPECT_TRUE(absl::IsResourceExhausted(Append(1, 4 << 20)));
  disk()->set_capacity(64 << 20);
  EXPECT_TRUE(Append(1, 4 << 20).ok());
  EXPECT_EQ(log_->flushed().sequence, 5u);
  CloseLog();
  EXPECT_EQ(Open().tail.sequence, 5u);
  CloseLog();
}

// Nothing shows that the tail was flushed: it needs a copy, also where no file has room.
TEST_F(VaultLogTest, CopiesAnUnflushedTailIntoTheReserve) {
  options_.reserve_bytes = 1 << 20;
  Open();
  ASSERT_TRUE(Append(3, 5000).ok());
  ASSERT_TRUE(Append(3, 5000).ok());
  const std::string file = FileOf(6);
  CloseLog();
  disk()->set_capacity(disk()->used_bytes() + (1 << 20));
  const LogRecovery::Outcome found = Open();
  EXPECT_FALSE(found.damaged) << found.explanation;
  EXPECT_TRUE(log_->settled());
  EXPECT_NE(FileOf(6), file);
  EXPECT_EQ(log_->flushed().sequence, 6u);
  CloseLog();
  EXPECT_EQ(Open().tail.sequence, 6u);
  CloseLog();
}

// Each start after a crash ends a file in the middle of the space that it was given.
TEST_F(VaultLogTest, GivesBackTheSpaceThatAnEndedFileNeverUsed) {
  Open();
  ASSERT_TRUE(Append(3, 5000).ok());
  ASSERT_TRUE(Append(3, 5000).ok());
  CloseLog();
  const uint64_t one_file = disk()->used_bytes();
  uint64_t last = 6;
  for (int lives = 0; lives < 6; ++lives, last += 6) {
    const LogRecovery::Outcome found = Open();
    EXPECT_FALSE(found.damaged) << found.explanation;
    EXPECT_EQ(found.tail.sequence, last);
    ASSERT_TRUE(Append(3, 5000).ok());
    ASSERT_TRUE(Append(3, 5000).ok());
    CloseLog();
  }
  EXPECT_LT(disk()->used_bytes(), 2 * one_file + 6 * (1 << 20));
}

}  // namespace
}  // namespace tidemark
