// Goal: what comes out is what went in, byte for byte, or an error that names the place.
// Method: archives pushed into a vault in memory, restored through a source that can be damaged.
#include "agent/recover/restore.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <algorithm>
#include <fstream>
#include <sstream>

#include "tests/agent/recover/memory_source.h"
#include "tests/io/story.h"
#include "tests/io/uring_world.h"

namespace tidemark {
namespace {

class Restoring : public testing::Test {
 protected:
  Restoring() : vault(11), source(world.io, "site a", &vault), other(world.io, "site b", &vault) {}

  // Restores to a new file; its content is in `restored`.
  absl::StatusOr<RestoreResult> RestoreFrom(RecordSource* from, const Envelope& envelope,
                                            uint64_t offset = 0, uint64_t length = UINT64_MAX,
                                            bool stream = false) {
    path = world.directory + "/restored-" + std::to_string(++outputs);
    RestoreRequest request;
    request.envelope = envelope;
    request.offset = offset;
    request.length = length;
    request.output_is_stream = stream;
    absl::StatusOr<RestoreResult> result =
        Finish(world.io, OpenRestoreClose(world.io, from, &vault.keys, request, path, progress));
    std::ifstream file(path, std::ios::binary);
    std::stringstream content;
    content << file.rdbuf();
    restored = content.str();
    return result;
  }
  static Task<absl::StatusOr<RestoreResult>> OpenRestoreClose(Io* io, RecordSource* from,
                                                              const VaultKeys* keys,
                                                              RestoreRequest request,
                                                              std::string to,
                                                              RestoreProgress told) {
    uint32_t flags = kOpenRead | kOpenWrite | kOpenCreate | kOpenExclusive;
    if (!request.output_is_stream) flags |= kOpenDirect;
    Op open = io->Open(to, flags);
    request.output = co_await open;
    const Fd fd = request.output;
    absl::StatusOr<RestoreResult> result =
        co_await Restore(io, from, keys, std::move(request), std::move(told));
    Op close = io->Close(fd);
    co_await close;
    co_return std::move(result);
  }
  uint64_t AllocatedBytes() const {
    struct stat found;
    return stat(path.c_str(), &found) == 0 ? static_cast<uint64_t>(found.st_blocks) * 512 : 0;
  }

