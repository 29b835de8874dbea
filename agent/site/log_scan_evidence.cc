// LogScan: what stands behind a place where no record can be read, and what it says of that place.
#include <algorithm>
#include <cerrno>
#include <utility>

#include "agent/site/log_scan.h"
#include "crypto/museum.h"
#include "crypto/rare_path.h"

namespace tidemark {
namespace {

// More than can ever be written and not yet flushed: the record pool is smaller.
constexpr uint64_t kEvidenceBytes = 256ull << 20;
constexpr uint64_t kWindowBytes = 64 * 1024;

}  // namespace

// Also past a head that is rotten: those behind it were written by the same hand. What a take-over
// dropped has a lower epoch, and is no evidence.
Task<absl::Status> LogScan::FindHighestDurable(const Candidate* candidate) {
  if (!candidate->headed) co_return absl::OkStatus();
  absl::Status opened = co_await Open(candidate);
  if (!opened.ok()) co_return opened;
  uint64_t offset = kLogFileHeaderBytes, epoch = 0;
  while (true) {
    absl::StatusOr<RecordHead> head = co_await ReadHead(candidate->bytes, offset);
    const bool is_own = head.ok() && IsOwnRecord(candidate->file.header, offset, *head);
    if (!is_own && MUSEUM_BUG("evidence-ends-at-rot")) break;
    if (is_own && head->canonical.epoch >= epoch) {
      evidence_ = std::max(evidence_, head->placement.durable_upto);
      epoch = head->canonical.epoch;
      offset += RecordBytes(head->canonical);
      continue;
    }
    std::optional<Found> next = co_await NextHead(candidate, offset + kRecordHeaderBytes);
    if (!next.has_value()) break;
    offset = next->offset;
    cached_end_ = cached_begin_;
  }
  co_await Close();
  co_return absl::OkStatus();
}

// The next head of this file at or behind `offset`. Space that was never written is skipped.
Task<std::optional<LogScan::Found>> LogScan::NextHead(const Candidate* candidate, uint64_t offset) {
  const uint64_t stop = std::min(candidate->bytes, offset + kEvidenceBytes);
  std::optional<Found> found;
  window_bytes_ = kWindowBytes;
  while (offset + kRecordHeaderBytes <= stop) {
    if (offset < cached_begin_ || offset >= cached_end_) {
      uint64_t begin = offset, end = stop;
      Op next = io_->NextData(fd_, offset, &begin, &end);
      const int32_t looked = co_await next;
      if (looked == -ENXIO) break;
      if (looked >= 0 && begin > offset) {
        offset = begin / kRecordHeaderBytes * kRecordHeaderBytes;
        continue;
      }
    }
    absl::StatusOr<RecordHead> head = co_await ReadHead(candidate->bytes, offset);
    window_bytes_ = kWindowBytes;
    if (head.ok() && IsOwnRecord(candidate->file.header, offset, *head)) {
      found = Found{offset, std::move(*head)};
      break;
    }
    offset += kRecordHeaderBytes;
  }
  co_return std::move(found);
}

Task<> LogScan::ShowEvidence(const Candidate* candidate, uint64_t offset) {
  const uint64_t stop = offset + kEvidenceBytes;
  while (offset < stop) {
    std::optional<Found> next = co_await NextHead(candidate, offset);
    if (!next.has_value()) co_return;
    absl::StatusOr<RecordHead> head = std::move(next->head);
    const LogRecovery::Verdict verdict = recovery_->OnRecord(next->offset, head, std::nullopt);
    (void)verdict;  // not accepted any more
    offset = next->offset + kRecordHeaderBytes;
  }
}

// The last record of a file that a later one ended: its header says as much as a head would.
std::optional<LogScan::Found> LogScan::NextFile(const Candidate* candidate) const {
  const LogFileHeader* behind = candidate->ended_by;
  if (behind == nullptr || behind->before.sequence != recovery_->tail().sequence + 1) {
    return std::nullopt;
  }
  Found found;
  found.offset = candidate->file.end + kRecordHeaderBytes;
  found.head.canonical.epoch = behind->before.epoch;
  found.head.canonical.sequence = behind->before.sequence + 1;
  found.head.canonical.previous = behind->before.digest;
  return found;
}

// Rot took one head of a record that was durable here once, and the record behind it too. Its
// payload ends where the next head stands, which names its digest: the log goes on, and the head is
// healed like one that rots while the site runs. Given up, all behind it would go, also what no
// other site has yet.
Task<bool> LogScan::PassRottenHead(Candidate* candidate) {
  LogFile* file = &candidate->file;
  if (MUSEUM_BUG("log-cut-at-rot")) co_return false;
  std::optional<Found> next = NextFile(candidate);
  bool whole = true;
  if (!next.has_value()) {
    next = co_await NextHead(candidate, file->end + kRecordHeaderBytes);
    cached_end_ = cached_begin_;
    if (next.has_value() && next->head.canonical.sequence > evidence_) {
      const std::optional<bool> checked =
          co_await CheckStoredPayload(next->offset, &next->head.canonical);
      whole = *checked;
    }
  }
  const bool fits = next.has_value() && next->offset - file->end <= kRecordBytesMax;
  if (!fits || !recovery_->OnRottenHead(next->head, whole)) co_return false;
  result_.rotten.push_back(recovery_->tail().sequence);
  file->records.push_back(PackPlace(file->end, kUnknownKind));
  file->end = next->offset;
  RARE_PATH("rotten-head-passed");
  co_return true;
}

}  // namespace tidemark
