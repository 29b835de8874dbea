#include "agent/recover/restore_plan.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_format.h"

namespace tidemark {
namespace {

bool FitsRecord(const Location& location) {
  return location.offset <= kPackBytesMax && location.sealed_bytes <= kPackBytesMax;
}

// May `entry` be fetched by the same read as the chunks of `run`?
bool Joins(const RestorePiece& run, const LeafEntry& entry) {
  if (entry.kind == LeafEntry::Kind::kHole || entry.location.sequence != run.sequence ||
      !FitsRecord(entry.location) || run.end - run.begin + entry.bytes > kRunPlainBytesMax) {
    return false;
  }
  const SealedSpan span = SpanOf(run.chunks.data(), run.chunks.size());
  const uint32_t begin = std::min(span.begin, entry.location.offset);
  const uint32_t end = std::max(span.end, entry.location.offset + entry.location.sealed_bytes);
  return SealedReader::RoomFor(begin, end) <= kRunBufferBytes;
}

}  // namespace

SealedSpan SpanOf(const LeafEntry* first, size_t count) {
  SealedSpan span = {first->location.offset, 0};
  for (const LeafEntry* entry = first; entry != first + count; ++entry) {
    const uint32_t begin = entry->location.offset;
    span.begin = std::min(span.begin, begin);
    span.end = std::max(span.end, begin + entry->location.sealed_bytes);
  }
  return span;
}

RestorePlan::RestorePlan(SealedReader* reader, ArchiveId archive, ManifestRoot root, uint64_t begin,
                         uint64_t end)
    : reader_(reader), archive_(archive), root_(std::move(root)), begin_(begin), end_(end) {}

// False when no further segment reaches into the range.
bool RestorePlan::EnterNextSegment() {
  while (next_segment_ < root_.segments.size()) {
    const SegmentRef& segment = root_.segments[next_segment_++];
    if (segment.begin >= end_) return false;
    if (segment.begin + segment.source_bytes <= begin_) continue;
    const uint64_t from = begin_ > segment.begin ? begin_ - segment.begin : 0;
    segment_begin_ = segment.begin;
    walker_.emplace(reader_, archive_, segment, from);
    return true;
  }
  return false;
}

Task<absl::StatusOr<std::optional<RestorePiece>>> RestorePlan::Next() {
  while (true) {
    while (next_entry_ < entries_.size() && at_ + entries_[next_entry_].bytes <= begin_) {
      at_ += entries_[next_entry_++].bytes;
    }
    if (next_entry_ < entries_.size()) {
      if (at_ >= end_) co_return std::nullopt;
      absl::StatusOr<RestorePiece> piece = TakePiece();
      if (!piece.ok()) co_return piece.status();
      co_return std::move(*piece);
    }
    if (!walker_.has_value() && !EnterNextSegment()) co_return std::nullopt;
    absl::StatusOr<LeafWalker::Leaf> leaf = co_await walker_->Next();
    if (!leaf.ok()) co_return leaf.status();
    if (leaf->entries.empty()) {
      walker_.reset();
      continue;
    }
    at_ = segment_begin_ + leaf->begin;
    entries_ = std::move(leaf->entries);
    next_entry_ = 0;
    if (at_ >= end_) co_return std::nullopt;
  }
}

absl::StatusOr<RestorePiece> RestorePlan::TakePiece() {
  const LeafEntry& first = entries_[next_entry_];
  RestorePiece piece;
  if (first.kind == LeafEntry::Kind::kHole) {
    piece.begin = std::max(at_, begin_);
    piece.end = std::min(at_ + first.bytes, end_);
    at_ += first.bytes;
    ++next_entry_;
    return piece;
  }
  if (!FitsRecord(first.location)) {
    return absl::DataLossError(absl::StrFormat("record %d: a manifest names a place no record has",
                                               first.location.sequence));
  }
  piece.begin = piece.end = at_;
  piece.sequence = first.location.sequence;
  do {
    const LeafEntry& entry = entries_[next_entry_++];
    piece.end += entry.bytes;
    piece.chunks.push_back(entry);
  } while (next_entry_ < entries_.size() && piece.end < end_ &&
           Joins(piece, entries_[next_entry_]));
  at_ = piece.end;
  return piece;
}

}  // namespace tidemark
