// One rotten head costs a log one record, wherever it stands.
#include "gtest/gtest.h"
#include "tests/agent/site/vault_log_fixture.h"

namespace tidemark {
namespace {

using VaultLogRotTest = VaultLogTest;

// Wherever it stands: also as the last of a file, and as the newest that has another behind it.
TEST_F(VaultLogRotTest, ForgetsNothingForOneRottenHead) {
  Open();
  ASSERT_TRUE(Append(6, 1 << 20).ok());  // two files
  ASSERT_TRUE(Append(3, 5000).ok());
  const size_t records = 9;
  for (size_t rotten = 1; rotten < records; ++rotten) {
    SCOPED_TRACE(rotten);
    const std::string file = FileOf(rotten);
    std::vector<uint64_t> offsets;
    for (size_t i = 1; i <= records; ++i) offsets.push_back(OffsetOf(i));
    CloseLog();
    disk()->FlipByte(file, offsets[rotten - 1] + 20);
    const LogRecovery::Outcome found = Open(records);
    EXPECT_FALSE(found.damaged) << found.explanation;
    EXPECT_EQ(found.tail.sequence, records);
    EXPECT_EQ(log_->rotten(), std::vector<uint64_t>{rotten});
    for (size_t i = 1; i <= records; ++i) EXPECT_EQ(OffsetOf(i), offsets[i - 1]);
    disk()->FlipByte(file, offsets[rotten - 1] + 20);
  }
  CloseLog();
}

// Behind it stands what was acked, though nothing here shows that it was flushed: that is copied.
TEST_F(VaultLogRotTest, CopiesAnUnflushedTailBehindARottenHead) {
  Open();
  ASSERT_TRUE(Append(3, 5000).ok());
  ASSERT_TRUE(Append(3, 5000).ok());
  const std::string file = FileOf(3);
  const uint64_t third = OffsetOf(3);
  CloseLog();
  disk()->FlipByte(file, third + 20);
  LogRecovery::Outcome found = Open();  // 3 is the newest that is known to have been flushed
  EXPECT_FALSE(found.damaged) << found.explanation;
  EXPECT_TRUE(log_->settled());
  EXPECT_EQ(FileOf(3), file);
  EXPECT_NE(FileOf(4), file);
  EXPECT_EQ(log_->flushed().sequence, 6u);
  CloseLog();
  for (const bool healed : {false, true}) {
    if (healed) disk()->FlipByte(file, third + 20);
    found = Open();
    EXPECT_FALSE(found.damaged) << found.explanation;
    EXPECT_EQ(found.tail.sequence, 6u);
    EXPECT_EQ(log_->rotten().size(), healed ? 0u : 1u);
    CloseLog();
  }
}

// An epoch-start, acked and not yet known to any head: it is taken for what it is, whole or torn.
TEST_F(VaultLogRotTest, KeepsAnEpochStartBehindARottenHead) {
  Open();
  ASSERT_TRUE(Append(1, 5000).ok());
  epoch_ = 4;
  ASSERT_TRUE(Append(1, 5000).ok());
  const std::string file = FileOf(1);
  const uint64_t first = OffsetOf(1), second = OffsetOf(2);
  const Position tail = log_->flushed();
  CloseLog();
  disk()->FlipByte(file, first + 20);
  disk()->FlipByte(file, second + kRecordHeaderBytes);
  LogRecovery::Outcome found = Open();
  EXPECT_TRUE(found.damaged) << "record 1 was durable";
  EXPECT_EQ(found.tail.sequence, 0u);
  CloseLog();
  disk()->FlipByte(file, second + kRecordHeaderBytes);
  found = Open();
  EXPECT_FALSE(found.damaged) << found.explanation;
  EXPECT_EQ(found.tail, tail);
  EXPECT_EQ(log_->rotten(), std::vector<uint64_t>{1});
  EXPECT_NE(FileOf(2), file) << "copied: nothing showed that it was flushed";
  CloseLog();
  disk()->FlipByte(file, first + 20);
  found = Open();
  EXPECT_FALSE(found.damaged) << found.explanation;
  EXPECT_EQ(found.tail, tail);
  CloseLog();
}

// Given up for it, the newest record would be less than was acked.
TEST_F(VaultLogRotTest, APassingReadErrorCostsNothing) {
  Open();
  ASSERT_TRUE(Append(3, 5000).ok());
  CloseLog();
  for (uint64_t reads = 0; reads < 8; ++reads) {
    SCOPED_TRACE(reads);
    SimInjection failing;
    failing.kind = Op::Kind::kRead;
    failing.path_part = "/log-";
    failing.skip = reads;
    io()->Inject(failing);
    const LogRecovery::Outcome found = Open();
    EXPECT_FALSE(found.damaged) << found.explanation;
    EXPECT_EQ(found.tail.sequence, 3u);
    CloseLog();
  }
}

}  // namespace
}  // namespace tidemark
