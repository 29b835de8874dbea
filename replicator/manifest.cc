#include "replicator/manifest.h"

#include <cassert>

#include "absl/strings/str_format.h"
#include "replicator/format_mark.h"

namespace tidemark {
namespace {

constexpr FormatMark kNodeMark = {"TMNODE__", "manifest node"};
constexpr FormatMark kRootMark = {"TMROOT__", "manifest root"};

void WriteNodeHeader(uint8_t level, size_t count, LayoutWriter* out) {
  WriteMark(kNodeMark, out);
  out->U8(level).U8(0).U32(static_cast<uint32_t>(count));
}

void WriteNodeRef(const NodeRef& ref, LayoutWriter* out) {
  EncodeLocation(ref.location, out);
  out->Bytes(ref.key.bytes).U32(ref.plain_bytes).U64(ref.source_bytes);
}

NodeRef ReadNodeRef(LayoutReader* in) {
  NodeRef ref;
  ref.location = DecodeLocation(in);
  in->Bytes(ref.key.bytes);
  ref.plain_bytes = in->U32();
  ref.source_bytes = in->U64();
  return ref;
}

bool IsSound(const NodeRef& ref) {
  return ref.location.sequence > 0 && ref.plain_bytes > kNodeHeaderBytes &&
         ref.plain_bytes <= kNodeBytesMax - kSealTagBytes &&
         ref.location.sealed_bytes == ref.plain_bytes + kSealTagBytes && ref.source_bytes > 0;
}

bool IsSound(const LeafEntry& entry) {
  if (entry.bytes == 0) return false;
  if (entry.kind == LeafEntry::Kind::kHole) {
    return entry.codec == Codec::kRaw && entry.location == Location{} && entry.id == ChunkId{} &&
           entry.key.bytes == OpenKey{}.bytes;
  }
  bool known_kind =
      entry.kind == LeafEntry::Kind::kChunk || entry.kind == LeafEntry::Kind::kForcedChunk;
  bool known_codec = entry.codec == Codec::kRaw || entry.codec == Codec::kZstd;
  return known_kind && known_codec && entry.location.sequence > 0 &&
         entry.location.sealed_bytes > kSealTagBytes &&
         entry.location.sealed_bytes <= kSealedChunkBytesMax && entry.bytes <= kSealedChunkBytesMax;
}

LeafEntry ReadLeafEntry(LayoutReader* in) {
  LeafEntry entry;
  entry.kind = static_cast<LeafEntry::Kind>(in->U8());
  entry.codec = static_cast<Codec>(in->U8());
  entry.bytes = in->U64();
  entry.id = in->Object<ChunkId>();
  in->Bytes(entry.key.bytes);
  entry.location = DecodeLocation(in);
  return entry;
}

// Segments lie end to end, and only an empty one is without a tree.
bool SegmentsAreSound(const ManifestRoot& root) {
  uint64_t at = 0;
  for (const SegmentRef& segment : root.segments) {
    if (segment.begin != at || segment.source_bytes > root.source_bytes - at) return false;
    at += segment.source_bytes;
    bool has_tree = segment.root.location != Location{};
    if (has_tree != (segment.source_bytes > 0)) return false;
    if (!has_tree) continue;
    if (!IsSound(segment.root) || segment.root.source_bytes != segment.source_bytes ||
        segment.root_level > kNodeLevelMax) {
      return false;
    }
  }
  return at == root.source_bytes;
}

}  // namespace

void EncodeLocation(const Location& location, LayoutWriter* out) {
  out->U64(location.sequence).U32(location.offset).U32(location.sealed_bytes);
}

Location DecodeLocation(LayoutReader* in) {
  Location location;
  location.sequence = in->U64();
  location.offset = in->U32();
  location.sealed_bytes = in->U32();
  return location;
}

std::vector<std::byte> EncodeLeaf(const std::vector<LeafEntry>& entries) {
  assert(!entries.empty() && entries.size() <= kLeafEntriesMax);
  LayoutWriter out;
  WriteNodeHeader(0, entries.size(), &out);
  for (const LeafEntry& entry : entries) {
    out.U8(static_cast<uint8_t>(entry.kind)).U8(static_cast<uint8_t>(entry.codec));
    out.U64(entry.bytes).Bytes(entry.id.bytes).Bytes(entry.key.bytes);
    EncodeLocation(entry.location, &out);
  }
  return out.Take();
}

std::vector<std::byte> EncodeInner(uint8_t level, const std::vector<NodeRef>& children) {
  assert(level > 0 && level <= kNodeLevelMax);
  assert(!children.empty() && children.size() <= kNodeRefsMax);
  LayoutWriter out;
  WriteNodeHeader(level, children.size(), &out);
  for (const NodeRef& child : children) WriteNodeRef(child, &out);
  return out.Take();
}

absl::StatusOr<Node> ParseNode(ByteSpan plain) {
  LayoutReader in(plain);
  absl::Status mark = ReadMark(kNodeMark, &in);
  if (!mark.ok()) return mark;
  Node node;
  node.level = in.U8();
  uint8_t reserved = in.U8();
  uint32_t count = in.U32();
  size_t each = node.level == 0 ? kLeafEntryBytes : kNodeRefBytes;
  size_t count_max = node.level == 0 ? kLeafEntriesMax : kNodeRefsMax;
  if (!in.ok() || reserved != 0 || node.level > kNodeLevelMax || count == 0 || count > count_max ||
      in.remaining() != count * each) {
    return absl::DataLossError(
        absl::StrFormat("manifest node of level %d: %d bytes do not hold %d entries", node.level,
                        plain.size(), count));
  }
  for (uint32_t i = 0; i < count; ++i) {
    bool sound = false;
    if (node.level == 0) {
      node.entries.push_back(ReadLeafEntry(&in));
      sound = IsSound(node.entries.back());
    } else {
      node.children.push_back(ReadNodeRef(&in));
      sound = IsSound(node.children.back());
    }
    if (!sound) {
      return absl::DataLossError(
          absl::StrFormat("manifest node of level %d: entry %d is malformed", node.level, i));
    }
  }
  return node;
}

std::vector<std::byte> EncodeRoot(const ManifestRoot& root) {
  assert(root.segments.size() <= kRootSegmentsMax);
  LayoutWriter out;
  WriteMark(kRootMark, &out);
  out.U16(0).U64(root.source_bytes).U64(root.data_bytes).U64(root.new_bytes);
  out.U64(root.chunks).U64(root.new_chunks).U32(root.mode).I64(root.mtime_nanos);
  out.U64(root.segment_bytes).U64(root.segments.size());
  assert(out.size() == kRootFixedBytes);
  for (const SegmentRef& segment : root.segments) {
    out.U64(segment.begin).U64(segment.source_bytes).U8(segment.root_level);
    WriteNodeRef(segment.root, &out);
  }
  return out.Take();
}

absl::StatusOr<ManifestRoot> ParseRoot(ByteSpan plain) {
  LayoutReader in(plain);
  absl::Status mark = ReadMark(kRootMark, &in);
  if (!mark.ok()) return mark;
  ManifestRoot root;
  uint16_t reserved = in.U16();
  root.source_bytes = in.U64();
  root.data_bytes = in.U64();
  root.new_bytes = in.U64();
  root.chunks = in.U64();
  root.new_chunks = in.U64();
  root.mode = in.U32();
  root.mtime_nanos = in.I64();
  root.segment_bytes = in.U64();
  uint64_t count = in.U64();
  if (!in.ok() || reserved != 0 || count > kRootSegmentsMax ||
      in.remaining() != count * kSegmentRefBytes) {
    return absl::DataLossError(
        absl::StrFormat("manifest root: %d bytes do not hold %d segments", plain.size(), count));
  }
  for (uint64_t i = 0; i < count; ++i) {
    SegmentRef segment;
    segment.begin = in.U64();
    segment.source_bytes = in.U64();
    segment.root_level = in.U8();
    segment.root = ReadNodeRef(&in);
    root.segments.push_back(segment);
  }
  if (!SegmentsAreSound(root)) {
    return absl::DataLossError("manifest root: its segments do not make up the archive");
  }
  return root;
}

std::vector<std::byte> NodeContext(const ArchiveId& archive, uint8_t level) {
  LayoutWriter out;
  out.Bytes(archive.bytes).U8(level);
  return out.Take();
}

}  // namespace tidemark
