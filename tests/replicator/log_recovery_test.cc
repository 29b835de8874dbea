#include <gtest/gtest.h>

#include <algorithm>

#include "replicator/placement.h"
#include "tests/replicator/mutations.h"
#include "tests/replicator/samples.h"

namespace tidemark {
namespace {

using Verdict = LogRecovery::Verdict;
constexpr uint64_t kRecordBytes = kRecordHeaderBytes + kPayloadBytesMin;

// One vault's log in one store, as it would stand on disk.
class WrittenLog {
 public:
  WrittenLog() { BeginFile(); }

  void BeginFile() {
    LogFileHeader header;
    header.store = store;
    header.vault = vault;
    header.file_number = files.size() + 1;
    header.file_salt = 1000 + files.size();
    header.before = tail;
    files.push_back({header, {}});
  }
  void Append(uint64_t epoch, uint64_t durable_upto) {
    std::vector<std::byte> payload = CountingBytes(kPayloadBytesMin, 1);
    CanonicalHeader header;
    header.vault = vault;
    header.epoch = epoch;
    header.sequence = tail.sequence + 1;
    header.previous = tail.digest;
    header.payload_bytes = static_cast<uint32_t>(payload.size());
    header.blocks = BlockDigests(payload);
    PlacementHeader placement;
    placement.store = store;
    placement.file_number = files.back().header.file_number;
    placement.file_salt = files.back().header.file_salt;
    placement.own_offset = OffsetOf(files.back().records.size());
    placement.sequence = header.sequence;
    placement.durable_upto = durable_upto;
    placement.record_digest = header.digest();
    files.back().records.push_back(RecordHead{header, placement});
    tail = header.position();
  }
  static uint64_t OffsetOf(size_t index) { return kLogFileHeaderBytes + index * kRecordBytes; }

