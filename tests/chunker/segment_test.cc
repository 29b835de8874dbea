// Goal: segments tile an archive without gap or overlap, at its edges and at those of 64 bits.
#include "chunker/segment.h"

#include <gtest/gtest.h>

#include <limits>

namespace tidemark {
namespace {

TEST(Segments, AByteBelongsToTheSegmentThatHoldsIt) {
  const Segment first = SegmentAt(99, 100);
  EXPECT_EQ(first.index, 0u);
  EXPECT_EQ(first.begin, 0u);
  EXPECT_EQ(first.end, 100u);
  const Segment second = SegmentAt(100, 100);
  EXPECT_EQ(second.index, 1u);
  EXPECT_EQ(second.begin, 100u);
  EXPECT_EQ(second.end, 200u);
}

TEST(Segments, TileAnArchiveAboveTwoTerabytes) {
  constexpr uint64_t kSourceBytes = 5'300'000'000'001;
  uint64_t offset = 0;
  uint64_t count = 0;
  while (offset < kSourceBytes) {
    const Segment segment = SegmentAt(offset, kSegmentBytesMax);
    EXPECT_EQ(segment.index, count);
    EXPECT_EQ(segment.begin, offset);
    ASSERT_GT(segment.end, offset);
    offset = segment.end;
    ++count;
  }
  EXPECT_EQ(count, 3u);
  EXPECT_EQ(SegmentCount(kSourceBytes, kSegmentBytesMax), 3u);
}

TEST(Segments, CountRoundsUpAndAnEmptySourceHasNone) {
  EXPECT_EQ(SegmentCount(0, 100), 0u);
  EXPECT_EQ(SegmentCount(1, 100), 1u);
  EXPECT_EQ(SegmentCount(100, 100), 1u);
  EXPECT_EQ(SegmentCount(101, 100), 2u);
}

TEST(Segments, TheLastAddressableOneDoesNotWrapRound) {
  constexpr uint64_t kLast = std::numeric_limits<uint64_t>::max();
  const Segment segment = SegmentAt(kLast, kSegmentBytesMax);
  EXPECT_LE(segment.begin, kLast);
  EXPECT_EQ(segment.end, kLast);
  EXPECT_EQ(SegmentCount(kLast, kSegmentBytesMax), segment.index + 1);
}

TEST(SegmentsDeathTest, RefuseASizeOfZeroOrAboveTheLimit) {
  EXPECT_DEATH(SegmentAt(0, 0), "segment_bytes");
  EXPECT_DEATH(SegmentCount(1, kSegmentBytesMax + 1), "segment_bytes");
}

}  // namespace
}  // namespace tidemark
