#include "crypto/layout.h"

#include <gtest/gtest.h>

#include "crypto/digest.h"

namespace tidemark {
namespace {

TEST(Layout, IsLittleEndianWithoutPadding) {
  LayoutWriter writer;
  writer.U8(0x01).U16(0x0203).U32(0x04050607).U64(0x08090a0b0c0d0e0f).Text("hi");
  EXPECT_EQ(ToHex(writer.view()),
            "01030207060504"
            "0f0e0d0c0b0a0908"
            "0200"
            "6869");
}

TEST(Layout, ReadsBackWhatWasWritten) {
  const Digest digest = HashBytes(AsBytes("x"));
  LayoutWriter writer;
  writer.U8(255)
      .U16(65535)
      .U32(0xffffffff)
      .U64(~0ull)
      .I64(-5)
      .Text("name")
      .Bytes(digest.bytes)
      .ZeroTo(100);
  ASSERT_EQ(writer.size(), 100u);
  LayoutReader reader(writer.view());
  EXPECT_EQ(reader.U8(), 255);
  EXPECT_EQ(reader.U16(), 65535);
  EXPECT_EQ(reader.U32(), 0xffffffff);
  EXPECT_EQ(reader.U64(), ~0ull);
  EXPECT_EQ(reader.I64(), -5);
  EXPECT_EQ(reader.Text(), "name");
  EXPECT_EQ(reader.Object<Digest>(), digest);
  EXPECT_EQ(reader.position() + reader.remaining(), 100u);
  reader.View(reader.remaining());
  EXPECT_TRUE(reader.ok());
  EXPECT_TRUE(reader.at_end());
}

TEST(Layout, EveryTruncationIsNoticedOnce) {
  LayoutWriter writer;
  writer.U32(7).Text("abc").U64(9);
  for (size_t size = 0; size < writer.size(); ++size) {
    LayoutReader reader(writer.view().first(size));
    reader.U32();
    reader.Text();
    EXPECT_EQ(reader.U64(), 0u) << size;
    EXPECT_FALSE(reader.ok()) << size;
  }
}

TEST(Layout, AfterAShortReadNothingMoreIsGiven) {
  LayoutWriter writer;
  writer.U16(1000).U8(5);  // a text that claims more than there is
  LayoutReader reader(writer.view());
  EXPECT_EQ(reader.Text(), "");
  EXPECT_FALSE(reader.ok());
  EXPECT_EQ(reader.U8(), 0);
  EXPECT_EQ(reader.remaining(), 0u);
}

TEST(Layout, AHugeSizeDoesNotWrapAround) {
  LayoutReader reader(AsBytes("0123"));
  reader.U8();
  EXPECT_TRUE(reader.View(SIZE_MAX).empty());
  EXPECT_FALSE(reader.ok());
}

}  // namespace
}  // namespace tidemark
