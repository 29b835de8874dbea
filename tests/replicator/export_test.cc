#include <gtest/gtest.h>

#include "replicator/evidence.h"
#include "replicator/export_manifest.h"
#include "tests/replicator/golden.h"
#include "tests/replicator/mutations.h"
#include "tests/replicator/proof_world.h"
#include "tests/replicator/samples.h"

namespace tidemark {
namespace {

TEST(Evidence, IsItsGoldenFile) {
  std::string evidence;
  AppendEvidence(EvidenceKind::kReceipt, {}, SignReceipt(SampleSigner(), SampleReceipt()).Encode(),
                 &evidence);
  AppendEvidence(EvidenceKind::kCheckpoint, {.is_anchor = true},
                 SignCheckpoint(SampleSigner(), SampleCheckpoint()).Encode(), &evidence);
  AppendEvidence(EvidenceKind::kReceipt, {.is_late = true},
                 SignReceipt(SampleSigner(), SampleReceipt()).Encode(), &evidence);
  AppendEvidence(EvidenceKind::kReceipt, {.is_disowned = true},
                 SignReceipt(SampleSigner(), SampleReceipt()).Encode(), &evidence);
  ExpectGolden("evidence", AsBytes(evidence));
  std::optional<EvidenceFrame> frame;
  size_t used = 0;
  ASSERT_TRUE(ReadEvidence(AsBytes(evidence), &frame, &used).ok());
  ASSERT_TRUE(frame.has_value());
  EXPECT_EQ(frame->kind, EvidenceKind::kReceipt);
  EXPECT_EQ(frame->marks, EvidenceMarks{});
  EXPECT_EQ(used, frame->body.size() + kEvidenceFrameExtra);
  ForEachCut(AsBytes(evidence).first(used), [](ByteSpan front) {
    std::optional<EvidenceFrame> none;
    size_t count = 0;
    EXPECT_TRUE(ReadEvidence(front, &none, &count).ok());
    EXPECT_FALSE(none.has_value());
  });
  ForEachFlip(AsBytes(evidence).first(used), [](ByteSpan changed, size_t index) {
    std::optional<EvidenceFrame> none;
    size_t count = 0;
    // A changed length may also ask for more.
    EXPECT_TRUE(!ReadEvidence(changed, &none, &count).ok() || !none.has_value()) << index;
  });
}

ExportManifest SampleManifest() {
  ExportManifest manifest = ProofWorld(kStart).Manifest(kStart, kStart + kSecond);
  manifest.agent_key = SampleSigner().public_key();
  manifest.gaps.push_back({2, Counting<StoreId>(40), 5, 9});
  manifest.files.push_back({"evidence", 12345, Counting<Digest>(50)});
  return manifest;
}

TEST(Evidence, MarksAreReadAsTheyWereWritten) {
  for (uint8_t byte = 0; byte < 8; ++byte) {
    const EvidenceMarks marks = {(byte & 1) != 0, (byte & 2) != 0, (byte & 4) != 0};
    std::string evidence;
    AppendEvidence(EvidenceKind::kReceipt, marks, AsBytes("body"), &evidence);
    EXPECT_EQ(static_cast<uint8_t>(evidence[5]), byte);
    std::optional<EvidenceFrame> frame;
    size_t used = 0;
    ASSERT_TRUE(ReadEvidence(AsBytes(evidence), &frame, &used).ok());
    EXPECT_EQ(frame->marks, marks);
  }
  std::string unknown;
  AppendEvidence(EvidenceKind::kReceipt, {}, AsBytes("body"), &unknown);
  unknown[5] = 8;
  std::optional<EvidenceFrame> frame;
  size_t used = 0;
  EXPECT_FALSE(ReadEvidence(AsBytes(unknown), &frame, &used).ok());
}

TEST(ExportManifest, OfTheFirstVersionIsStillRead) {
  ExportManifest old = SampleManifest();
  old.version = 1;
  const std::vector<std::byte> bytes = SignManifest(SampleSigner(), old);
  ExpectGolden("export_manifest_1", bytes);
  const absl::StatusOr<ExportManifest> parsed = ParseManifest(bytes);
  ASSERT_TRUE(parsed.ok()) << parsed.status();
  EXPECT_EQ(parsed->version, 1);
  EXPECT_EQ(parsed->Encode(), old.Encode());
}

TEST(ExportManifest, IsItsGoldenFile) {
  const std::vector<std::byte> bytes = SignManifest(SampleSigner(), SampleManifest());
  ExpectGolden("export_manifest", bytes);
  const absl::StatusOr<ExportManifest> parsed = ParseManifest(bytes);
  ASSERT_TRUE(parsed.ok()) << parsed.status();
  EXPECT_EQ(parsed->Encode(), SampleManifest().Encode());
  ForEachFlip(bytes, [](ByteSpan changed, size_t index) {
    EXPECT_FALSE(ParseManifest(changed).ok()) << index;
  });
  ForEachCut(bytes, [](ByteSpan front) { EXPECT_FALSE(ParseManifest(front).ok()); });
  std::vector<std::byte> newer = bytes;
  newer[8] = std::byte{3};
  EXPECT_TRUE(absl::IsDataLoss(ParseManifest(newer).status())) << "damage, not another version";
  const Digest checksum = HashBytes(ByteSpan(newer).first(newer.size() - 32));
  std::copy(checksum.bytes.begin(), checksum.bytes.end(), newer.end() - 32);
  EXPECT_TRUE(absl::IsUnimplemented(ParseManifest(newer).status()));
}

}  // namespace
}  // namespace tidemark
