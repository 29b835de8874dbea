#include <cassert>

#include "replicator/manifest.h"

namespace tidemark {

void TreeBuilder::Add(LeafEntry entry) {
  assert(!finishing_ && pending_.empty());
  source_bytes_ += entry.bytes;
  leaf_source_bytes_ += entry.bytes;
  leaf_.push_back(std::move(entry));
  if (leaf_.size() == kLeafEntriesMax) Close(0);
}

void TreeBuilder::CloseLeaf() {
  assert(!finishing_ && pending_.empty());
  if (!leaf_.empty()) Close(0);
}

void TreeBuilder::Finish() {
  assert(!finishing_ && pending_.empty());
  finishing_ = true;
  Advance();
}

const TreeBuilder::PendingNode* TreeBuilder::Pending() const {
  return pending_.empty() ? nullptr : &pending_.front();
}

void TreeBuilder::Placed(const Location& location, const OpenKey& key) {
  assert(!pending_.empty());
  PendingNode& node = pending_.front();
  NodeRef ref;
  ref.location = location;
  ref.key = key;
  ref.plain_bytes = static_cast<uint32_t>(node.plain.size());
  ref.source_bytes = node.source_bytes;
  size_t level = node.level;
  Wipe(node.plain);  // it held the keys of its children
  pending_.clear();
  if (inner_.size() <= level) inner_.resize(level + 1);
  inner_[level].push_back(ref);
  if (inner_[level].size() == kNodeRefsMax) Close(level + 1);
  if (finishing_) Advance();
}

std::vector<Node> TreeBuilder::OpenNodes() const {
  assert(!finishing_ && pending_.empty() && leaf_.empty());
  std::vector<Node> open;
  for (size_t i = 0; i < inner_.size(); ++i) {
    if (inner_[i].empty()) continue;
    Node node;
    node.level = static_cast<uint8_t>(i + 1);
    node.children = inner_[i];
    open.push_back(std::move(node));
  }
  return open;
}

TreeBuilder TreeBuilder::From(const std::vector<Node>& open) {
  TreeBuilder tree;
  for (const Node& node : open) {
    assert(node.level > 0 && node.children.size() < kNodeRefsMax);
    if (tree.inner_.size() < node.level) tree.inner_.resize(node.level);
    tree.inner_[node.level - 1u] = node.children;
    for (const NodeRef& child : node.children) tree.source_bytes_ += child.source_bytes;
  }
  return tree;
}

bool TreeBuilder::done() const { return done_; }

NodeRef TreeBuilder::root() const {
  assert(done_);
  return root_;
}

uint8_t TreeBuilder::root_level() const {
  assert(done_);
  return root_level_;
}

// Turns the open node of a level into the pending one.
void TreeBuilder::Close(size_t level) {
  PendingNode node;
  node.level = static_cast<uint8_t>(level);
  if (level == 0) {
    node.plain = EncodeLeaf(leaf_);
    node.source_bytes = leaf_source_bytes_;
    leaf_.clear();
    leaf_source_bytes_ = 0;
  } else {
    std::vector<NodeRef>& children = inner_[level - 1];
    node.plain = EncodeInner(node.level, children);
    for (const NodeRef& child : children) node.source_bytes += child.source_bytes;
    children.clear();
  }
  pending_.push_back(std::move(node));
}

// After Finish: closes the lowest open node, until one reference to the whole segment is left.
void TreeBuilder::Advance() {
  if (!pending_.empty()) return;
  if (!leaf_.empty()) {
    Close(0);
    return;
  }
  // The top level of inner_ is never empty while nothing is pending.
  size_t low = 0;
  while (low < inner_.size() && inner_[low].empty()) ++low;
  if (low + 1 < inner_.size() || (low < inner_.size() && inner_[low].size() > 1)) {
    Close(low + 1);
    return;
  }
  done_ = true;
  if (low == inner_.size()) return;  // an empty segment
  root_ = inner_[low].front();
  root_level_ = static_cast<uint8_t>(low);
}

}  // namespace tidemark
