#include "replicator/placement.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "replicator/format_mark.h"
#include "tests/replicator/golden.h"
#include "tests/replicator/mutations.h"
#include "tests/replicator/samples.h"

namespace tidemark {
namespace {

std::vector<std::byte> SampleHead() {
  CanonicalHeader header = SampleHeader(SamplePayload());
  return EncodeRecordHead(header, SamplePlacement(header));
}

// The same bytes with a checksum that holds.
std::vector<std::byte> WithChecksum(std::vector<std::byte> bytes) {
  Digest digest = HashBytes(ByteSpan(bytes).first(bytes.size() - kChecksumBytes));
  std::copy(digest.bytes.begin(), digest.bytes.end(), bytes.end() - kChecksumBytes);
  return bytes;
}

TEST(RecordHead, IsItsGoldenFile) {
  ExpectGolden("record_head", SampleHead());
  absl::StatusOr<RecordHead> parsed = ParseRecordHead(ReadGoldenBytes("record_head"));
  ASSERT_TRUE(parsed.ok()) << parsed.status();
  CanonicalHeader header = SampleHeader(SamplePayload());
  EXPECT_EQ(parsed->canonical.digest(), header.digest());
  EXPECT_EQ(parsed->placement, SamplePlacement(header));
}

TEST(RecordHead, EveryFlippedByteIsDetected) {
  ForEachFlip(SampleHead(), [](ByteSpan changed, size_t index) {
    EXPECT_TRUE(absl::IsDataLoss(ParseRecordHead(changed).status())) << index;
  });
}

TEST(RecordHead, ShorterThanItselfIsDataLoss) {
  std::vector<std::byte> head = SampleHead();
  for (size_t size = 0; size < head.size(); size += 61) {
    EXPECT_TRUE(absl::IsDataLoss(ParseRecordHead(ByteSpan(head).first(size)).status()));
  }
}

TEST(RecordHead, OfANewerVersionSaysUpgrade) {
  for (size_t version_at : {size_t{8}, kPlacementOffset + 8}) {
    std::vector<std::byte> head = SampleHead();
    head[version_at] = std::byte{9};
    absl::Status status = ParseRecordHead(WithChecksum(head)).status();
    EXPECT_TRUE(absl::IsUnimplemented(status)) << status;
    EXPECT_NE(status.message().find("version 9"), absl::string_view::npos);
  }
}

TEST(RecordHead, RefusesHeadersThatDoNotBelongTogether) {
  CanonicalHeader header = SampleHeader(SamplePayload());
  PlacementHeader placement = SamplePlacement(header);
  placement.record_digest.bytes[0] ^= std::byte{1};
  EXPECT_TRUE(absl::IsDataLoss(ParseRecordHead(EncodeRecordHead(header, placement)).status()));
}

TEST(RecordHead, RefusesBytesThatNoVersionWrites) {
  for (size_t at : {size_t{11}, kPlacementOffset - 1, kPlacementOffset + 10, kPlacementOffset + 12,
                    kRecordHeaderBytes - kChecksumBytes - 1}) {
    std::vector<std::byte> head = SampleHead();
    ASSERT_EQ(head[at], std::byte{0});
    head[at] = std::byte{1};
    EXPECT_TRUE(absl::IsDataLoss(ParseRecordHead(WithChecksum(head)).status())) << at;
  }
}

TEST(RecordHead, ZerosAreNoRecord) {
  std::vector<std::byte> zeros(kRecordHeaderBytes);
  absl::Status status = ParseRecordHead(zeros).status();
  EXPECT_TRUE(absl::IsDataLoss(status));
  EXPECT_EQ(status.message(), "no record here: only zeros");
}

TEST(LogFileHeader, IsItsGoldenFile) {
  ExpectGolden("log_file_header", EncodeLogFileHeader(SampleLogFileHeader()));
  absl::StatusOr<LogFileHeader> parsed = ParseLogFileHeader(ReadGoldenBytes("log_file_header"));
  ASSERT_TRUE(parsed.ok()) << parsed.status();
  EXPECT_EQ(parsed->store, SampleLogFileHeader().store);
  EXPECT_EQ(parsed->vault, SampleLogFileHeader().vault);
  EXPECT_EQ(parsed->file_number, SampleLogFileHeader().file_number);
  EXPECT_EQ(parsed->file_salt, SampleLogFileHeader().file_salt);
  EXPECT_EQ(parsed->file_bytes, SampleLogFileHeader().file_bytes);
  EXPECT_EQ(parsed->before, SampleLogFileHeader().before);
}

TEST(LogFileHeader, EveryFlippedByteIsDetected) {
  ForEachFlip(EncodeLogFileHeader(SampleLogFileHeader()), [](ByteSpan changed, size_t index) {
    EXPECT_TRUE(absl::IsDataLoss(ParseLogFileHeader(changed).status())) << index;
  });
}

TEST(LogFileHeader, OfANewerVersionSaysUpgrade) {
  std::vector<std::byte> head = EncodeLogFileHeader(SampleLogFileHeader());
  head[9] = std::byte{1};  // version 257
  absl::Status status = ParseLogFileHeader(WithChecksum(head)).status();
  EXPECT_TRUE(absl::IsUnimplemented(status)) << status;
}

}  // namespace
}  // namespace tidemark
