#include "agent/recover/manifest_check.h"

#include <utility>

#include "absl/strings/str_format.h"

namespace tidemark {

Task<absl::Status> ManifestCheck::Check(Envelope envelope) {
  touched_.clear();
  absl::StatusOr<ManifestRoot> root = co_await reader_.ReadRoot(&envelope);
  if (!root.ok()) co_return root.status();
  for (const SegmentRef& segment : root->segments) {
    SegmentRef checked = segment;
    absl::Status whole = co_await CheckSegment(envelope.archive, std::move(checked));
    if (!whole.ok()) co_return whole;
  }
  co_return absl::OkStatus();
}

Task<absl::Status> ManifestCheck::CheckSegment(ArchiveId archive, SegmentRef segment) {
  const VaultId vault = reader_.keys().vault;
  LeafWalker walker(&reader_, archive, std::move(segment), 0);
  while (true) {
    absl::StatusOr<LeafWalker::Leaf> leaf = co_await walker.Next();
    if (!leaf.ok()) co_return leaf.status();
    if (leaf->entries.empty()) co_return absl::OkStatus();
    for (const LeafEntry& entry : leaf->entries) {
      if (entry.kind == LeafEntry::Kind::kHole) continue;
      absl::Status there = co_await CheckChunk(vault, entry.location);
      if (!there.ok()) co_return there;
    }
  }
}

Task<absl::Status> ManifestCheck::CheckChunk(VaultId vault, Location location) {
  ++chunks_;
  auto known = payload_bytes_.find(location.sequence);
  if (known == payload_bytes_.end()) {
    absl::StatusOr<CanonicalHeader> head = co_await source_->Head(vault, location.sequence);
    if (absl::IsNotFound(head.status())) {
      co_return absl::DataLossError(absl::StrFormat("record %d is missing", location.sequence));
    }
    if (!head.ok()) co_return head.status();
    known = payload_bytes_.emplace(location.sequence, head->payload_bytes).first;
  }
  const uint64_t end = uint64_t{location.offset} + location.sealed_bytes;
  if (end > known->second) {
    co_return absl::DataLossError(
        absl::StrFormat("record %d ends before a chunk in it", location.sequence));
  }
  if (watched_.empty()) co_return absl::OkStatus();
  for (uint64_t block = location.offset / kBlockBytes; block * kBlockBytes < end; ++block) {
    const BlockPlace place{location.sequence, static_cast<uint32_t>(block)};
    if (watched_.contains(place)) touched_.insert(place);
  }
  co_return absl::OkStatus();
}

}  // namespace tidemark
