// Goal: a row's bytes are fixed, and pending rows leave in the order of their records, once.
#include "chunker/admission.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <string>

namespace tidemark {
namespace {

ChunkRow RowOf(uint8_t name, uint64_t sequence) {
  ChunkRow row;
  row.id.bytes.fill(std::byte{name});
  row.masked_key.fill(std::byte{0xa0});
  row.archive.bytes.fill(std::byte{0xb0});
  row.sequence = sequence;
  row.offset = 0x01020304;
  row.sealed_bytes = 0x11121314;
  row.plain_bytes = 0x21222324;
  row.codec = 0x31;
  return row;
}

TEST(ChunkRowLayout, IsSevenBitsAByteAndFixed) {
  std::string key_hex;
  for (int i = 0; i < 32; ++i) key_hex += "a0";
  EXPECT_EQ(ToHex(EncodeChunkRow(RowOf(7, 300), 5)),
            key_hex + "31" + "05" + "ac02" + "84868808" + "a4c6888902" + "9fc0808102");
}

TEST(ChunkRowLayout, GivesBackWhatWasEncoded) {
  for (const uint64_t sequence : {uint64_t{0}, uint64_t{127}, uint64_t{128}, ~uint64_t{0} >> 1}) {
    ChunkRow row = RowOf(7, sequence);
    const auto decoded = DecodeChunkRow(row.id, EncodeChunkRow(row, uint64_t{1} << 40));
    ASSERT_TRUE(decoded.ok()) << decoded.status();
    EXPECT_EQ(decoded->archive_number, uint64_t{1} << 40);
    row.archive = ArchiveId();
    EXPECT_EQ(decoded->row, row);
  }
}

TEST(ChunkRowLayout, RefusesWhatIsCutShortLongerOrTooLarge) {
  const ChunkRow row = RowOf(7, 99);
  std::vector<std::byte> bytes = EncodeChunkRow(row, 1);
  const size_t whole = bytes.size();
  bytes.resize(2 * whole);
  for (size_t size = 0; size <= bytes.size(); ++size) {
    if (size == whole) continue;
    const auto decoded = DecodeChunkRow(row.id, ByteSpan(bytes).first(size));
    EXPECT_EQ(decoded.status().code(), absl::StatusCode::kInvalidArgument) << size;
  }
  bytes.assign(whole, std::byte{0xff});
  EXPECT_FALSE(DecodeChunkRow(row.id, bytes).ok());
}

TEST(PendingChunks, AreFoundUntilTheirRecordIsCommitted) {
  PendingChunks pending;
  const ChunkRow row = RowOf(1, 10);
  EXPECT_FALSE(pending.Find(row.id).has_value());
  pending.Add(row);
  ASSERT_TRUE(pending.Find(row.id).has_value());
  EXPECT_EQ(*pending.Find(row.id), row);
  EXPECT_TRUE(pending.Commit(9).empty());
  EXPECT_EQ(pending.size(), 1u);
  EXPECT_EQ(pending.Commit(10), std::vector<ChunkRow>{row});
  EXPECT_FALSE(pending.Find(row.id).has_value());
  EXPECT_TRUE(pending.Commit(10).empty());
  EXPECT_EQ(pending.size(), 0u);
}

TEST(PendingChunks, LeaveInTheOrderOfTheirRecords) {
  PendingChunks pending;
  // Two of record 5, in the order they were added whatever their ids.
  for (const ChunkRow& row : {RowOf(9, 7), RowOf(8, 5), RowOf(3, 5), RowOf(4, 6), RowOf(1, 8)}) {
    pending.Add(row);
  }
  EXPECT_EQ(pending.Commit(7),
            (std::vector<ChunkRow>{RowOf(8, 5), RowOf(3, 5), RowOf(4, 6), RowOf(9, 7)}));
  EXPECT_EQ(pending.size(), 1u);
  EXPECT_TRUE(pending.Find(RowOf(1, 8).id).has_value());
}

TEST(PendingChunks, KeepTheFirstRowOfAnId) {
  PendingChunks pending;
  pending.Add(RowOf(1, 10));
  pending.Add(RowOf(1, 4));
  EXPECT_EQ(pending.size(), 1u);
  EXPECT_EQ(pending.Find(RowOf(1, 0).id)->sequence, 10u);
  EXPECT_TRUE(pending.Commit(9).empty());
  EXPECT_EQ(pending.Commit(10), std::vector<ChunkRow>{RowOf(1, 10)});
}

TEST(PendingChunks, AnIdMayComeAgainAfterItsCommit) {
  PendingChunks pending;
  pending.Add(RowOf(1, 10));
  EXPECT_EQ(pending.Commit(10).size(), 1u);
  pending.Add(RowOf(1, 12));
  EXPECT_EQ(pending.Find(RowOf(1, 0).id)->sequence, 12u);
}

TEST(PendingChunks, AreGoneWhenTheLogIsAbandoned) {
  PendingChunks pending;
  pending.Add(RowOf(1, 10));
  pending.Add(RowOf(2, 11));
  pending.DropAll();
  EXPECT_EQ(pending.size(), 0u);
  EXPECT_FALSE(pending.Find(RowOf(1, 0).id).has_value());
  EXPECT_TRUE(pending.Commit(100).empty());
}

}  // namespace
}  // namespace tidemark
