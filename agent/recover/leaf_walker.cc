#include <utility>

#include "agent/recover/vault_reader.h"

namespace tidemark {

LeafWalker::LeafWalker(SealedReader* reader, ArchiveId archive, SegmentRef segment, uint64_t from)
    : reader_(reader), archive_(archive), segment_(std::move(segment)), from_(from) {}

Task<absl::StatusOr<LeafWalker::Leaf>> LeafWalker::Next() {
  if (!started_ && segment_.source_bytes > 0) {
    Level top;
    top.level = segment_.root_level;
    top.children.push_back(segment_.root);
    stack_.push_back(std::move(top));
  }
  started_ = true;
  while (!stack_.empty()) {
    Level& lowest = stack_.back();
    if (lowest.next == lowest.children.size()) {
      stack_.pop_back();
      continue;
    }
    const NodeRef ref = lowest.children[lowest.next++];
    const uint8_t level = lowest.level;
    if (at_ + ref.source_bytes <= from_) {
      at_ += ref.source_bytes;
      continue;
    }
    absl::StatusOr<Node> node = co_await reader_->ReadNode(archive_, level, ref);
    if (!node.ok()) co_return node.status();
    if (level == 0) {
      Leaf leaf;
      leaf.begin = at_;
      leaf.entries = std::move(node->entries);
      at_ += ref.source_bytes;
      co_return std::move(leaf);
    }
    Level below;
    below.level = static_cast<uint8_t>(level - 1);
    below.children = std::move(node->children);
    stack_.push_back(std::move(below));
  }
  co_return Leaf();
}

}  // namespace tidemark
