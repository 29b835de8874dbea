// Goal: the index made from manifests opens every chunk, and is never trusted beyond the log.
#include "agent/recover/replay.h"

#include <gtest/gtest.h>

#include <map>

#include "tests/agent/recover/memory_source.h"
#include "tests/io/story.h"
#include "tests/io/uring_world.h"

namespace tidemark {
namespace {

class MapIndex : public ChunkIndex {
 public:
  absl::StatusOr<std::optional<IndexCoverage>> Coverage() override {
    if (rotten) return absl::DataLossError("index: block checksum mismatch");
    return coverage;
  }
  absl::Status Put(const std::vector<ChunkRow>& added, const IndexCoverage& to) override {
    if (puts_left-- == 0) return absl::ResourceExhaustedError("index: disk full");
    largest_put = std::max(largest_put, added.size());
    for (const ChunkRow& row : added) rows[row.id] = row;
    coverage = to;
    return absl::OkStatus();
  }
  absl::Status Get(const std::vector<ChunkId>&, std::vector<std::optional<ChunkRow>>*) override {
    return absl::UnimplementedError("not asked here");
  }
  absl::Status Clear() override {
    rows.clear();
    coverage.reset();
    rotten = false;
    return absl::OkStatus();
  }
  absl::Status Flush() override {
    ++flushes;
    return absl::OkStatus();
  }
  std::map<ChunkId, ChunkRow> rows;
  std::optional<IndexCoverage> coverage;
  size_t largest_put = 0;
  bool rotten = false;
  int flushes = 0, puts_left = -1;
};

class Replaying : public testing::Test {
 protected:
  Replaying() : vault(9), source(world.io, "site a", &vault) {
    vault.Genesis();
    vault.WriteKeyring();
  }
  Envelope PushNamed(const std::string& name, const std::string& bytes) {
    TestPush push;
    push.name = name;
    push.bytes = bytes;
    push.chunk_bytes_max = 5000;
    return vault.Push(push);
  }
  absl::StatusOr<ReplayResult> Replay(Position upto) {
    absl::StatusOr<std::unique_ptr<OpenedVault>> opened =
        Finish(world.io, OpenVault(&source, vault.keys.vault, &vault.keys.kek, upto.sequence));
    EXPECT_TRUE(opened.ok()) << opened.status();
    return Finish(world.io, ReplayIndex(world.io, &source, opened->get(), &index, upto));
  }
  // Every row opens the chunk it names, from the payload it names.
  void CheckRows() {
    std::map<ArchiveId, const Envelope*> archives;
    for (const Envelope& envelope : vault.envelopes) archives[envelope.archive] = &envelope;
    const ChunkIdKey ids(vault.keys.secrets.k_id.Clone());
    for (const auto& [id, row] : index.rows) {
      ASSERT_EQ(archives.count(row.archive), 1u);
      OpenKey key;
      key.bytes = row.masked_key;
      MaskWithIndexKey(IndexMaskKey(*ArchiveKey(vault.keys, *archives[row.archive])), id,
                       key.bytes);
      const ByteSpan sealed =
          ByteSpan(vault.log[row.sequence - 1].payload).subspan(row.offset, row.sealed_bytes);
      std::vector<std::byte> plain(sealed.size() - kSealTagBytes);
      ASSERT_TRUE(
          Open(key, SealedKind::kChunk, static_cast<Codec>(row.codec), id.bytes, sealed, plain)
              .ok());
      if (row.codec != 0) continue;
      EXPECT_EQ(row.plain_bytes, plain.size());
      EXPECT_EQ(ids.Identify(plain), id);
    }
  }
  UringWorld world;
  TestVault vault;
  MemorySource source;
  MapIndex index;
};

TEST_F(Replaying, FillsAnEmptyIndexFromAllVersions) {
  PushNamed("noise", vault.Noise(500'000));
  PushNamed("prose", vault.Prose(300'000));
  absl::StatusOr<ReplayResult> result = Replay(vault.tail());
  ASSERT_TRUE(result.ok()) << result.status();
  EXPECT_EQ(result->versions, 2u);
  EXPECT_FALSE(result->rebuilt);
  EXPECT_GT(index.rows.size(), 200u);
  EXPECT_EQ(index.coverage->sequence, vault.tail().sequence);
  EXPECT_EQ(index.coverage->digest, vault.tail().digest);
  EXPECT_EQ(index.flushes, 1);
  CheckRows();
}

TEST_F(Replaying, ReadsOnlyVersionsBehindTheCoverage) {
  PushNamed("one", vault.Noise(200'000));
  ASSERT_TRUE(Replay(vault.tail()).ok());
  const size_t before = index.rows.size();
  PushNamed("two", vault.Noise(200'000));
  absl::StatusOr<ReplayResult> result = Replay(vault.tail());
  ASSERT_TRUE(result.ok()) << result.status();
  EXPECT_EQ(result->versions, 1u);
  EXPECT_FALSE(result->rebuilt);
  EXPECT_GT(index.rows.size(), before);
  EXPECT_EQ(index.coverage->digest, vault.tail().digest);
  CheckRows();
  result = Replay(vault.tail());
  ASSERT_TRUE(result.ok());
  EXPECT_EQ(result->versions, 0u);
}

TEST_F(Replaying, DiscardsAnIndexOfAnotherLog) {
  PushNamed("one", vault.Noise(100'000));
  ChunkRow ghost;
  ghost.id.bytes[0] = std::byte{1};
  index.rows[ghost.id] = ghost;
  index.coverage = IndexCoverage{1, 2, Digest()};
  absl::StatusOr<ReplayResult> result = Replay(vault.tail());
  ASSERT_TRUE(result.ok()) << result.status();
  EXPECT_TRUE(result->rebuilt);
  EXPECT_EQ(index.rows.count(ghost.id), 0u);
  EXPECT_EQ(result->versions, 1u);
  // One that claims to cover more than there is.
  index.coverage = IndexCoverage{1, vault.tail().sequence + 1, vault.tail().digest};
  result = Replay(vault.tail());
  ASSERT_TRUE(result.ok());
  EXPECT_TRUE(result->rebuilt);
  CheckRows();
}

// It is a cache: damage to it costs the time to make it anew, not the vault.
TEST_F(Replaying, MakesAnIndexAnewThatCannotSayWhatItCovers) {
  PushNamed("one", std::string(20000, 'a'));
  ASSERT_TRUE(Replay(vault.tail()).ok());
  const size_t rows = index.rows.size();
  ASSERT_GT(rows, 0u);
  index.rotten = true;
  const absl::StatusOr<ReplayResult> again = Replay(vault.tail());
  ASSERT_TRUE(again.ok()) << again.status();
  EXPECT_TRUE(again->rebuilt);
  EXPECT_EQ(index.rows.size(), rows);
  CheckRows();
}

TEST_F(Replaying, TakesNothingBehindWhatIsCommitted) {
  const Envelope committed = PushNamed("one", vault.Noise(100'000));
  const Position upto = vault.log[committed.root.sequence - 1].header.position();
  PushNamed("two", vault.Noise(100'000));
  absl::StatusOr<ReplayResult> result = Replay(upto);
  ASSERT_TRUE(result.ok()) << result.status();
  EXPECT_EQ(result->versions, 1u);
  for (const auto& [id, row] : index.rows) EXPECT_LE(row.sequence, upto.sequence);
  EXPECT_EQ(index.coverage->sequence, upto.sequence);
}

// A site that is alone may prove no more than the first packs of the newest version.
TEST_F(Replaying, FindsAllOfAVersionInWhichAnEarlierReplayEnded) {
  const uint64_t first = vault.tail().sequence + 1;
  const Envelope version = PushNamed("long", vault.Noise(9'000'000));
  ASSERT_GT(version.root.sequence, first);
  ASSERT_TRUE(Replay(vault.log[first - 1].header.position()).ok());
  EXPECT_EQ(index.rows.size(), 0u);
  ASSERT_TRUE(Replay(vault.tail()).ok());
  std::map<ChunkId, ChunkRow> in_two_steps;
  in_two_steps.swap(index.rows);
  index.coverage.reset();
  ASSERT_TRUE(Replay(vault.tail()).ok());
  EXPECT_EQ(in_two_steps.size(), index.rows.size());
}

TEST_F(Replaying, PutsInBoundedBatchesAndCoversOnlyAtTheEnd) {
  TestPush push;
  push.bytes = vault.Noise(200'000);
  push.chunk_bytes_max = 20;
  vault.Push(push);
  index.puts_left = 2;
  EXPECT_EQ(Replay(vault.tail()).status().code(), absl::StatusCode::kResourceExhausted);
  EXPECT_EQ(index.coverage->sequence, 0u);
  index.puts_left = -1;
  absl::StatusOr<ReplayResult> result = Replay(vault.tail());
  ASSERT_TRUE(result.ok()) << result.status();
  EXPECT_GT(result->rows, 10'000u);
  EXPECT_LT(index.largest_put, 6000u);
  CheckRows();
}

TEST_F(Replaying, StopsAtADamagedManifest) {
  TestPush push;
  push.bytes = vault.Noise(150'000);
  push.chunk_bytes_max = 100;  // many leaves, most of them not beside the directory
  vault.Push(push);
  for (const MemoryRecord& record : vault.log) {
    if (record.header.kind != RecordKind::kPack) continue;
    for (uint32_t i = 0; i + 1 < record.header.blocks.size(); ++i) {
      source.damaged.insert({record.header.sequence, i});
    }
  }
  EXPECT_EQ(Replay(vault.tail()).status().code(), absl::StatusCode::kDataLoss);
  EXPECT_FALSE(index.coverage.has_value());
}

}  // namespace
}  // namespace tidemark
