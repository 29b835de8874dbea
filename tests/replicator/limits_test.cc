#include "replicator/limits.h"

#include <gtest/gtest.h>

namespace tidemark {
namespace {

TEST(PayloadSizes, AreTheSmallestThatHold) {
  EXPECT_EQ(PaddedPayloadBytes(0), 4096u);
  EXPECT_EQ(PaddedPayloadBytes(4096), 4096u);
  EXPECT_EQ(PaddedPayloadBytes(4097), 8192u);
  EXPECT_EQ(PaddedPayloadBytes(16385), 32768u);
  EXPECT_EQ(PaddedPayloadBytes(32769), 65536u);
  EXPECT_EQ(PaddedPayloadBytes(65537), 131072u);
  EXPECT_EQ(PaddedPayloadBytes(131073), 196608u);
  EXPECT_EQ(PaddedPayloadBytes(kPackBytesMax), kPackBytesMax);
}

TEST(PayloadSizes, AreFewAndKnown) {
  size_t sizes = 0;
  for (size_t bytes = 0; bytes <= kPackBytesMax + kBlockBytes; bytes += 1024) {
    if (IsPayloadSize(bytes)) ++sizes;
  }
  EXPECT_EQ(sizes, 4 + kPackBlocksMax);
  EXPECT_FALSE(IsPayloadSize(0));
  EXPECT_FALSE(IsPayloadSize(4097));
  EXPECT_FALSE(IsPayloadSize(3 * 4096));
  EXPECT_FALSE(IsPayloadSize(kPackBytesMax + kBlockBytes));
  EXPECT_FALSE(IsPayloadSize(SIZE_MAX));
}

}  // namespace
}  // namespace tidemark
