// Goal: the persistent index gives back what was put, also after it was opened again.
#include "agent/source/rocks_index.h"

#include <gtest/gtest.h>
#include <rocksdb/db.h>

#include <cstring>
#include <filesystem>

#include "agent/source/archive_numbers.h"

namespace tidemark {
namespace {

ChunkRow RowOf(uint8_t number) {
  ChunkRow row;
  row.id.bytes.fill(std::byte{number});
  row.masked_key.fill(std::byte{7});
  row.archive.bytes.fill(std::byte{9});
  row.sequence = 1'000'000'000'000 + number;
  row.offset = 4'000'000;
  row.sealed_bytes = 70'016;
  row.plain_bytes = 70'000;
  row.codec = 1;
  return row;
}

class RocksIndexes : public testing::Test {
 protected:
  RocksIndexes() {
    std::string pattern = (std::filesystem::temp_directory_path() / "tidemark-ix-XXXXXX").string();
    directory = mkdtemp(pattern.data());
    Open();
  }
  ~RocksIndexes() override {
    index.reset();
    std::filesystem::remove_all(directory);
  }
  void Open() {
    index.reset();
    absl::StatusOr<std::unique_ptr<ChunkIndex>> opened = OpenRocksIndex(directory, 8 << 20);
    ASSERT_TRUE(opened.ok()) << opened.status();
    index = *std::move(opened);
  }
  std::string directory;
  std::unique_ptr<ChunkIndex> index;
};

TEST_F(RocksIndexes, GiveBackWhatWasPut) {
  const IndexCoverage coverage{3, 17, HashBytes({})};
  ASSERT_TRUE(index->Put({RowOf(1), RowOf(2)}, coverage).ok());
  ASSERT_TRUE(index->Flush().ok());
  Open();
  std::vector<std::optional<ChunkRow>> found;
  // The last one shares half of its id with a row that is there, no more.
  ChunkId near = RowOf(1).id;
  near.bytes[15] = std::byte{0};
  ASSERT_TRUE(index->Get({RowOf(2).id, RowOf(3).id, RowOf(1).id, near}, &found).ok());
  ASSERT_EQ(found.size(), 4u);
  EXPECT_EQ(found[0], RowOf(2));
  EXPECT_FALSE(found[1].has_value());
  EXPECT_EQ(found[2], RowOf(1));
  EXPECT_FALSE(found[3].has_value());
  EXPECT_EQ(index->Coverage()->value(), coverage);
}

// More archives than stay known, each again later: numbers change, what they stand for does not.
TEST_F(RocksIndexes, NameTheArchivesOfAllRows) {
  std::vector<ChunkRow> rows;
  for (uint32_t i = 0; i < 2 * ArchiveNumbers::kKnownMax; ++i) {
    ChunkRow row = RowOf(1);
    const uint32_t archive = i % (ArchiveNumbers::kKnownMax + 100);
    std::memcpy(row.id.bytes.data(), &i, sizeof(i));
    std::memcpy(row.archive.bytes.data(), &archive, sizeof(archive));
    rows.push_back(row);
  }
  for (size_t at = 0; at < rows.size(); at += 64) {
    const auto begin = rows.begin() + static_cast<ptrdiff_t>(at);
    ASSERT_TRUE(index->Put({begin, begin + 64}, {1, at + 1, {}}).ok());
  }
  for (const bool opened_again : {false, true}) {
    if (opened_again) Open();
    for (size_t at = 0; at < rows.size(); at += 64) {
      std::vector<ChunkId> ids;
      for (size_t i = at; i < at + 64; ++i) ids.push_back(rows[i].id);
      std::vector<std::optional<ChunkRow>> found;
      ASSERT_TRUE(index->Get(ids, &found).ok());
      for (size_t i = 0; i < 64; ++i) EXPECT_EQ(found[i], rows[at + i]) << at + i;
    }
  }
  // What comes later takes no number that is taken.
  ChunkRow later = RowOf(2);
  ASSERT_TRUE(index->Put({later}, {2, 1, {}}).ok());
  std::vector<std::optional<ChunkRow>> found;
  ASSERT_TRUE(index->Get({rows.front().id, rows.back().id, later.id}, &found).ok());
  EXPECT_EQ(found[0], rows.front());
  EXPECT_EQ(found[1], rows.back());
  EXPECT_EQ(found[2], later);
}

// Rows of another layout would be misread; a cache is filled again from the log.
TEST_F(RocksIndexes, BeginAnewOnAnOlderLayout) {
  ASSERT_TRUE(index->Put({RowOf(1)}, {1, 1, {}}).ok());
  index.reset();
  rocksdb::DB* raw = nullptr;
  ASSERT_TRUE(rocksdb::DB::Open(rocksdb::Options(), directory, &raw).ok());
  ASSERT_TRUE(raw->Delete(rocksdb::WriteOptions(), "numbered").ok());
  delete raw;
  Open();
  EXPECT_FALSE(index->Coverage()->has_value());
  std::vector<std::optional<ChunkRow>> found;
  ASSERT_TRUE(index->Get({RowOf(1).id}, &found).ok());
  EXPECT_FALSE(found[0].has_value());
}

TEST_F(RocksIndexes, ClearForgets) {
  ASSERT_TRUE(index->Put({RowOf(1)}, {1, 1, {}}).ok());
  ASSERT_TRUE(index->Clear().ok());
  EXPECT_FALSE(index->Coverage()->has_value());
  std::vector<std::optional<ChunkRow>> found;
  ASSERT_TRUE(index->Get({RowOf(1).id}, &found).ok());
  EXPECT_FALSE(found[0].has_value());
}

}  // namespace
}  // namespace tidemark