  struct File {
    LogFileHeader header;
    std::vector<absl::StatusOr<RecordHead>> records;
  };
  StoreId store = Counting<StoreId>(9);
  VaultId vault = Counting<VaultId>(1);
  Position tail;
  std::vector<File> files;
};

// Feeds everything, also behind a stop. `bad_payload`: the sequence whose payload is bad.
LogRecovery::Outcome Recover(const WrittenLog& log, uint64_t evidence, uint64_t bad_payload = 0) {
  LogRecovery recovery(log.store, log.vault, evidence);
  for (const WrittenLog::File& file : log.files) {
    if (!recovery.OnFile(file.header).ok()) continue;
    for (size_t i = 0; i < file.records.size(); ++i) {
      bool bad = file.records[i].ok() && file.records[i]->canonical.sequence == bad_payload;
      recovery.OnRecord(WrittenLog::OffsetOf(i), file.records[i], !bad);
    }
  }
  return recovery.Finish();
}

// Ten records over two files; each knows that all up to three before it were flushed.
WrittenLog TenRecords() {
  WrittenLog log;
  for (uint64_t sequence = 1; sequence <= 10; ++sequence) {
    if (sequence == 6) log.BeginFile();
    log.Append(sequence < 4 ? 1 : 2, sequence > 3 ? sequence - 3 : 0);
  }
  return log;
}

TEST(LogRecovery, AcceptsAWholeLog) {
  WrittenLog log = TenRecords();
  LogRecovery::Outcome outcome = Recover(log, 10);
  EXPECT_EQ(outcome.tail, log.tail);
  EXPECT_FALSE(outcome.damaged) << outcome.explanation;
  EXPECT_EQ(outcome.evidence, 10u);
}

TEST(LogRecovery, OfNothingIsThePositionBeforeTheFirst) {
  LogRecovery recovery(Counting<StoreId>(9), Counting<VaultId>(1), 0);
  EXPECT_EQ(recovery.Finish().tail, Position{});
  EXPECT_FALSE(recovery.Finish().damaged);
  LogRecovery lost(Counting<StoreId>(9), Counting<VaultId>(1), 4);
  EXPECT_TRUE(lost.Finish().damaged);
}

TEST(LogRecovery, CutsATornTailWithoutEvidence) {
  WrittenLog log = TenRecords();
  log.files[1].records.back() = absl::DataLossError("torn");
  LogRecovery::Outcome outcome = Recover(log, 0);
  EXPECT_EQ(outcome.tail.sequence, 9u);
  EXPECT_FALSE(outcome.damaged) << outcome.explanation;
  EXPECT_NE(outcome.explanation.find("torn"), std::string::npos);
}

TEST(LogRecovery, CallsALostReceiptedRecordDamage) {
  WrittenLog log = TenRecords();
  log.files[1].records.back() = absl::DataLossError("torn");
  LogRecovery::Outcome outcome = Recover(log, 10);
  EXPECT_EQ(outcome.tail.sequence, 9u);
  EXPECT_TRUE(outcome.damaged);
  EXPECT_EQ(outcome.evidence, 10u);
}

TEST(LogRecovery, CallsItDamageWhenALaterHeadKnewTheRecordDurable) {
  WrittenLog log = TenRecords();
  // Record 10 says that 7 was flushed; 8 was never known to be.
  EXPECT_TRUE(Recover(log, 0, 7).damaged);
  EXPECT_EQ(Recover(log, 0, 7).tail.sequence, 6u);
  EXPECT_EQ(Recover(log, 0, 7).evidence, 7u);
  EXPECT_FALSE(Recover(log, 0, 8).damaged);
  EXPECT_EQ(Recover(log, 0, 8).tail.sequence, 7u);
}

TEST(LogRecovery, CountsEvidenceOfLaterFiles) {
  WrittenLog log = TenRecords();
  LogRecovery::Outcome outcome = Recover(log, 0, 2);
  EXPECT_EQ(outcome.tail.sequence, 1u);
  EXPECT_TRUE(outcome.damaged);
  EXPECT_EQ(outcome.evidence, 7u);
}

TEST(LogRecovery, TakesRecordsWhosePayloadWasNotRead) {
  WrittenLog log = TenRecords();
  LogRecovery recovery(log.store, log.vault, 0);
  ASSERT_TRUE(recovery.OnFile(log.files[0].header).ok());
  EXPECT_EQ(recovery.OnRecord(WrittenLog::OffsetOf(0), log.files[0].records[0], std::nullopt),
            Verdict::kAccept);
}

TEST(LogRecovery, StopsAtAMisdirectedWrite) {
  WrittenLog log = TenRecords();
  log.files[0].records[2]->placement.own_offset += 4096;
  LogRecovery::Outcome outcome = Recover(log, 0);
  EXPECT_EQ(outcome.tail.sequence, 2u);
  EXPECT_TRUE(outcome.damaged);
}

TEST(LogRecovery, IgnoresARecycledFilesOldRecords) {
  WrittenLog old = TenRecords();
  WrittenLog log;
  log.Append(5, 0);
  log.Append(5, 1);
  // The old records stand behind, of the same store, vault and file number; only the salt differs.
  for (size_t i = 2; i < 5; ++i) {
    log.files[0].records.push_back(old.files[0].records[i]);
    log.files[0].records.back()->placement.file_salt = 77;
  }
  LogRecovery::Outcome outcome = Recover(log, 0);
  EXPECT_EQ(outcome.tail.sequence, 2u);
  EXPECT_FALSE(outcome.damaged) << outcome.explanation;
}

TEST(LogRecovery, IgnoresTheDurabilityOfADroppedBranch) {
  WrittenLog log = TenRecords();
  for (absl::StatusOr<RecordHead>& record : log.files[1].records) {
    record->placement.durable_upto = 9;
  }
  // A higher epoch took over at record 6 and wrote one record over the branch.
  WrittenLog over = TenRecords();
  over.files.pop_back();
  over.tail = over.files[0].records.back()->canonical.position();
  over.BeginFile();
  over.files[1].header.file_number = 2;
  over.Append(3, 5);
  for (size_t i = 1; i < 5; ++i) over.files[1].records.push_back(log.files[1].records[i]);
  LogRecovery::Outcome outcome = Recover(over, 0);
  EXPECT_EQ(outcome.tail.sequence, 6u);
  EXPECT_FALSE(outcome.damaged) << outcome.explanation;
}

TEST(LogRecovery, StopsWhereTheChainBreaks) {
  WrittenLog log = TenRecords();
  log.files[0].records[3]->canonical.previous.bytes[5] ^= std::byte{1};
  EXPECT_EQ(Recover(log, 0).tail.sequence, 3u);
  log = TenRecords();
  log.files[0].records[3]->canonical.sequence = 5;
  EXPECT_EQ(Recover(log, 0).tail.sequence, 3u);
  log = TenRecords();
  log.files[0].records[3]->canonical.epoch = 0;
  EXPECT_EQ(Recover(log, 0).tail.sequence, 3u);
  log = TenRecords();
  log.files[0].records[3]->canonical.vault = Counting<VaultId>(2);
  EXPECT_EQ(Recover(log, 0).tail.sequence, 3u);
  log = TenRecords();
  log.files[0].records[0]->canonical.previous.bytes[0] = std::byte{1};
  EXPECT_EQ(Recover(log, 0).tail.sequence, 0u);
}

TEST(LogRecovery, RefusesFilesOfOthersAndGaps) {
  WrittenLog log = TenRecords();
  LogRecovery recovery(log.store, log.vault, 0);
  EXPECT_TRUE(absl::IsDataLoss(recovery.OnFile(log.files[1].header)));  // not from the beginning
  EXPECT_EQ(recovery.OnRecord(WrittenLog::OffsetOf(0), log.files[1].records[0], true),
            Verdict::kStop);
  EXPECT_EQ(recovery.Finish().evidence, 3u);

  LogFileHeader foreign = log.files[0].header;
  foreign.store = Counting<StoreId>(77);
  LogRecovery of_store(log.store, log.vault, 0);
  EXPECT_TRUE(absl::IsFailedPrecondition(of_store.OnFile(foreign)));
  foreign = log.files[0].header;
  foreign.vault = Counting<VaultId>(77);
  LogRecovery of_vault(log.store, log.vault, 0);
  EXPECT_TRUE(absl::IsFailedPrecondition(of_vault.OnFile(foreign)));
}

TEST(LogRecovery, RefusesAFileTwice) {
  WrittenLog log;
  LogRecovery recovery(log.store, log.vault, 0);
  EXPECT_TRUE(recovery.OnFile(log.files[0].header).ok());
  EXPECT_TRUE(absl::IsDataLoss(recovery.OnFile(log.files[0].header)));
}

TEST(LogRecovery, NeverCutsWhatANewerVersionWrote) {
  WrittenLog log = TenRecords();
  log.files[1].records[3] = absl::UnimplementedError("format version 2");
  LogRecovery::Outcome outcome = Recover(log, 0);
  EXPECT_EQ(outcome.tail.sequence, 8u);
  EXPECT_TRUE(outcome.newer_format);
  EXPECT_TRUE(outcome.damaged);
}

// Random damage: the result is a prefix, and it is called damaged exactly when the evidence that
// can still be read speaks of more.
TEST(LogRecovery, JudgesRandomDamageByTheEvidenceLeft) {
  SeededNumbers numbers(20240);
  for (int round = 0; round < 3000; ++round) {
    WrittenLog log;
    uint64_t durable = 0;
    size_t records = 1 + numbers.Below(20);
    for (size_t i = 0; i < records; ++i) {
      if (numbers.Below(5) == 0) log.BeginFile();
      log.Append(1 + i / 6, durable);
      if (numbers.Below(3) == 0)
        durable = log.tail.sequence;  // a flush, before the next is written
    }
    uint64_t first_bad = log.tail.sequence + 1;
    for (WrittenLog::File& file : log.files) {
      for (absl::StatusOr<RecordHead>& record : file.records) {
        if (numbers.Below(10) != 0) continue;
        first_bad = std::min(first_bad, record->canonical.sequence);
        record = absl::DataLossError("damage");
      }
    }
    uint64_t evidence = numbers.Below(2) == 0 ? 0 : numbers.Below(durable + 1);
    uint64_t readable = evidence;
    for (const WrittenLog::File& file : log.files) {
      for (const absl::StatusOr<RecordHead>& record : file.records) {
        // The damaged record's epoch bounds what may count; epochs only grow here.
        if (record.ok()) readable = std::max(readable, record->placement.durable_upto);
      }
    }
    LogRecovery::Outcome outcome = Recover(log, evidence);
    EXPECT_EQ(outcome.tail.sequence, first_bad - 1);
    EXPECT_EQ(outcome.damaged, readable > outcome.tail.sequence) << outcome.explanation;
    EXPECT_EQ(outcome.evidence, readable);
  }
}

}  // namespace
}  // namespace tidemark