  UringWorld world;
  TestVault vault;
  MemorySource source, other;
  std::string path, restored;
  RestoreProgress progress;
  int outputs = 0;
};

TEST_F(Restoring, GivesBackAWholeArchive) {
  TestPush push;
  push.bytes = vault.Noise(3'000'000) + vault.Prose(2'000'000) + vault.Noise(100'001);
  const Envelope envelope = vault.Push(push);
  absl::StatusOr<RestoreResult> result = RestoreFrom(&source, envelope);
  ASSERT_TRUE(result.ok()) << result.status();
  EXPECT_TRUE(restored == push.bytes);
  EXPECT_EQ(result->restored_bytes, push.bytes.size());
  EXPECT_EQ(result->data_bytes, push.bytes.size());
  EXPECT_EQ(result->mode, 0640u);
  EXPECT_EQ(result->mtime_nanos, 1234567);
  EXPECT_TRUE(result->complete);
}

TEST_F(Restoring, GivesBackAStreamInOrder) {
  TestPush push;
  push.bytes = vault.Noise(2'500'000) + std::string(300'000, '\0') + vault.Prose(500'000);
  push.holes = {{2'500'000, 2'800'000, true}};
  const Envelope envelope = vault.Push(push);
  absl::StatusOr<RestoreResult> result = RestoreFrom(&source, envelope, 0, UINT64_MAX, true);
  ASSERT_TRUE(result.ok()) << result.status();
  EXPECT_TRUE(restored == push.bytes);
}

TEST_F(Restoring, GivesBackAnEmptyArchiveAndOneByte) {
  TestPush push;
  push.name = "empty";
  const Envelope empty = vault.Push(push);
  push.name = "one";
  push.bytes = "x";
  const Envelope one = vault.Push(push);
  absl::StatusOr<RestoreResult> result = RestoreFrom(&source, empty);
  ASSERT_TRUE(result.ok()) << result.status();
  EXPECT_EQ(result->restored_bytes, 0u);
  EXPECT_EQ(restored, "");
  result = RestoreFrom(&source, one);
  ASSERT_TRUE(result.ok()) << result.status();
  EXPECT_EQ(restored, "x");
}

TEST_F(Restoring, LeavesHolesSparseAndEndsInOne) {
  TestPush push;
  push.bytes = std::string(8'000'000, '\0');
  push.bytes.replace(4'000'000, 100'000, vault.Noise(100'000));
  push.holes = {{0, 4'000'000, true}, {4'100'000, 8'000'000, true}};
  const Envelope envelope = vault.Push(push);
  absl::StatusOr<RestoreResult> result = RestoreFrom(&source, envelope);
  ASSERT_TRUE(result.ok()) << result.status();
  EXPECT_TRUE(restored == push.bytes);
  EXPECT_EQ(result->data_bytes, 100'000u);
  EXPECT_LT(AllocatedBytes(), 1'000'000u);
}

TEST_F(Restoring, GivesAnyRangeToFileAndStream) {
  TestPush push;
  push.bytes = vault.Noise(700'000) + std::string(200'000, '\0') + vault.Prose(700'000);
  push.holes = {{700'000, 900'000, true}};
  push.segment_bytes = 500'000;
  const Envelope envelope = vault.Push(push);
  const std::vector<std::pair<uint64_t, uint64_t>> ranges = {{0, 1},
                                                             {1, 1},
                                                             {499'999, 2},
                                                             {650'000, 100'000},
                                                             {750'000, 50'000},
                                                             {899'999, 2},
                                                             {123'456, 1'200'000},
                                                             {1'599'999, 1},
                                                             {0, 1'600'000},
                                                             {1'600'000, 0},
                                                             {77, 0}};
  for (const auto& [offset, length] : ranges) {
    for (bool stream : {false, true}) {
      SCOPED_TRACE(absl::StrFormat("offset %d length %d stream %d", offset, length, stream));
      absl::StatusOr<RestoreResult> result = RestoreFrom(&source, envelope, offset, length, stream);
      ASSERT_TRUE(result.ok()) << result.status();
      EXPECT_EQ(result->restored_bytes, length);
      EXPECT_TRUE(restored == push.bytes.substr(offset, length));
    }
  }
}

TEST_F(Restoring, RefusesARangePastTheEnd) {
  TestPush push;
  push.bytes = vault.Noise(1000);
  const Envelope envelope = vault.Push(push);
  EXPECT_EQ(RestoreFrom(&source, envelope, 1001).status().code(), absl::StatusCode::kOutOfRange);
  EXPECT_EQ(RestoreFrom(&source, envelope, 1, 1000).status().code(), absl::StatusCode::kOutOfRange);
  EXPECT_EQ(RestoreFrom(&source, envelope, UINT64_MAX, 2).status().code(),
            absl::StatusCode::kOutOfRange);
}

TEST_F(Restoring, ReadsADeduplicatedArchiveFromOlderRecords) {
  TestPush push;
  const std::string part = vault.Noise(30'000);
  push.chunk_bytes_max = 1;  // the same few chunks again and again
  push.bytes.clear();
  for (int i = 0; i < 40; ++i) push.bytes += part.substr(0, 50);
  const Envelope envelope = vault.Push(push);
  absl::StatusOr<RestoreResult> result = RestoreFrom(&source, envelope);
  ASSERT_TRUE(result.ok()) << result.status();
  EXPECT_TRUE(restored == push.bytes);
}

TEST_F(Restoring, OneSegmentNeedsNoRecordOfTheOthers) {
  TestPush push;
  push.bytes = vault.Noise(3'000'000);
  push.segment_bytes = 1'000'000;
  const Envelope envelope = vault.Push(push);
  ASSERT_TRUE(RestoreFrom(&source, envelope, 1'000'000, 1'000'000).ok());
  const std::set<uint64_t> needed = source.touched;
  EXPECT_LT(needed.size(), vault.log.size());
  for (uint64_t sequence = 1; sequence <= vault.log.size(); ++sequence) {
    if (needed.count(sequence) == 0) source.missing.insert(sequence);
  }
  ASSERT_GT(source.missing.size(), 5u);
  EXPECT_FALSE(RestoreFrom(&source, envelope).ok());
  absl::StatusOr<RestoreResult> result = RestoreFrom(&source, envelope, 1'000'000, 1'000'000);
  ASSERT_TRUE(result.ok()) << result.status();
  EXPECT_TRUE(restored == push.bytes.substr(1'000'000, 1'000'000));
}

TEST_F(Restoring, NamesTheDamagedPlace) {
  TestPush push;
  push.name = "ledger";
  push.bytes = vault.Noise(2'000'000);
  const Envelope envelope = vault.Push(push);
  source.damaged.insert({3, 1});
  const absl::Status status = RestoreFrom(&source, envelope).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kDataLoss);
  const std::string message(status.message());
  EXPECT_NE(message.find("ledger@1 at offset "), std::string::npos) << message;
  EXPECT_NE(message.find("record 3"), std::string::npos) << message;
  EXPECT_NE(message.find("block 1"), std::string::npos) << message;
  EXPECT_NE(message.find("site a"), std::string::npos) << message;
}

TEST_F(Restoring, DamageElsewhereDoesNotMatter) {
  TestPush push;
  push.bytes = vault.Noise(2'000'000);
  const Envelope envelope = vault.Push(push);
  ASSERT_GE(vault.log.size(), 8u);
  source.damaged.insert({5, 0});
  // Everything but what stands in that block comes back, bit for bit.
  int good = 0, bad = 0;
  for (uint64_t offset = 0; offset < push.bytes.size(); offset += 20'000) {
    absl::StatusOr<RestoreResult> result = RestoreFrom(&source, envelope, offset, 20'000);
    if (result.ok()) {
      ++good;
      EXPECT_TRUE(restored == push.bytes.substr(offset, 20'000));
    } else {
      ++bad;
      EXPECT_EQ(result.status().code(), absl::StatusCode::kDataLoss);
    }
  }
  EXPECT_GT(good, 80);
  EXPECT_GT(bad, 0);
  EXPECT_LT(bad, 10);
}

TEST_F(Restoring, ReadsAroundDamageFromTheSecondSource) {
  TestPush push;
  push.bytes = vault.Noise(2'000'000);
  const Envelope envelope = vault.Push(push);
  for (uint32_t block = 0; block < 3; ++block) {
    source.damaged.insert({2, block});
    other.damaged.insert({4, block});
  }
  source.missing.insert(6);
  SourceList both(world.io, {&source, &other});
  absl::StatusOr<RestoreResult> result = RestoreFrom(&both, envelope);
  ASSERT_TRUE(result.ok()) << result.status();
  EXPECT_TRUE(restored == push.bytes);
  source.unreachable = true;
  EXPECT_EQ(RestoreFrom(&both, envelope).status().code(), absl::StatusCode::kDataLoss);
}

TEST_F(Restoring, AStreamStopsBeforeTheFirstByteThatIsNotVerified) {
  TestPush push;
  push.bytes = vault.Noise(4'000'000);
  const Envelope envelope = vault.Push(push);
  for (uint32_t block = 0; block < 2; ++block) source.damaged.insert({12, block});
  EXPECT_EQ(RestoreFrom(&source, envelope, 0, UINT64_MAX, true).status().code(),
            absl::StatusCode::kDataLoss);
  EXPECT_LT(restored.size(), push.bytes.size());
  EXPECT_TRUE(restored == push.bytes.substr(0, restored.size()));
}

// A malicious site: blocks and header fit each other, but are not what the agent wrote.
TEST_F(Restoring, RefusesARecordMadeUpByTheSite) {
  TestPush push;
  push.bytes = vault.Noise(1'000'000);
  const Envelope envelope = vault.Push(push);
  MemoryRecord& record = vault.log[1];
  record.payload[100] ^= std::byte{0x40};
  record.header.blocks = BlockDigests(record.payload);
  const absl::Status status = RestoreFrom(&source, envelope).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kDataLoss);
  EXPECT_NE(std::string(status.message()).find("record 2 block 0"), std::string::npos) << status;
}

TEST_F(Restoring, RefusesAChunkThatIsNotWhatItsIdSays) {
  TestPush push;
  push.bytes = vault.Noise(1000);
  const Envelope envelope = vault.Push(push);
  VaultKeys wrong = vault.CloneKeys();
  wrong.secrets.k_id = Secret32();
  RestoreRequest request;
  request.envelope = envelope;
  const absl::Status status = Finish(world.io, OpenRestoreClose(world.io, &source, &wrong, request,
                                                                world.directory + "/w", progress))
                                  .status();
  EXPECT_EQ(status.code(), absl::StatusCode::kDataLoss);
  EXPECT_NE(std::string(status.message()).find("its id"), std::string::npos) << status;
}

TEST_F(Restoring, SaysWhenTheOutputCannotBeWritten) {
  TestPush push;
  push.bytes = vault.Noise(3'000'000);
  RestoreRequest request;
  request.envelope = vault.Push(push);
  request.output = -1;
  RestoreProgress none;
  const absl::Status status =
      Finish(world.io, Restore(world.io, &source, &vault.keys, request, none)).status();
  EXPECT_FALSE(status.ok());
  EXPECT_NE(status.code(), absl::StatusCode::kDataLoss);
}

TEST_F(Restoring, ReadsSeveralLevelsOfManifest) {
  TestPush push;
  push.chunk_bytes_max = 60;
  push.bytes = vault.Noise(100'000);
  const Envelope envelope = vault.Push(push);
  absl::StatusOr<RestoreResult> result = RestoreFrom(&source, envelope);
  ASSERT_TRUE(result.ok()) << result.status();
  EXPECT_TRUE(restored == push.bytes);
  ASSERT_TRUE(RestoreFrom(&source, envelope, 99'000, 1000).ok());
  EXPECT_TRUE(restored == push.bytes.substr(99'000));
}

TEST_F(Restoring, TellsItsProgressInOrder) {
  TestPush push;
  push.bytes = vault.Noise(4'000'000);
  const Envelope envelope = vault.Push(push);
  std::vector<uint64_t> steps;
  progress = [&](uint64_t done, uint64_t total) {
    EXPECT_EQ(total, push.bytes.size());
    steps.push_back(done);
  };
  ASSERT_TRUE(RestoreFrom(&source, envelope).ok());
  ASSERT_GT(steps.size(), 3u);
  EXPECT_TRUE(std::is_sorted(steps.begin(), steps.end()));
  EXPECT_EQ(steps.back(), push.bytes.size());
}

}  // namespace
}  // namespace tidemark
