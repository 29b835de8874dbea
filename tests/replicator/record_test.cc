#include "replicator/record.h"

#include <gtest/gtest.h>

#include "tests/replicator/golden.h"
#include "tests/replicator/mutations.h"
#include "tests/replicator/samples.h"

namespace tidemark {
namespace {

void ExpectSame(const CanonicalHeader& a, const CanonicalHeader& b) {
  EXPECT_EQ(a.kind, b.kind);
  EXPECT_EQ(a.vault, b.vault);
  EXPECT_EQ(a.epoch, b.epoch);
  EXPECT_EQ(a.sequence, b.sequence);
  EXPECT_EQ(a.committed_sequence, b.committed_sequence);
  EXPECT_EQ(a.made_at_nanos, b.made_at_nanos);
  EXPECT_EQ(a.payload_bytes, b.payload_bytes);
  EXPECT_EQ(a.previous, b.previous);
  EXPECT_EQ(a.blocks, b.blocks);
}

TEST(CanonicalHeader, IsItsGoldenFile) {
  CanonicalHeader header = SampleHeader(SamplePayload());
  ExpectGolden("canonical_header", header.Encode());
  absl::StatusOr<CanonicalHeader> parsed =
      ParseCanonicalHeader(ReadGoldenBytes("canonical_header"));
  ASSERT_TRUE(parsed.ok()) << parsed.status();
  ExpectSame(*parsed, header);
  EXPECT_EQ(parsed->digest(), HashBytes(ReadGoldenBytes("canonical_header")));
}

TEST(CanonicalHeader, MayStandBeforeOtherBytes) {
  std::vector<std::byte> bytes = SampleHeader(SamplePayload()).Encode();
  EXPECT_EQ(bytes.size(), kCanonicalFixedBytes + 2 * 32);
  bytes.resize(kPlacementOffset);
  EXPECT_TRUE(ParseCanonicalHeader(bytes).ok());
}

TEST(CanonicalHeader, OfTheLargestPackFits) {
  std::vector<std::byte> payload(kPackBytesMax);
  CanonicalHeader header = SampleHeader(payload);
  EXPECT_EQ(header.Encode().size(), kCanonicalBytesMax);
  EXPECT_TRUE(ParseCanonicalHeader(header.Encode()).ok());
}

TEST(CanonicalHeader, ShorterThanItselfIsDataLoss) {
  ForEachCut(SampleHeader(SamplePayload()).Encode(), [](ByteSpan front) {
    EXPECT_TRUE(absl::IsDataLoss(ParseCanonicalHeader(front).status())) << front.size();
  });
}

TEST(CanonicalHeader, EveryFlippedByteIsRefusedOrChangesTheDigest) {
  CanonicalHeader header = SampleHeader(SamplePayload());
  ForEachFlip(header.Encode(), [&](ByteSpan changed, size_t index) {
    absl::StatusOr<CanonicalHeader> parsed = ParseCanonicalHeader(changed);
    if (parsed.ok()) {
      EXPECT_NE(parsed->digest(), header.digest()) << index;
    }
  });
}

TEST(CanonicalHeader, RefusesUnknownKinds) {
  std::vector<std::byte> bytes = SampleHeader(SamplePayload()).Encode();
  int known = 0;
  for (int kind = 0; kind < 256; ++kind) {
    bytes[10] = static_cast<std::byte>(kind);
    absl::StatusOr<CanonicalHeader> parsed = ParseCanonicalHeader(bytes);
    if (parsed.ok()) {
      ++known;
      EXPECT_TRUE(kind == 1 || IsControlKind(parsed->kind)) << kind;
    } else {
      EXPECT_TRUE(absl::IsDataLoss(parsed.status()));
    }
  }
  EXPECT_EQ(known, 10);
}

TEST(CanonicalHeader, OfANewerVersionSaysUpgrade) {
  std::vector<std::byte> bytes = SampleHeader(SamplePayload()).Encode();
  bytes[8] = std::byte{2};
  absl::Status status = ParseCanonicalHeader(bytes).status();
  EXPECT_TRUE(absl::IsUnimplemented(status));
  EXPECT_EQ(status.message(),
            "record header made by format version 2, this binary reads up to 1: upgrade");
}

TEST(CanonicalHeader, RefusesPayloadSizesThatNoPackHas) {
  std::vector<std::byte> bytes = SampleHeader(SamplePayload()).Encode();
  bytes[12] = std::byte{1};  // 128 KiB + 1
  EXPECT_TRUE(absl::IsDataLoss(ParseCanonicalHeader(bytes).status()));
}

TEST(Payload, EveryFlippedByteIsFoundInItsBlock) {
  std::vector<std::byte> payload = SamplePayload();
  CanonicalHeader header = SampleHeader(payload);
  EXPECT_TRUE(CheckPayload(header, payload).ok());
  for (size_t i = 0; i < payload.size(); i += 4099) {
    payload[i] ^= std::byte{4};
    absl::Status status = CheckPayload(header, payload);
    EXPECT_TRUE(absl::IsDataLoss(status));
    std::string block = "block " + std::to_string(i / kBlockBytes);
    EXPECT_NE(status.message().find(block), absl::string_view::npos) << status;
    payload[i] ^= std::byte{4};
  }
}

TEST(Payload, OfAnotherSizeIsRefused) {
  std::vector<std::byte> payload = SamplePayload();
  CanonicalHeader header = SampleHeader(payload);
  EXPECT_FALSE(CheckPayload(header, ByteSpan(payload).first(kBlockBytes)).ok());
  EXPECT_FALSE(CheckBlock(header, 0, ByteSpan(payload).first(100)).ok());
  EXPECT_FALSE(CheckBlock(header, 2, ByteSpan(payload).first(kBlockBytes)).ok());
  EXPECT_FALSE(CheckBlock(header, 1, ByteSpan(payload).first(kBlockBytes)).ok());
}

TEST(Payload, BelowABlockHasOneShortBlock) {
  std::vector<std::byte> payload = CountingBytes(4096, 3);
  CanonicalHeader header = SampleHeader(payload);
  ASSERT_EQ(header.blocks.size(), 1u);
  EXPECT_EQ(header.BlockBytes(0), 4096u);
  EXPECT_TRUE(CheckPayload(header, payload).ok());
}

TEST(Tails, AreComparedByEpochFirst) {
  EXPECT_TRUE(IsLongerTail({2, 1, {}}, {1, 9, {}}));
  EXPECT_TRUE(IsLongerTail({2, 2, {}}, {2, 1, {}}));
  EXPECT_FALSE(IsLongerTail({2, 2, {}}, {2, 2, {}}));
}

}  // namespace
}  // namespace tidemark
