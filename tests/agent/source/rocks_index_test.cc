// Goal: the persistent index gives back what was put, also after it was opened again.
#include "agent/source/rocks_index.h"

#include <gtest/gtest.h>

#include <filesystem>

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
