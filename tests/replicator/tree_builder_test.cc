#include <gtest/gtest.h>

#include <map>

#include "replicator/manifest.h"
#include "tests/replicator/samples.h"

namespace tidemark {
namespace {

// Places nodes as the agent would, without sealing, and walks the tree again.
class Tree {
 public:
  void Drain() {
    while (const TreeBuilder::PendingNode* node = builder.Pending()) {
      EXPECT_LE(node->plain.size() + kSealTagBytes, kNodeBytesMax);
      Location location{next_++, 0, static_cast<uint32_t>(node->plain.size() + kSealTagBytes)};
      nodes_[location.sequence] = node->plain;
      builder.Placed(location, Counting<OpenKey>(static_cast<uint8_t>(location.sequence)));
    }
  }
  void Build(uint64_t entries) {
    LeafEntry entry = SampleLeaf()[0];
    for (uint64_t i = 0; i < entries; ++i) {
      entry.bytes = 1 + i % 1000;
      entry.location.offset = static_cast<uint32_t>(i);
      builder.Add(entry);
      Drain();
    }
    builder.Finish();
    Drain();
  }
  // Checks the subtree and counts its entries, in order.
  uint64_t Walk(const NodeRef& ref, uint8_t level) {
    EXPECT_EQ(ref.key.bytes, Counting<OpenKey>(static_cast<uint8_t>(ref.location.sequence)).bytes);
    const std::vector<std::byte>& plain = nodes_[ref.location.sequence];
    EXPECT_EQ(plain.size(), ref.plain_bytes);
    absl::StatusOr<Node> node = ParseNode(plain);
    EXPECT_TRUE(node.ok()) << node.status();
    if (!node.ok()) return 0;
    EXPECT_EQ(node->level, level);
    uint64_t source_bytes = 0;
    for (const LeafEntry& entry : node->entries) {
      EXPECT_EQ(entry.location.offset, seen_++);
      source_bytes += entry.bytes;
    }
    for (const NodeRef& child : node->children) {
      Walk(child, static_cast<uint8_t>(level - 1));
      source_bytes += child.source_bytes;
    }
    EXPECT_EQ(source_bytes, ref.source_bytes);
    return seen_;
  }
  // Leaves no leaf open, and goes on with a builder that knows only what a resume point keeps.
  void Resume() {
    builder.CloseLeaf();
    Drain();
    builder = TreeBuilder::From(builder.OpenNodes());
  }
  size_t size() const { return nodes_.size(); }
  TreeBuilder builder;

 private:
  uint64_t next_ = 1;
  uint64_t seen_ = 0;
  std::map<uint64_t, std::vector<std::byte>> nodes_;
};

TEST(TreeBuilder, OfAnEmptySegmentHasNoRoot) {
  Tree tree;
  EXPECT_FALSE(tree.builder.done());
  tree.Build(0);
  ASSERT_TRUE(tree.builder.done());
  EXPECT_EQ(tree.builder.root().location, Location{});
  EXPECT_EQ(tree.builder.source_bytes(), 0u);
}

TEST(TreeBuilder, MakesASingleLeafTheRoot) {
  for (uint64_t entries : {uint64_t{1}, uint64_t{kLeafEntriesMax}}) {
    Tree tree;
    tree.Build(entries);
    ASSERT_TRUE(tree.builder.done());
    EXPECT_EQ(tree.size(), 1u);
    EXPECT_EQ(tree.builder.root_level(), 0);
    EXPECT_EQ(tree.Walk(tree.builder.root(), 0), entries);
    EXPECT_EQ(tree.builder.root().source_bytes, tree.builder.source_bytes());
  }
}

TEST(TreeBuilder, GrowsALevelWhenALeafIsFull) {
  for (uint64_t entries : {uint64_t{kLeafEntriesMax + 1}, uint64_t{kLeafEntriesMax * 5}}) {
    Tree tree;
    tree.Build(entries);
    ASSERT_TRUE(tree.builder.done());
    EXPECT_EQ(tree.builder.root_level(), 1);
    EXPECT_EQ(tree.Walk(tree.builder.root(), 1), entries);
    EXPECT_EQ(tree.builder.root().source_bytes, tree.builder.source_bytes());
  }
}

TEST(TreeBuilder, KeepsOneRootAtTheEdgesOfItsThirdLevel) {
  uint64_t full = uint64_t{kLeafEntriesMax} * kNodeRefsMax;
  struct Case {
    uint64_t entries;
    uint8_t level;
  };
  for (Case c : {Case{full - 1, 1}, Case{full, 1}, Case{full + 1, 2}}) {
    Tree tree;
    tree.Build(c.entries);
    ASSERT_TRUE(tree.builder.done());
    EXPECT_EQ(tree.builder.root_level(), c.level) << c.entries;
    EXPECT_EQ(tree.Walk(tree.builder.root(), c.level), c.entries);
  }
}

TEST(TreeBuilder, LeavesAppearWhileTheArchiveGrows) {
  TreeBuilder builder;
  for (size_t i = 0; i < kLeafEntriesMax; ++i) {
    EXPECT_EQ(builder.Pending(), nullptr);
    builder.Add(SampleLeaf()[0]);
  }
  ASSERT_NE(builder.Pending(), nullptr);
  EXPECT_EQ(builder.Pending()->level, 0);
  EXPECT_EQ(builder.Pending()->source_bytes, kLeafEntriesMax * SampleLeaf()[0].bytes);
  EXPECT_FALSE(builder.done());
}

TEST(TreeBuilder, GoesOnFromItsOpenNodes) {
  constexpr uint64_t kEntries = 3 * kLeafEntriesMax + 100;
  for (const uint64_t at : {uint64_t{1}, uint64_t{kLeafEntriesMax}, kEntries - 1, kEntries}) {
    Tree tree;
    uint64_t bytes = 0;
    LeafEntry entry = SampleLeaf()[0];
    for (uint64_t i = 0; i < kEntries; ++i) {
      if (i == at) tree.Resume();
      entry.bytes = 1 + i % 1000;
      entry.location.offset = static_cast<uint32_t>(i);
      bytes += entry.bytes;
      tree.builder.Add(entry);
      tree.Drain();
    }
    if (at == kEntries) tree.Resume();
    EXPECT_EQ(tree.builder.source_bytes(), bytes);
    tree.builder.Finish();
    tree.Drain();
    ASSERT_TRUE(tree.builder.done());
    EXPECT_EQ(tree.Walk(tree.builder.root(), tree.builder.root_level()), kEntries) << at;
  }
}

// As many resume points as there are leaves, over more than one inner node.
TEST(TreeBuilder, GoesOnFromItsOpenNodesOfSeveralLevels) {
  constexpr uint64_t kEntries = kNodeRefsMax + 5;
  Tree tree;
  LeafEntry entry = SampleLeaf()[0];
  for (uint64_t i = 0; i < kEntries; ++i) {
    entry.bytes = 1;
    entry.location.offset = static_cast<uint32_t>(i);
    tree.builder.Add(entry);
    tree.Resume();
  }
  EXPECT_EQ(tree.builder.OpenNodes().size(), 2u);
  tree.builder.Finish();
  tree.Drain();
  EXPECT_EQ(tree.builder.root_level(), 2);
  EXPECT_EQ(tree.Walk(tree.builder.root(), 2), kEntries);
}

}  // namespace
}  // namespace tidemark
