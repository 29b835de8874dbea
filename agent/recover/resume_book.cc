#include "agent/recover/resume_book.h"

#include <algorithm>

namespace tidemark {
namespace {

// Of all archives together (law 9). A push adds one now and then, and the older of its own go.
constexpr size_t kNoticesMax = 256;

bool IsSameSource(const ResumeNotice& a, const ResumeNotice& b) {
  return a.archive == b.archive && a.source == b.source;
}

// Does a push that is done make this point void? Its own are, and those that nobody took up before
// it began: their source has changed since.
bool IsVoidAfter(const ResumeNotice& point, const ResumeNotice& done) {
  return point.archive == done.archive &&
         (point.source == done.source || point.at_nanos < done.at_nanos);
}

bool IsUsable(const ResumeNotice& point, uint64_t committed, absl::Time now) {
  return point.point.sequence <= committed &&
         now - absl::FromUnixNanos(point.at_nanos) <= kResumePointLife;
}

}  // namespace

void ResumeBook::Add(const ResumeNotice& notice, uint64_t committed) {
  if (notice.done()) {
    std::erase_if(notices_, [&](const ResumeNotice& old) { return IsVoidAfter(old, notice); });
    return;
  }
  // One that is not committed may never be: the newest that is stays beside it.
  const uint64_t place = notice.point.sequence;
  uint64_t newest = place <= committed ? place : 0;
  for (const ResumeNotice& old : notices_) {
    if (IsSameSource(old, notice) && old.point.sequence <= committed)
      newest = std::max(newest, old.point.sequence);
  }
  if (place < newest) return;  // repeated behind a keyring snapshot
  std::erase_if(notices_, [&](const ResumeNotice& old) {
    return IsSameSource(old, notice) && (old.point.sequence < newest || old.point == notice.point);
  });
  notices_.push_back(notice);
  if (notices_.size() > kNoticesMax) notices_.erase(notices_.begin());
}

const ResumeNotice* ResumeBook::Find(const ArchiveId& archive, const SourceIdentity& source,
                                     uint64_t committed, absl::Time now) const {
  for (auto point = notices_.rbegin(); point != notices_.rend(); ++point) {
    if (point->archive == archive && point->source == source && IsUsable(*point, committed, now))
      return &*point;
  }
  return nullptr;
}

const ResumeNotice* ResumeBook::FindAny(const std::string& name, uint64_t committed,
                                        absl::Time now) const {
  for (auto point = notices_.rbegin(); point != notices_.rend(); ++point) {
    if (point->name == name && IsUsable(*point, committed, now)) return &*point;
  }
  return nullptr;
}

bool ResumeBook::Has(const ArchiveId& archive) const {
  for (const ResumeNotice& point : notices_) {
    if (point.archive == archive) return true;
  }
  return false;
}

std::vector<ResumeNotice> ResumeBook::Live(uint64_t committed, absl::Time now) const {
  std::vector<ResumeNotice> live;
  for (const ResumeNotice& point : notices_) {
    if (&point == Find(point.archive, point.source, committed, now)) live.push_back(point);
  }
  return live;
}

}  // namespace tidemark
