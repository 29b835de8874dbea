// The manifest: a tree of sealed nodes that is the recipe of one version of an archive.
//
// Leaves are written as the archive grows; each segment has its own subtree; the root comes last.
// Entries hold chunk id, key, birth location and length: they alone hold chunk keys.
// A node is sealed under a single-use key that its parent keeps; the root under one made from the
// archive's key and a salt in the envelope. AAD context: NodeContext.
#ifndef TIDEMARK_REPLICATOR_MANIFEST_H_
#define TIDEMARK_REPLICATOR_MANIFEST_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "crypto/digest.h"
#include "crypto/layout.h"
#include "crypto/sealing.h"
#include "replicator/limits.h"

namespace tidemark {

// A sealed object's birth place in the log.
struct Location {
  uint64_t sequence = 0;
  uint32_t offset = 0;
  uint32_t sealed_bytes = 0;
  friend bool operator==(const Location&, const Location&) = default;
};
void EncodeLocation(const Location& location, LayoutWriter* out);  // 16 bytes
Location DecodeLocation(LayoutReader* in);

// One entry of a leaf: a chunk or a hole of the archive, in order.
struct LeafEntry {
  enum class Kind : uint8_t { kChunk = 1, kForcedChunk = 2, kHole = 3 };
  Kind kind = Kind::kChunk;
  Codec codec = Codec::kRaw;
  uint64_t bytes = 0;  // of the archive
  ChunkId id;          // zero for holes
  OpenKey key;
  Location location;
};
inline constexpr size_t kLeafEntryBytes = 1 + 1 + 8 + 32 + 32 + 16;

// A reference to a child node: what its parent keeps.
struct NodeRef {
  Location location;
  OpenKey key;
  uint32_t plain_bytes = 0;
  uint64_t source_bytes = 0;  // archive bytes that the subtree covers
};
inline constexpr size_t kNodeRefBytes = 16 + 32 + 4 + 8;

// Plain bytes of nodes, before sealing. Level 0: leaves.
inline constexpr size_t kNodeHeaderBytes = 16;
inline constexpr size_t kLeafEntriesMax =
    (kNodeBytesMax - kSealTagBytes - kNodeHeaderBytes) / kLeafEntryBytes;
inline constexpr size_t kNodeRefsMax =
    (kNodeBytesMax - kSealTagBytes - kNodeHeaderBytes) / kNodeRefBytes;
inline constexpr uint8_t kNodeLevelMax = 8;  // more than any 64-bit archive needs
std::vector<std::byte> EncodeLeaf(const std::vector<LeafEntry>& entries);
std::vector<std::byte> EncodeInner(uint8_t level, const std::vector<NodeRef>& children);
struct Node {
  uint8_t level = 0;
  std::vector<LeafEntry> entries;  // level 0
  std::vector<NodeRef> children;   // level > 0
};
// kDataLoss: malformed; kUnimplemented: newer.
absl::StatusOr<Node> ParseNode(ByteSpan plain);

// An empty segment has no tree: its location is zero.
struct SegmentRef {
  uint64_t begin = 0;  // offset of the segment in the archive
  uint64_t source_bytes = 0;
  uint8_t root_level = 0;
  NodeRef root;
};
// The root: what the archive was.
struct ManifestRoot {
  uint64_t source_bytes = 0;  // logical, with holes
  uint64_t data_bytes = 0;    // without holes
  uint64_t new_bytes = 0;     // plaintext of chunks not known before
  uint64_t chunks = 0, new_chunks = 0;
  uint32_t mode = 0;        // permission bits; 0 for a stream
  int64_t mtime_nanos = 0;  // 0 for a stream
  uint64_t segment_bytes = 0;
  std::vector<SegmentRef> segments;  // without gaps, source_bytes in sum
};
inline constexpr size_t kRootFixedBytes = 80;
inline constexpr size_t kSegmentRefBytes = 8 + 8 + 1 + kNodeRefBytes;
inline constexpr size_t kRootSegmentsMax = (kRootBytesMax - kRootFixedBytes) / kSegmentRefBytes;
std::vector<std::byte> EncodeRoot(const ManifestRoot& root);
absl::StatusOr<ManifestRoot> ParseRoot(ByteSpan plain);

// AAD context of nodes (level 0..) and of roots (kRootLevel): archive id || level.
inline constexpr uint8_t kRootLevel = 0xff;
std::vector<std::byte> NodeContext(const ArchiveId& archive, uint8_t level);

// Grows one segment's tree from its entries, bottom up, holding one open node per level.
//   (Add -> for each Pending: seal, place, Placed)* (Finish -> likewise, until root() is set)
// The caller seals and places because it has the keys and the pack.
class TreeBuilder {
 public:
  void Add(LeafEntry entry);
  // The open leaf, if it holds anything, becomes pending though it is not full.
  void CloseLeaf();
  // No more entries: every open node becomes pending, bottom up.
  void Finish();
  // The next node that must be sealed and placed, or null. Its bytes stay valid until Placed.
  struct PendingNode {
    uint8_t level = 0;
    std::vector<std::byte> plain;
    uint64_t source_bytes = 0;
  };
  const PendingNode* Pending() const;
  void Placed(const Location& location, const OpenKey& key);
  // Set once Finish was called and nothing is pending. An empty segment has no root.
  bool done() const;
  NodeRef root() const;
  uint8_t root_level() const;
  uint64_t source_bytes() const { return source_bytes_; }

  // The state of a tree that has no open leaf and nothing pending: its inner nodes that are not
  // full, by rising level; and a tree that goes on from there.
  std::vector<Node> OpenNodes() const;
  static TreeBuilder From(const std::vector<Node>& open);

 private:
  void Close(size_t level);
  void Advance();
  std::vector<LeafEntry> leaf_;
  std::vector<std::vector<NodeRef>> inner_;  // inner_[i] is level i + 1
  std::vector<PendingNode> pending_;
  uint64_t source_bytes_ = 0, leaf_source_bytes_ = 0;
  bool finishing_ = false, done_ = false;
  NodeRef root_;
  uint8_t root_level_ = 0;
};

}  // namespace tidemark
#endif  // TIDEMARK_REPLICATOR_MANIFEST_H_
