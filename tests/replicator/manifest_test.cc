#include "replicator/manifest.h"

#include <gtest/gtest.h>

#include "tests/replicator/golden.h"
#include "tests/replicator/mutations.h"
#include "tests/replicator/samples.h"

namespace tidemark {
namespace {

void ExpectSame(const LeafEntry& a, const LeafEntry& b) {
  EXPECT_EQ(a.kind, b.kind);
  EXPECT_EQ(a.codec, b.codec);
  EXPECT_EQ(a.bytes, b.bytes);
  EXPECT_EQ(a.id, b.id);
  EXPECT_EQ(a.key.bytes, b.key.bytes);
  EXPECT_EQ(a.location, b.location);
}

void ExpectSame(const NodeRef& a, const NodeRef& b) {
  EXPECT_EQ(a.location, b.location);
  EXPECT_EQ(a.key.bytes, b.key.bytes);
  EXPECT_EQ(a.plain_bytes, b.plain_bytes);
  EXPECT_EQ(a.source_bytes, b.source_bytes);
}

TEST(ManifestNodes, AreTheirGoldenFiles) {
  std::vector<LeafEntry> entries = SampleLeaf();
  ExpectGolden("manifest_leaf", EncodeLeaf(entries));
  absl::StatusOr<Node> leaf = ParseNode(ReadGoldenBytes("manifest_leaf"));
  ASSERT_TRUE(leaf.ok()) << leaf.status();
  EXPECT_EQ(leaf->level, 0);
  ASSERT_EQ(leaf->entries.size(), entries.size());
  for (size_t i = 0; i < entries.size(); ++i) ExpectSame(leaf->entries[i], entries[i]);

  std::vector<NodeRef> children = SampleChildren();
  ExpectGolden("manifest_inner", EncodeInner(2, children));
  absl::StatusOr<Node> inner = ParseNode(ReadGoldenBytes("manifest_inner"));
  ASSERT_TRUE(inner.ok()) << inner.status();
  EXPECT_EQ(inner->level, 2);
  ASSERT_EQ(inner->children.size(), children.size());
  for (size_t i = 0; i < children.size(); ++i) ExpectSame(inner->children[i], children[i]);
}

TEST(ManifestNodes, FitTheirLimitWhenFull) {
  std::vector<LeafEntry> entries(kLeafEntriesMax, SampleLeaf()[0]);
  EXPECT_LE(EncodeLeaf(entries).size() + kSealTagBytes, kNodeBytesMax);
  EXPECT_EQ(EncodeLeaf(entries).size(), kNodeHeaderBytes + kLeafEntriesMax * kLeafEntryBytes);
  std::vector<NodeRef> children(kNodeRefsMax, SampleChildren()[0]);
  EXPECT_LE(EncodeInner(1, children).size() + kSealTagBytes, kNodeBytesMax);
  EXPECT_TRUE(ParseNode(EncodeInner(1, children)).ok());
}

TEST(ManifestNodes, OfOtherLengthsAreDataLoss) {
  for (const std::vector<std::byte>& node :
       {EncodeLeaf(SampleLeaf()), EncodeInner(1, SampleChildren())}) {
    ForEachCut(node, [](ByteSpan front) {
      EXPECT_TRUE(absl::IsDataLoss(ParseNode(front).status())) << front.size();
    });
    std::vector<std::byte> longer = node;
    longer.push_back(std::byte{0});
    EXPECT_TRUE(absl::IsDataLoss(ParseNode(longer).status()));
  }
}

TEST(ManifestNodes, RefuseUnknownKindsCodecsAndLevels) {
  std::vector<std::byte> leaf = EncodeLeaf(SampleLeaf());
  int known_kinds = 0, known_codecs = 0;
  for (int value = 0; value < 256; ++value) {
    std::vector<std::byte> changed = leaf;
    changed[kNodeHeaderBytes] = static_cast<std::byte>(value);
    known_kinds += ParseNode(changed).ok();
    changed = leaf;
    changed[kNodeHeaderBytes + 1] = static_cast<std::byte>(value);
    known_codecs += ParseNode(changed).ok();
  }
  EXPECT_EQ(known_kinds, 2);  // a hole has no location
  EXPECT_EQ(known_codecs, 2);
  std::vector<std::byte> inner = EncodeInner(1, SampleChildren());
  inner[10] = std::byte{kNodeLevelMax + 1};
  EXPECT_TRUE(absl::IsDataLoss(ParseNode(inner).status()));
}

TEST(ManifestNodes, OfANewerVersionSayUpgrade) {
  std::vector<std::byte> leaf = EncodeLeaf(SampleLeaf());
  leaf[8] = std::byte{3};
  EXPECT_TRUE(absl::IsUnimplemented(ParseNode(leaf).status()));
}

TEST(ManifestRoot, IsItsGoldenFile) {
  ManifestRoot root = SampleRoot();
  ExpectGolden("manifest_root", EncodeRoot(root));
  absl::StatusOr<ManifestRoot> parsed = ParseRoot(ReadGoldenBytes("manifest_root"));
  ASSERT_TRUE(parsed.ok()) << parsed.status();
  EXPECT_EQ(parsed->source_bytes, root.source_bytes);
  EXPECT_EQ(parsed->data_bytes, root.data_bytes);
  EXPECT_EQ(parsed->new_bytes, root.new_bytes);
  EXPECT_EQ(parsed->chunks, root.chunks);
  EXPECT_EQ(parsed->new_chunks, root.new_chunks);
  EXPECT_EQ(parsed->mode, root.mode);
  EXPECT_EQ(parsed->mtime_nanos, root.mtime_nanos);
  EXPECT_EQ(parsed->segment_bytes, root.segment_bytes);
  ASSERT_EQ(parsed->segments.size(), root.segments.size());
  for (size_t i = 0; i < root.segments.size(); ++i) {
    EXPECT_EQ(parsed->segments[i].begin, root.segments[i].begin);
    EXPECT_EQ(parsed->segments[i].source_bytes, root.segments[i].source_bytes);
    EXPECT_EQ(parsed->segments[i].root_level, root.segments[i].root_level);
    ExpectSame(parsed->segments[i].root, root.segments[i].root);
  }
}

TEST(ManifestRoot, OfOtherLengthsIsDataLoss) {
  std::vector<std::byte> root = EncodeRoot(SampleRoot());
  ForEachCut(root, [](ByteSpan front) {
    EXPECT_TRUE(absl::IsDataLoss(ParseRoot(front).status())) << front.size();
  });
  root.push_back(std::byte{0});
  EXPECT_TRUE(absl::IsDataLoss(ParseRoot(root).status()));
}

TEST(ManifestRoot, SegmentsMakeUpTheArchive) {
  ManifestRoot gap = SampleRoot();
  gap.segments[1].begin += 1;
  EXPECT_TRUE(absl::IsDataLoss(ParseRoot(EncodeRoot(gap)).status()));
  ManifestRoot longer = SampleRoot();
  longer.source_bytes += 1;
  EXPECT_TRUE(absl::IsDataLoss(ParseRoot(EncodeRoot(longer)).status()));
  ManifestRoot treeless = SampleRoot();
  treeless.segments[0].root = NodeRef{};
  EXPECT_TRUE(absl::IsDataLoss(ParseRoot(EncodeRoot(treeless)).status()));
}

TEST(ManifestRoot, MayBeEmpty) {
  ManifestRoot nothing;
  EXPECT_TRUE(ParseRoot(EncodeRoot(nothing)).ok());
  nothing.segments.resize(1);
  EXPECT_TRUE(ParseRoot(EncodeRoot(nothing)).ok());
}

TEST(ManifestRoot, HoldsItsMostSegments) {
  ManifestRoot root;
  for (size_t i = 0; i < kRootSegmentsMax; ++i) {
    SegmentRef segment;
    segment.begin = i;
    segment.source_bytes = 1;
    segment.root = SampleChildren()[0];
    segment.root.source_bytes = 1;
    root.segments.push_back(segment);
  }
  root.source_bytes = kRootSegmentsMax;
  EXPECT_LE(EncodeRoot(root).size(), kRootBytesMax);
  EXPECT_TRUE(ParseRoot(EncodeRoot(root)).ok());
}

TEST(NodeContext, NamesArchiveAndLevel) {
  ArchiveId archive = Counting<ArchiveId>(1);
  EXPECT_EQ(NodeContext(archive, 0).size(), 17u);
  EXPECT_NE(NodeContext(archive, 0), NodeContext(archive, 1));
  EXPECT_NE(NodeContext(archive, 0), NodeContext(Counting<ArchiveId>(2), 0));
}

}  // namespace
}  // namespace tidemark
