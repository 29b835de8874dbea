// Push: its resume points, so that a push of a file that was cut off does not begin anew.
#include <algorithm>
#include <utility>

#include "absl/strings/str_format.h"
#include "agent/source/push.h"

namespace tidemark {
namespace {

// A file system's clock is coarse: what was changed this shortly before it was opened might change
// again, while it is read, without a sign.
constexpr absl::Duration kSettled = absl::Milliseconds(100);

SourceIdentity IdentityOf(const FileStat& stat) {
  return {stat.device, stat.inode, stat.size, absl::ToUnixNanos(stat.mtime),
          absl::ToUnixNanos(stat.ctime)};
}

// "18.2 GB", in decimal units as file managers count.
std::string InWords(uint64_t bytes) {
  const char* const units[] = {"kB", "MB", "GB", "TB"};
  uint64_t tenths = bytes / 100;
  size_t unit = 0;
  for (; tenths >= 10000 && unit < 3; ++unit) tenths /= 1000;
  return absl::StrFormat("%d.%d %s", tenths / 10, tenths % 10, units[unit]);
}

}  // namespace

uint64_t ResumeRule::BytesBetween(uint64_t taken) const {
  return std::max(bytes_min, taken / share);
}

// Takes up where an earlier push of the same file, unchanged since, was cut off. What the point
// refers to stands before it in the log, so it is committed as well.
Task<absl::Status> Push::Resume() {
  points_at_ = io_->Monotonic();
  if (!reader_.is_file()) co_return absl::OkStatus();
  const FileStat& stat = reader_.stat();
  makes_points_ = io_->Now() - stat.ctime >= kSettled;
  source_ = IdentityOf(stat);
  if (!request_.resume) co_return absl::OkStatus();
  const uint64_t committed = vault_->log()->committed_sequence();
  const ResumeNotice* found =
      vault_->resume_book()->Find(archive_->id, source_, committed, io_->Now());
  if (found == nullptr) {
    if (vault_->resume_book()->FindAny(request_.name, committed, io_->Now()) != nullptr)
      Note("the source changed since an earlier push of it was cut off: reading all of it");
    co_return absl::OkStatus();
  }
  ResumeNotice notice = *found;
  const uint32_t sealed_bytes = notice.point.sealed_bytes;
  const Secret32* key = &archive_->key;
  SealedReader reader(vault_->source(), &vault_->keys());
  absl::StatusOr<ResumePoint> point = co_await reader.ReadResumePoint(std::move(notice), key);
  if (!failure_.ok()) co_return failure_;
  if (!point.ok()) {
    Note("an earlier push of it was cut off, but cannot be resumed (" +
         std::string(point.status().message()) + "): reading all of it");
    co_return absl::OkStatus();
  }
  if (point->root.segment_bytes != vault_->segment_bytes()) co_return absl::OkStatus();
  GoOnFrom(*point, sealed_bytes);
  co_return absl::OkStatus();
}

void Push::GoOnFrom(const ResumePoint& point, uint32_t sealed_bytes) {
  const uint64_t offset = point.offset();
  root_ = point.root;
  segment_begin_ = point.root.source_bytes;
  root_.source_bytes = offset;
  if (!point.open.empty()) tree_.emplace(TreeBuilder::From(point.open));
  stored_bytes_ = point.stored_bytes + sealed_bytes;
  points_data_bytes_ = root_.data_bytes;
  result_.resumed_at_bytes = offset;
  reader_.SkipTo(offset);
  Note(absl::StrFormat("resuming at %s (%d %%)", InWords(offset),
                       offset * 100 / std::max<uint64_t>(1, source_.size)));
}

void Push::Note(const std::string& line) const {
  if (request_.note) request_.note(line);
}

bool Push::ResumePointDue() const {
  const uint64_t since = root_.data_bytes - points_data_bytes_;
  if (!makes_points_ || since == 0) return false;
  const ResumeRule& rule = vault_->resume_rule();
  return since >= rule.BytesBetween(root_.data_bytes) ||
         io_->Monotonic() - points_at_ >= rule.interval;
}

// With the turn. Closes the open leaf: a point consists of references only, and stays small.
Task<absl::Status> Push::PlaceResumePoint() {
  ResumePoint point;
  if (tree_.has_value()) {
    tree_->CloseLeaf();
    absl::Status nodes = co_await PlacePendingNodes();
    if (!nodes.ok()) co_return nodes;
    point.open = tree_->OpenNodes();
  }
  point.source = source_;
  point.stored_bytes = stored_bytes_;
  point.root = root_;
  point.root.source_bytes = segment_begin_;
  point.root.segment_bytes = vault_->segment_bytes();
  ResumeNotice notice = MakeNotice(io_->Now());
  std::vector<std::byte> plain = EncodeResumePoint(point);
  absl::Status placed =
      co_await vault_->pack()->PlaceResumePoint(std::move(plain), &archive_->key, &notice);
  if (!placed.ok()) co_return placed;
  stored_bytes_ += notice.point.sealed_bytes;
  points_data_bytes_ = root_.data_bytes;
  points_at_ = io_->Monotonic();
  vault_->resume_book()->Add(notice, vault_->log()->committed_sequence());
  co_return absl::OkStatus();
}

ResumeNotice Push::MakeNotice(absl::Time at) const {
  ResumeNotice notice;
  notice.archive = archive_->id;
  notice.name = request_.name;
  notice.kek_id = vault_->keys().kek.id;
  notice.wrapped_key = archive_->wrapped;
  notice.source = source_;
  notice.at_nanos = absl::ToUnixNanos(at);
  return notice;
}

}  // namespace tidemark
