#include "replicator/format_mark.h"

#include <gtest/gtest.h>

#include "replicator/limits.h"

namespace tidemark {
namespace {

constexpr FormatMark kMark = {"TMSAMPLE", "sample"};

absl::Status ReadVersion(uint16_t version) {
  LayoutWriter out;
  out.Bytes(AsBytes(kMark.magic)).U16(version);
  LayoutReader in(out.view());
  return ReadMark(kMark, &in);
}

TEST(FormatMark, IsReadBack) {
  LayoutWriter out;
  WriteMark(kMark, &out);
  EXPECT_EQ(out.size(), kFormatMarkBytes);
  LayoutReader in(out.view());
  EXPECT_TRUE(ReadMark(kMark, &in).ok());
  EXPECT_TRUE(in.at_end());
}

TEST(FormatMark, NamesBothVersionsWhenOneIsNewer) {
  absl::Status status = ReadVersion(7);
  EXPECT_TRUE(absl::IsUnimplemented(status));
  EXPECT_EQ(status.message(),
            "sample made by format version 7, this binary reads up to 1: upgrade");
}

TEST(FormatMark, RefusesOtherMagicVersionZeroAndCuts) {
  EXPECT_TRUE(absl::IsDataLoss(ReadVersion(0)));
  LayoutReader other(AsBytes("TMSAMPLF\x01"));
  EXPECT_TRUE(absl::IsDataLoss(ReadMark(kMark, &other)));
  LayoutReader cut(AsBytes("TMSAMPLE\x01"));
  EXPECT_TRUE(absl::IsDataLoss(ReadMark(kMark, &cut)));
}

TEST(Checksum, SeesEveryFlippedByte) {
  LayoutWriter out;
  out.U64(1).U64(2);
  WriteChecksum(&out);
  std::vector<std::byte> bytes = out.Take();
  EXPECT_TRUE(ChecksumHolds(bytes));
  for (std::byte& b : bytes) {
    b ^= std::byte{1};
    EXPECT_FALSE(ChecksumHolds(bytes));
    b ^= std::byte{1};
  }
  EXPECT_FALSE(ChecksumHolds(ByteSpan(bytes).first(31)));
}

}  // namespace
}  // namespace tidemark
