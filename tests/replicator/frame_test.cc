#include "replicator/frame.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "tests/replicator/golden.h"
#include "tests/replicator/mutations.h"
#include "tests/replicator/samples.h"

namespace tidemark {
namespace {

using FrameBytes = std::array<std::byte, kFrameHeaderBytes>;

Secret32 SampleFrameKey() { return Secret32(Counting<Digest>(0x70).bytes); }

FrameBytes FirstFrame(const FrameHeader& header) {
  FrameSender sender(SampleFrameKey());
  FrameBytes bytes;
  sender.Encode(header, bytes);
  return bytes;
}

// The same header with a MAC that holds: what only the other end can make.
FrameBytes WithMac(FrameBytes bytes) {
  Digest mac = KeyedHash(SampleFrameKey().view(), ByteSpan(bytes).first(kFrameHeaderBytes - 16));
  std::copy_n(mac.bytes.begin(), 16, bytes.end() - 16);
  return bytes;
}

absl::Status DecodeFirst(const FrameBytes& bytes) {
  FrameReceiver receiver(SampleFrameKey());
  return receiver.Decode(bytes).status();
}

TEST(Frames, AreTheirGoldenFile) {
  ExpectGolden("frame", FirstFrame(SampleFrame()));
  std::vector<std::byte> golden = ReadGoldenBytes("frame");
  ASSERT_EQ(golden.size(), kFrameHeaderBytes);
  FrameReceiver receiver(SampleFrameKey());
  absl::StatusOr<FrameHeader> header =
      receiver.Decode(std::span<const std::byte, kFrameHeaderBytes>(golden));
  ASSERT_TRUE(header.ok()) << header.status();
  EXPECT_EQ(*header, SampleFrame());
}

TEST(Frames, EveryFlippedByteIsDetected) {
  ForEachFlip(FirstFrame(SampleFrame()), [](ByteSpan changed, size_t index) {
    FrameBytes bytes;
    std::copy(changed.begin(), changed.end(), bytes.begin());
    EXPECT_TRUE(absl::IsUnauthenticated(DecodeFirst(bytes))) << index;
  });
}

TEST(Frames, OfAnotherKeyAreRefused) {
  FrameReceiver receiver{Secret32()};
  EXPECT_TRUE(absl::IsUnauthenticated(receiver.Decode(FirstFrame(SampleFrame())).status()));
}

TEST(Frames, ArriveOnceAndInOrder) {
  FrameSender sender(SampleFrameKey());
  std::array<FrameBytes, 3> frames;
  for (FrameBytes& frame : frames) sender.Encode(SampleFrame(), frame);
  FrameReceiver receiver(SampleFrameKey());
  EXPECT_TRUE(receiver.Decode(frames[0]).ok());
  EXPECT_TRUE(absl::IsUnauthenticated(receiver.Decode(frames[0]).status()));  // replayed
  EXPECT_TRUE(absl::IsUnauthenticated(receiver.Decode(frames[2]).status()));  // one is lost
  EXPECT_TRUE(receiver.Decode(frames[1]).ok());
  EXPECT_TRUE(receiver.Decode(frames[2]).ok());
}

TEST(Frames, WithTooLongAPayloadAreRefusedEvenWhenAuthentic) {
  FrameBytes bytes = FirstFrame(SampleFrame());
  ASSERT_EQ(bytes[14], std::byte{1});  // 64 KiB
  bytes[12] = std::byte{1};            // 64 KiB + 1
  EXPECT_TRUE(absl::IsInvalidArgument(DecodeFirst(WithMac(bytes))));
  bytes[15] = std::byte{0xff};
  EXPECT_TRUE(absl::IsInvalidArgument(DecodeFirst(WithMac(bytes))));
}

TEST(Frames, OfUnknownKindsAreRefusedEvenWhenAuthentic) {
  FrameHeader header = SampleFrame();
  header.payload_bytes = 0;
  FrameBytes bytes = FirstFrame(header);
  for (int kind = 0; kind < 256; ++kind) {
    bytes[6] = static_cast<std::byte>(kind);
    absl::Status status = DecodeFirst(WithMac(bytes));
    EXPECT_EQ(status.ok(), kind >= 1 && kind <= 4) << kind;
    EXPECT_TRUE(status.ok() || absl::IsInvalidArgument(status));
  }
}

TEST(Frames, WithFieldsOutOfBoundsAreRefusedEvenWhenAuthentic) {
  FrameBytes block = FirstFrame(SampleFrame());
  block[48] = std::byte{kPackBlocksMax};
  EXPECT_TRUE(absl::IsInvalidArgument(DecodeFirst(WithMac(block))));
  FrameBytes head = FirstFrame(SampleFrame());
  head[6] = std::byte{2};  // a record head of 64 KiB
  EXPECT_TRUE(absl::IsInvalidArgument(DecodeFirst(WithMac(head))));
  FrameBytes hello = FirstFrame(SampleFrame());
  hello[6] = std::byte{1};  // a hello with payload
  EXPECT_TRUE(absl::IsInvalidArgument(DecodeFirst(WithMac(hello))));
  for (size_t at : {0, 52, 96, 111}) {  // magic and reserved bytes
    FrameBytes bytes = FirstFrame(SampleFrame());
    bytes[at] ^= std::byte{1};
    EXPECT_TRUE(absl::IsInvalidArgument(DecodeFirst(WithMac(bytes)))) << at;
  }
}

TEST(Frames, OfANewerVersionSayUpgrade) {
  FrameBytes bytes = FirstFrame(SampleFrame());
  bytes[4] = std::byte{2};
  absl::Status status = DecodeFirst(WithMac(bytes));
  EXPECT_TRUE(absl::IsUnimplemented(status));
  EXPECT_EQ(status.message(), "frame of protocol version 2, this binary speaks up to 1: upgrade");
}

TEST(Preface, IsItsGoldenFile) {
  SessionId session = Counting<SessionId>(0x71);
  ExpectGolden("preface", EncodePreface(session, 1));
  std::vector<std::byte> golden = ReadGoldenBytes("preface");
  ASSERT_EQ(golden.size(), kPrefaceBytes);
  absl::StatusOr<Preface> preface = ParsePreface(std::span<const std::byte, kPrefaceBytes>(golden));
  ASSERT_TRUE(preface.ok()) << preface.status();
  EXPECT_EQ(preface->session, session);
  EXPECT_EQ(preface->connection, 1);
}

TEST(Preface, RefusesStrangersAndNewerVersions) {
  std::array<std::byte, kPrefaceBytes> preface = EncodePreface(Counting<SessionId>(0x71), 1);
  for (size_t at : {0, 7, 11, 28, 31}) {
    std::array<std::byte, kPrefaceBytes> changed = preface;
    changed[at] ^= std::byte{1};
    EXPECT_TRUE(absl::IsInvalidArgument(ParsePreface(changed).status())) << at;
  }
  preface[8] = std::byte{2};
  EXPECT_TRUE(absl::IsUnimplemented(ParsePreface(preface).status()));
  preface[8] = std::byte{0};
  EXPECT_TRUE(absl::IsInvalidArgument(ParsePreface(preface).status()));
}

TEST(DataKeyContext, SeparatesSessionsConnectionsAndDirections) {
  SessionId session = Counting<SessionId>(0x71);
  auto context = DataKeyContext(session, 1, Direction::kToSite);
  EXPECT_EQ(ToHex(context), session.hex() + "0101");
  EXPECT_NE(context, DataKeyContext(session, 1, Direction::kFromSite));
  EXPECT_NE(context, DataKeyContext(session, 0, Direction::kToSite));
}

}  // namespace
}  // namespace tidemark
