// A vault's log on a simulated disk without chance: rot, missing pieces, no space, many files.
#include "agent/site/vault_log.h"

#include "gtest/gtest.h"
#include "tests/agent/site/vault_log_fixture.h"

namespace tidemark {
namespace {

TEST_F(VaultLogTest, SpreadsRecordsOverFilesAndFindsThemAgain) {
  Open();
  ASSERT_TRUE(Append(6, 1 << 20).ok());
  ASSERT_TRUE(Append(6, 1 << 20).ok());
  EXPECT_NE(FileOf(1), FileOf(12));
  CloseLog();
  const LogRecovery::Outcome found = Open();
  EXPECT_FALSE(found.damaged) << found.explanation;
  EXPECT_EQ(found.tail.sequence, 12u);
  EXPECT_EQ(*log_->FindKind(RecordKind::kVaultGenesis, 12), 1u);
  EXPECT_EQ(*log_->FindKind(RecordKind::kPack, 7), 7u);
  EXPECT_EQ(*log_->FindKind(RecordKind::kKeyring, 12), 0u);
  EXPECT_FALSE(log_->FindPlace(13).has_value());
  ASSERT_TRUE(Append(1, 5000).ok());
  EXPECT_EQ(FileOf(13), FileOf(12));
  CloseLog();
}

// Zeros go ahead of small commits, many commits' worth at once; never ahead of bulk, never over the
// file's end, and never over a record.
TEST_F(VaultLogTest, WritesZerosAheadOfSmallCommitsOnly) {
  Open();
  const auto io_of = [this](int count, size_t bytes) {
    const uint64_t before = counters_.write_io_count;
    EXPECT_TRUE(Append(count, bytes).ok());
    return counters_.write_io_count - before;
  };
  EXPECT_LE(io_of(1, 1 << 20), 1u + 65u);  // the file's header too
  EXPECT_EQ(io_of(1, 5000), 1u + 16u);
  uint64_t with_zeros = 0;
  for (int i = 0; i < 110; ++i) with_zeros += io_of(1, 5000) > 1 ? 1 : 0;
  EXPECT_EQ(with_zeros, 5u);
  for (int i = 0; i < 400; ++i) ASSERT_TRUE(Append(1, 5000).ok());  // to the file's end and behind
  const uint64_t last = log_->flushed().sequence;
  EXPECT_NE(FileOf(1), FileOf(last));
  CloseLog();
  const LogRecovery::Outcome found = Open(last);
  EXPECT_FALSE(found.damaged) << found.explanation;
  EXPECT_EQ(found.tail.sequence, last);
  EXPECT_EQ(io_of(1, 5000), 1u + 16u) << "what was zeroed before a start is not known";
  CloseLog();
}

TEST_F(VaultLogTest, TellsARottenHeadFromATornTail) {
  Open();
  ASSERT_TRUE(Append(3, 5000).ok());
  ASSERT_TRUE(Append(3, 5000).ok());
  const std::string file = FileOf(2);
  const uint64_t second = OffsetOf(2), third = OffsetOf(3), last = OffsetOf(6);
  CloseLog();
  // The head of the last one was never followed by a later durable_upto: torn, as far as can be
  // told.
  disk()->FlipByte(file, last + 20);
  LogRecovery::Outcome found = Open();
  EXPECT_FALSE(found.damaged) << found.explanation;
  EXPECT_EQ(found.tail.sequence, 5u);
  CloseLog();
  // Unless a receipt says otherwise.
  found = Open(6);
  EXPECT_TRUE(found.damaged);
  EXPECT_EQ(found.evidence, 6u);
  CloseLog();
  disk()->FlipByte(file, second + 20);
  disk()->FlipByte(file, third + 20);
  found = Open();
  EXPECT_TRUE(found.damaged);
  EXPECT_EQ(found.tail.sequence, 1u);
  EXPECT_GE(found.evidence, 3u);
  CloseLog();
}

// What stands behind it may be nowhere else.
TEST_F(VaultLogTest, GoesOnBehindOneRottenHead) {
  Open();
  ASSERT_TRUE(Append(3, 5000).ok());
  ASSERT_TRUE(Append(3, 5000).ok());
  const std::string file = FileOf(2);
  const uint64_t second = OffsetOf(2), third = OffsetOf(3);
  const Position tail = log_->flushed();
  CanonicalHeader header;
  Do(ReadHead(2, &header));
  CloseLog();
  disk()->FlipByte(file, second + 20);
  const LogRecovery::Outcome found = Open();
  EXPECT_FALSE(found.damaged) << found.explanation;
  EXPECT_EQ(found.tail, tail);
  EXPECT_EQ(log_->rotten(), std::vector<uint64_t>{2});
  EXPECT_EQ(OffsetOf(2), second);
  EXPECT_EQ(OffsetOf(3), third);
  absl::StatusOr<Digest> digest;
  Do(ReadDigest(2, &digest));
  EXPECT_EQ(*digest, header.digest());
  Do(ReadDigest(1, &digest));
  EXPECT_EQ(*digest, header.previous) << "its own head says it too";
  // It may be of any kind until it is healed.
  EXPECT_EQ(*log_->FindKind(RecordKind::kPack, 6), 6u);
  EXPECT_TRUE(absl::IsDataLoss(log_->FindKind(RecordKind::kVaultGenesis, 6).status()));
  log_->NoteKind(2, RecordKind::kPack);
  EXPECT_EQ(*log_->FindKind(RecordKind::kVaultGenesis, 6), 1u);
  EXPECT_TRUE(log_->rotten().empty());
  ASSERT_TRUE(Append(1, 5000).ok());
  CloseLog();
}

TEST_F(VaultLogTest, RepairsADamagedLogInANewFile) {
  Open();
  ASSERT_TRUE(Append(3, 5000).ok());
  ASSERT_TRUE(Append(3, 5000).ok());
  const std::string file = FileOf(2);
  const uint64_t second = OffsetOf(2), third = OffsetOf(3);
  CloseLog();
  disk()->FlipByte(file, second + 20);
  disk()->FlipByte(file, third + 20);
  EXPECT_TRUE(Open().damaged);
  ASSERT_TRUE(Append(8, 5000).ok());
  EXPECT_NE(FileOf(2), file);
  CloseLog();
  const LogRecovery::Outcome found = Open();
  EXPECT_FALSE(found.damaged) << found.explanation;
  EXPECT_EQ(found.tail.sequence, 9u);
  EXPECT_EQ(FileOf(1), file);
  CloseLog();
}

TEST_F(VaultLogTest, MendsARottenFileHeader) {
  Open();
  ASSERT_TRUE(Append(6, 1 << 20).ok());
  ASSERT_TRUE(Append(2, 1 << 20).ok());
  const std::string first = FileOf(1), last = FileOf(8);
  CloseLog();
  disk()->FlipByte(first, 100);
  disk()->FlipByte(last, 100);
  const LogRecovery::Outcome found = Open();
  EXPECT_FALSE(found.damaged) << found.explanation;
  EXPECT_EQ(found.tail.sequence, 8u);
  ASSERT_TRUE(Append(1, 5000).ok());
  EXPECT_NE(FileOf(9), last);
  CloseLog();
}

TEST_F(VaultLogTest, PassesByAFileWhoseMakingWasCutShort) {
  Open();
  ASSERT_TRUE(Append(2, 5000).ok());
  CloseLog();
  disk()->WriteFile(std::string(kDirectory) + "/log-00000002", "torn");
  disk()->WriteFile(std::string(kDirectory) + "/notes.txt", "somebody's");
  EXPECT_EQ(Open().tail.sequence, 2u);
  ASSERT_TRUE(Append(8, 1 << 20).ok());
  EXPECT_NE(FileOf(10), std::string(kDirectory) + "/log-00000002");
  CloseLog();
  EXPECT_EQ(disk()->ReadFile(std::string(kDirectory) + "/notes.txt"), "somebody's");
}

// Its flush may have failed before the process died: a page cache that reads well proves nothing.
TEST_F(VaultLogTest, CopiesWhatNothingShowsToHaveBeenFlushed) {
  Open();
  ASSERT_TRUE(Append(2, 5000).ok());
  ASSERT_TRUE(Append(3, 5000).ok());
  const std::string file = FileOf(1);
  CloseLog();
  EXPECT_EQ(Open(4).tail.sequence, 5u);
  EXPECT_TRUE(log_->settled());
  EXPECT_EQ(FileOf(4), file);
  EXPECT_NE(FileOf(5), file);
  ASSERT_TRUE(Append(1, 5000).ok());
  CloseLog();
  const LogRecovery::Outcome found = Open(6);
  EXPECT_FALSE(found.damaged) << found.explanation;
  EXPECT_EQ(found.tail.sequence, 6u);
  EXPECT_FALSE(log_->settled());
  CloseLog();
}

// A power loss in the copying: the head is on the disk, half of the payload and the file's header
// are not.
TEST_F(VaultLogTest, KeepsWhatACutCopyWasCopiedFrom) {
  Open();
  ASSERT_TRUE(Append(2, 5000).ok());
  ASSERT_TRUE(Append(3, 5000).ok());
  CloseLog();
  EXPECT_EQ(Open(4).tail.sequence, 5u);
  ASSERT_TRUE(log_->settled());
  const std::string copy = FileOf(5);
  const uint64_t payload = OffsetOf(5) + kRecordHeaderBytes;
  CloseLog();
  disk()->FlipByte(copy, 100);
  disk()->FlipByte(copy, payload + 10);
  const LogRecovery::Outcome found = Open(4);
  EXPECT_FALSE(found.damaged) << found.explanation;
  EXPECT_EQ(found.tail.sequence, 5u);
  CloseLog();
}

TEST_F(VaultLogTest, KeepsNoFileThatHoldsNothing) {
  Open();
  ASSERT_TRUE(Append(3, 5000).ok());
  const std::string file = FileOf(1);
  CloseLog();
  EXPECT_EQ(Open().tail.sequence, 3u);
  EXPECT_NE(FileOf(1), file);
  EXPECT_FALSE(disk()->Exists(file));
  CloseLog();
}

TEST_F(VaultLogTest, MissingLogFileIsDamage) {
  Open();
  ASSERT_TRUE(Append(6, 1 << 20).ok());
  ASSERT_TRUE(Append(6, 1 << 20).ok());
  const std::string file = FileOf(6);
  CloseLog();
  disk()->RemoveTree(file);
  const LogRecovery::Outcome found = Open();
  EXPECT_TRUE(found.damaged) << found.explanation;
  EXPECT_LT(found.tail.sequence, 6u);
  CloseLog();
}

TEST_F(VaultLogTest, AFailedFlushEndsItsFile) {
  Open();
  ASSERT_TRUE(Append(2, 5000).ok());
  const std::string file = FileOf(2);
  SimInjection failure;
  failure.kind = Op::Kind::kSync;
  io()->Inject(failure);
  const absl::Status failed = Append(2, 5000);
  EXPECT_TRUE(absl::IsUnknown(failed)) << failed;
  EXPECT_EQ(log_->flushed().sequence, 2u);
  ASSERT_TRUE(Append(2, 5000).ok());
  EXPECT_NE(FileOf(3), file);
  CloseLog();
  const LogRecovery::Outcome found = Open();
  EXPECT_FALSE(found.damaged) << found.explanation;
  EXPECT_EQ(found.tail.sequence, 4u);
  CloseLog();
}

TEST_F(VaultLogTest, RefusesToAppendAfterThreeFailuresInAnHour) {
  Open();
  for (size_t i = 0; i < kFileFailuresMax; ++i) {
    ASSERT_TRUE(Append(1, 5000).ok());
    SimInjection failure;
    failure.kind = Op::Kind::kWrite;
    io()->Inject(failure);
    EXPECT_FALSE(Append(1, 5000).ok());
  }
  const absl::Status refused = Append(1, 5000);
  EXPECT_TRUE(absl::IsUnknown(refused)) << refused;
  world_.RunFor(absl::Minutes(61));
  EXPECT_TRUE(Append(1, 5000).ok());
  CloseLog();
}

TEST_F(VaultLogTest, ForgetsWhatWasDroppedAlsoAfterARestart) {
  Open();
  ASSERT_TRUE(Append(6, 5000).ok());
  CanonicalHeader second;
  Do(ReadHead(2, &second));
  Do(Drop(second.position()));
  EXPECT_EQ(log_->flushed().sequence, 2u);
  EXPECT_FALSE(log_->FindPlace(3).has_value());
  CloseLog();
  EXPECT_EQ(Open().tail.sequence, 2u);
  ASSERT_TRUE(Append(1, 5000).ok());
  CloseLog();
  const LogRecovery::Outcome found = Open();
  EXPECT_FALSE(found.damaged) << found.explanation;
  EXPECT_EQ(found.tail.sequence, 3u);
  CloseLog();
}

}  // namespace
}  // namespace tidemark
