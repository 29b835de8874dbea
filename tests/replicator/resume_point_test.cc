#include "replicator/resume_point.h"

#include <gtest/gtest.h>

#include "tests/replicator/golden.h"
#include "tests/replicator/mutations.h"
#include "tests/replicator/samples.h"

namespace tidemark {
namespace {

std::vector<std::byte> Encoded(const ResumeNotice& notice) {
  LayoutWriter out;
  EncodeResumeNotice(notice, &out);
  return out.Take();
}

bool IsRefused(const ResumeNotice& notice) {
  const std::vector<std::byte> bytes = Encoded(notice);
  LayoutReader in(bytes);
  DecodeResumeNotice(&in);
  return !in.ok();
}

TEST(ResumePoint, IsItsGoldenFile) {
  const ResumePoint point = SampleResumePoint();
  ExpectGolden("resume_point", EncodeResumePoint(point));
  absl::StatusOr<ResumePoint> parsed = ParseResumePoint(ReadGoldenBytes("resume_point"));
  ASSERT_TRUE(parsed.ok()) << parsed.status();
  EXPECT_EQ(parsed->source, point.source);
  EXPECT_EQ(parsed->stored_bytes, point.stored_bytes);
  EXPECT_EQ(EncodeRoot(parsed->root), EncodeRoot(point.root));
  ASSERT_EQ(parsed->open.size(), point.open.size());
  for (size_t i = 0; i < point.open.size(); ++i) {
    EXPECT_EQ(parsed->open[i].level, point.open[i].level);
    EXPECT_EQ(EncodeInner(parsed->open[i].level, parsed->open[i].children),
              EncodeInner(point.open[i].level, point.open[i].children));
  }
  // Whole segments, and two children in each of the open nodes.
  EXPECT_EQ(parsed->offset(), point.root.source_bytes + 2 * 10 + 2 * 30);
}

TEST(ResumePoint, MayStandAtASegmentsEdge) {
  ResumePoint point = SampleResumePoint();
  point.open.clear();
  absl::StatusOr<ResumePoint> parsed = ParseResumePoint(EncodeResumePoint(point));
  ASSERT_TRUE(parsed.ok()) << parsed.status();
  EXPECT_EQ(parsed->offset(), point.root.source_bytes);
}

TEST(ResumePoint, OfOtherLengthsIsDataLoss) {
  std::vector<std::byte> point = EncodeResumePoint(SampleResumePoint());
  ForEachCut(point, [](ByteSpan front) {
    EXPECT_TRUE(absl::IsDataLoss(ParseResumePoint(front).status())) << front.size();
  });
  point.push_back(std::byte{0});
  EXPECT_TRUE(absl::IsDataLoss(ParseResumePoint(point).status()));
}

TEST(ResumePoint, OfANewerVersionSaysUpgrade) {
  std::vector<std::byte> point = EncodeResumePoint(SampleResumePoint());
  point[8] = std::byte{2};
  EXPECT_TRUE(absl::IsUnimplemented(ParseResumePoint(point).status()));
}

TEST(ResumePoint, HasOpenNodesThatATreeCanHave) {
  ResumePoint falling = SampleResumePoint();
  std::swap(falling.open[0], falling.open[1]);
  EXPECT_TRUE(absl::IsDataLoss(ParseResumePoint(EncodeResumePoint(falling)).status()));
  ResumePoint full = SampleResumePoint();
  full.open[0].children.assign(kNodeRefsMax, full.open[0].children[0]);
  full.source.size = 1 << 20;
  EXPECT_TRUE(absl::IsDataLoss(ParseResumePoint(EncodeResumePoint(full)).status()));
  full.open[0].children.pop_back();
  EXPECT_TRUE(ParseResumePoint(EncodeResumePoint(full)).ok());
}

TEST(ResumePoint, CoversNoMoreThanItsSource) {
  ResumePoint point = SampleResumePoint();
  point.source.size = point.offset();
  EXPECT_TRUE(ParseResumePoint(EncodeResumePoint(point)).ok());
  --point.source.size;
  EXPECT_TRUE(absl::IsDataLoss(ParseResumePoint(EncodeResumePoint(point)).status()));
}

TEST(ResumePoint, OfTheLargestTreeFitsItsLimit) {
  ResumePoint point = SampleResumePoint();
  point.root.segments.resize(kRootSegmentsMax);
  point.open.clear();
  for (uint8_t level = 1; level <= kNodeLevelMax; ++level) {
    Node open;
    open.level = level;
    open.children.assign(kNodeRefsMax - 1, SampleChildren()[0]);
    point.open.push_back(open);
  }
  EXPECT_LE(EncodeResumePoint(point).size(), kResumePointBytesMax);
}

TEST(ResumeNotice, IsItsGoldenFile) {
  ExpectGolden("resume_notice", Encoded(SampleResumeNotice()));
  const std::vector<std::byte> golden = ReadGoldenBytes("resume_notice");
  EXPECT_EQ(golden.size(), EncodedResumeNoticeBytes(SampleResumeNotice()));
  LayoutReader in(golden);
  EXPECT_EQ(DecodeResumeNotice(&in), SampleResumeNotice());
  EXPECT_TRUE(in.ok() && in.at_end());
}

TEST(ResumeNotice, NamesAPlaceOrSaysThatThePushIsDone) {
  EXPECT_FALSE(IsRefused(SampleResumeNotice()));
  ResumeNotice done = SampleResumeNotice();
  done.point = {};
  EXPECT_TRUE(IsRefused(done));  // its salt would mean nothing
  done.salt = {};
  EXPECT_FALSE(IsRefused(done));
  EXPECT_TRUE(done.done());
  ResumeNotice nowhere = SampleResumeNotice();
  nowhere.point.sequence = 0;
  EXPECT_TRUE(IsRefused(nowhere));
  nowhere = SampleResumeNotice();
  nowhere.point.sealed_bytes = kSealTagBytes;
  EXPECT_TRUE(IsRefused(nowhere));
  nowhere.point.sealed_bytes = kResumePointBytesMax + kSealTagBytes + 1;
  EXPECT_TRUE(IsRefused(nowhere));
  ResumeNotice nameless = SampleResumeNotice();
  nameless.name = "";
  EXPECT_TRUE(IsRefused(nameless));
}

}  // namespace
}  // namespace tidemark
