#include <cstring>
#include <utility>

#include "absl/strings/str_format.h"
#include "agent/recover/vault_reader.h"

namespace tidemark {
namespace {

constexpr size_t kHeadsKept = 16;

// `status` with the place in the log in front.
absl::Status At(const std::string& source, const Location& location, const absl::Status& status) {
  return absl::Status(
      status.code(), absl::StrFormat("%s record %d block %d: %s", source, location.sequence,
                                     location.offset / kBlockBytes, std::string(status.message())));
}

uint64_t SourceBytes(const Node& node) {
  uint64_t bytes = 0;
  for (const LeafEntry& entry : node.entries) bytes += entry.bytes;
  for (const NodeRef& child : node.children) bytes += child.source_bytes;
  return bytes;
}

}  // namespace

SealedReader::SealedReader(RecordSource* source, const VaultKeys* keys)
    : source_(source), keys_(keys) {}

// A copy: another call may push it out of the cache meanwhile.
Task<absl::StatusOr<CanonicalHeader>> SealedReader::HeadOf(uint64_t sequence) {
  auto kept = heads_.find(sequence);
  if (kept != heads_.end()) co_return kept->second;
  absl::StatusOr<CanonicalHeader> head = co_await source_->Head(keys_->vault, sequence);
  if (!head.ok()) co_return head.status();
  // What is read in order needs the oldest least.
  if (heads_.size() >= kHeadsKept) heads_.erase(heads_.begin());
  heads_[sequence] = *head;
  co_return std::move(head);
}

size_t SealedReader::RoomFor(uint32_t begin, uint32_t end) {
  return (end + kBlockBytes - 1) / kBlockBytes * kBlockBytes - begin / kBlockBytes * kBlockBytes;
}

Task<absl::StatusOr<MutableByteSpan>> SealedReader::ReadRun(uint64_t sequence, uint32_t begin,
                                                            uint32_t end, MutableByteSpan room) {
  absl::StatusOr<CanonicalHeader> head = co_await HeadOf(sequence);
  if (!head.ok()) co_return head.status();
  if (head->kind != RecordKind::kPack || begin >= end || end > head->payload_bytes) {
    co_return absl::DataLossError(
        absl::StrFormat("%s record %d: a manifest names bytes %d to %d, which are not in it",
                        source_->name(), sequence, begin, end));
  }
  const uint32_t first = static_cast<uint32_t>(begin / kBlockBytes);
  const uint32_t last = static_cast<uint32_t>((end - 1) / kBlockBytes);
  const size_t bytes = size_t{last - first} * kBlockBytes + head->BlockBytes(last);
  const CanonicalHeader* header = &*head;
  absl::Status read =
      co_await source_->ReadBlocks(header, first, last - first + 1, room.first(bytes));
  if (!read.ok()) co_return read;
  co_return room.subspan(begin - size_t{first} * kBlockBytes, end - begin);
}

Task<absl::Status> SealedReader::ReadSealed(Location location, MutableByteSpan into) {
  if (location.sealed_bytes > kPackBytesMax || location.offset > kPackBytesMax) {
    co_return absl::DataLossError(
        absl::StrFormat("record %d: a manifest names a place no record has", location.sequence));
  }
  const uint32_t end = location.offset + location.sealed_bytes;
  std::vector<std::byte> room(RoomFor(location.offset, end));
  absl::StatusOr<MutableByteSpan> run =
      co_await ReadRun(location.sequence, location.offset, end, room);
  if (!run.ok()) co_return run.status();
  std::memcpy(into.data(), run->data(), into.size());
  co_return absl::OkStatus();
}

Task<absl::StatusOr<std::vector<std::byte>>> SealedReader::ReadAndOpen(
    Location location, OpenKey key, SealedKind kind, std::vector<std::byte> context) {
  std::vector<std::byte> bytes(location.sealed_bytes);
  absl::Status read = co_await ReadSealed(location, bytes);
  if (!read.ok()) co_return read;
  if (bytes.size() < kSealTagBytes) {
    co_return absl::DataLossError(
        absl::StrFormat("record %d: a sealed object of %d bytes", location.sequence, bytes.size()));
  }
  const MutableByteSpan plain = MutableByteSpan(bytes).first(bytes.size() - kSealTagBytes);
  absl::Status opened = Open(key, kind, Codec::kRaw, context, bytes, plain);
  if (!opened.ok()) co_return At(source_->name(), location, opened);
  bytes.resize(plain.size());
  co_return std::move(bytes);
}

Task<absl::StatusOr<ManifestRoot>> SealedReader::ReadRoot(const Envelope* envelope) {
  absl::StatusOr<Secret32> archive_key = ArchiveKey(*keys_, *envelope);
  if (!archive_key.ok()) co_return archive_key.status();
  std::vector<std::byte> context = NodeContext(envelope->archive, kRootLevel);
  OpenKey key = OpenKeyFromSalt(*archive_key, envelope->root_salt, SealedKind::kRoot, context);
  const Location location = envelope->root;
  absl::StatusOr<std::vector<std::byte>> plain =
      co_await ReadAndOpen(location, std::move(key), SealedKind::kRoot, std::move(context));
  if (!plain.ok()) co_return plain.status();
  absl::StatusOr<ManifestRoot> root = ParseRoot(*plain);
  Wipe(*plain);
  if (!root.ok()) co_return At(source_->name(), location, root.status());
  co_return std::move(root);
}

Task<absl::StatusOr<ResumePoint>> SealedReader::ReadResumePoint(ResumeNotice notice,
                                                                const Secret32* archive_key) {
  std::vector<std::byte> context = NodeContext(notice.archive, kResumeLevel);
  OpenKey key = OpenKeyFromSalt(*archive_key, notice.salt, SealedKind::kResume, context);
  absl::StatusOr<std::vector<std::byte>> plain =
      co_await ReadAndOpen(notice.point, std::move(key), SealedKind::kResume, std::move(context));
  if (!plain.ok()) co_return plain.status();
  absl::StatusOr<ResumePoint> point = ParseResumePoint(*plain);
  Wipe(*plain);
  if (!point.ok()) co_return At(source_->name(), notice.point, point.status());
  if (point->source != notice.source) {
    co_return At(source_->name(), notice.point,
                 absl::DataLossError("a resume point of another source than its notice says"));
  }
  co_return std::move(point);
}

Task<absl::StatusOr<Node>> SealedReader::ReadNode(ArchiveId archive, uint8_t level, NodeRef ref) {
  std::vector<std::byte> context = NodeContext(archive, level);
  const Location location = ref.location;
  OpenKey key = ref.key;
  absl::StatusOr<std::vector<std::byte>> plain =
      co_await ReadAndOpen(location, std::move(key), SealedKind::kNode, std::move(context));
  if (!plain.ok()) co_return plain.status();
  absl::StatusOr<Node> node = ParseNode(*plain);
  Wipe(*plain);
  if (!node.ok()) co_return At(source_->name(), location, node.status());
  if (node->level != level || SourceBytes(*node) != ref.source_bytes) {
    co_return absl::DataLossError(
        absl::StrFormat("%s record %d: a manifest node is not what its parent says",
                        source_->name(), location.sequence));
  }
  co_return std::move(node);
}

}  // namespace tidemark
