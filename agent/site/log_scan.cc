#include "agent/site/log_scan.h"

#include <algorithm>
#include <cerrno>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_format.h"
#include "absl/strings/strip.h"
#include "agent/io/transfer.h"
#include "agent/link/data_connection.h"
#include "crypto/museum.h"
#include "crypto/rare_path.h"

namespace tidemark {
namespace {

constexpr uint64_t kWindowBytes = 64 * 1024;
constexpr uint32_t kSmallPayloadBytes = 32 * 1024;
constexpr int kReadTries = 3;

// What stands at `offset` is no head, or was written there astray; it could be read, and a newer
// version did not write it.
bool IsRotten(const LogFileHeader& file, uint64_t offset, const absl::StatusOr<RecordHead>& head) {
  return head.ok() ? !IsOwnRecord(file, offset, *head) : absl::IsDataLoss(head.status());
}

}  // namespace

LogScan::LogScan(Io* io, VaultPlace place, uint64_t evidence, MutableByteSpan buffer,
                 StoreCounters* counters)
    : io_(io),
      place_(std::move(place)),
      buffer_(buffer),
      counters_(counters),
      evidence_(evidence) {}

Task<absl::StatusOr<LogScan::Result>> LogScan::Run() {
  absl::Status surveyed = co_await Survey();
  if (!surveyed.ok()) co_return surveyed;
  FindSuperseded();
  Candidate* newest = nullptr;
  for (auto& [number, candidate] : candidates_) {
    if (candidate.superseded()) continue;
    // A file is begun only behind records that are flushed.
    evidence_ = std::max(evidence_, candidate.before_sequence());
    newest = &candidate;
  }
  if (newest != nullptr) {
    absl::Status found = co_await FindHighestDurable(newest);
    if (!found.ok()) co_return found;
  }
  recovery_.emplace(place_.store, place_.vault, evidence_);
  bool whole = true;
  for (auto& [number, candidate] : candidates_) {
    if (candidate.superseded()) continue;
    absl::StatusOr<bool> taken = co_await TakeFile(&candidate);
    if (!taken.ok()) co_return taken.status();
    whole = whole && *taken;
    // Nothing shows that an empty one's header was ever flushed: the next record begins a new file.
    if (candidate.file.records.empty()) continue;
    result_.files.push_back(std::move(candidate.file));
    result_.may_continue = &candidate == newest && candidate.headed;
  }
  result_.evidence = evidence_;
  result_.outcome = recovery_->Finish();
  if (!unreadable_.empty()) {
    result_.outcome.damaged = true;
    result_.outcome.explanation += "; cannot be read: " + unreadable_;
  }
  if (result_.outcome.damaged || !whole) result_.may_continue = false;
  co_return std::move(result_);
}

Task<absl::Status> LogScan::Survey() {
  Op sync = io_->SyncDirectory(place_.directory);
  const int32_t synced = co_await sync;
  if (synced < 0) co_return ErrnoStatus(synced, "flush directory " + place_.directory);
  std::vector<DirectoryEntry> entries;
  Op list = io_->List(place_.directory, &entries);
  const int32_t listed = co_await list;
  if (listed < 0) co_return ErrnoStatus(listed, "list " + place_.directory);
  for (const DirectoryEntry& entry : entries) {
    const bool is_aside = absl::EndsWith(entry.name, kAsideSuffix);
    const std::optional<uint64_t> number =
        LogFileNumber(std::string(absl::StripSuffix(entry.name, kAsideSuffix)));
    if (!number.has_value()) continue;
    if (is_aside) {  // its number is taken, also where its making was cut short
      result_.newest_number = std::max(result_.newest_number, *number);
      continue;
    }
    absl::Status surveyed = co_await SurveyFile(*number);
    if (!surveyed.ok()) co_return surveyed;
  }
  co_return absl::OkStatus();
}

Task<absl::Status> LogScan::SurveyFile(uint64_t number) {
  result_.newest_number = std::max(result_.newest_number, number);
  Candidate& candidate = candidates_[number];
  candidate.file.path = place_.directory + "/" + LogFileName(number);
  absl::Status opened = co_await Open(&candidate);
  if (!opened.ok()) co_return opened;
  Op sync = io_->Sync(fd_);
  const int32_t synced = co_await sync;
  absl::Status read;
  if (synced < 0) read = ErrnoStatus(synced, "flush " + candidate.file.path);
  if (read.ok()) read = co_await ReadFileHeader(number);
  co_await Close();
  co_return read;
}

// Of a file that is no log file (its making was cut short) nothing stays in candidates_.
Task<absl::Status> LogScan::ReadFileHeader(uint64_t number) {
  Candidate& candidate = candidates_[number];
  FileStat stat;
  Op look = io_->Stat(fd_, &stat);
  const int32_t looked = co_await look;
  if (looked < 0) co_return ErrnoStatus(looked, "stat " + candidate.file.path);
  candidate.bytes = std::min(stat.size, kLogFileBytesLimit);
  const MutableByteSpan head = buffer_.first(kLogFileHeaderBytes);
  absl::StatusOr<size_t> got = co_await ReadAt(head, 0);
  if (!got.ok()) unreadable_ = candidate.file.path;
  absl::StatusOr<LogFileHeader> header = absl::DataLossError("cannot be read");
  if (got.ok()) header = ParseLogFileHeader(head.first(*got));
  if (absl::IsUnimplemented(header.status())) co_return header.status();
  if (header.ok() && header->file_number == number) {
    candidate.file.header = *header;
    candidate.headed = true;
    candidate.bytes = std::min(candidate.bytes, header->file_bytes);
    co_return absl::OkStatus();
  }
  // A record proves that the file was complete once: records follow a header that is flushed. Only
  // a copied tail has its header last, behind a flush of its records: there a whole head with a
  // torn payload means that the copy was cut short, and what it was copied from stands.
  absl::StatusOr<RecordHead> first = co_await ReadHead(candidate.bytes, kLogFileHeaderBytes);
  if (first.ok() && first->placement.store == place_.store &&
      first->canonical.vault == place_.vault && first->placement.file_number == number &&
      first->placement.own_offset == kLogFileHeaderBytes) {
    const std::optional<bool> whole =
        co_await CheckStoredPayload(kLogFileHeaderBytes, &first->canonical);
    if (*whole || MUSEUM_BUG("cut-copy-believed")) {
      candidate.first = std::move(*first);
      co_return absl::OkStatus();
    }
  }
  uint64_t data = 0, data_end = 0;
  Op look_for_data = io_->NextData(fd_, 0, &data, &data_end);
  const int32_t found = co_await look_for_data;
  if (found == -ENXIO) result_.unwritten.push_back(candidate.file.path);
  candidates_.erase(number);
  co_return absl::OkStatus();
}

// A later file's `before` ends every file before it there.
void LogScan::FindSuperseded() {
  uint64_t lowest = ~uint64_t{0};
  const LogFileHeader* behind = nullptr;
  for (auto it = candidates_.rbegin(); it != candidates_.rend(); ++it) {
    it->second.last_sequence = lowest;
    it->second.ended_by = behind;
    if (it->second.before_sequence() >= lowest) continue;
    lowest = it->second.before_sequence();
    behind = it->second.headed ? &it->second.file.header : nullptr;
  }
}

Task<absl::Status> LogScan::Open(const Candidate* candidate) {
  Op open = io_->Open(candidate->file.path, kOpenRead | kOpenDirect);
  const int32_t opened = co_await open;
  if (opened < 0) co_return ErrnoStatus(opened, "open " + candidate->file.path);
  fd_ = opened;
  cached_begin_ = cached_end_ = 0;
  window_bytes_ = kRecordHeaderBytes;
  co_return absl::OkStatus();
}

Task<> LogScan::Close() {
  Op close = io_->Close(std::exchange(fd_, -1));
  const int32_t closed = co_await close;
  (void)closed;
}

// A record that cannot be read is given up here, and was perhaps acked: not for a passing fault.
Task<absl::StatusOr<size_t>> LogScan::ReadAt(MutableByteSpan into, uint64_t offset) {
  absl::StatusOr<size_t> got = absl::UnknownError("not read");
  for (int tries = 0; tries < kReadTries && !got.ok(); ++tries)
    got = co_await ReadUpTo(io_, fd_, into, offset);
  co_return got;
}

Task<absl::StatusOr<RecordHead>> LogScan::ReadHead(uint64_t bytes, uint64_t offset) {
  if (offset + kRecordHeaderBytes > bytes) co_return absl::DataLossError("the file ends here");
  if (offset < cached_begin_ || offset + kRecordHeaderBytes > cached_end_) {
    const uint64_t window = std::min(window_bytes_, bytes - offset);
    const MutableByteSpan into = buffer_.first(window / kRecordHeaderBytes * kRecordHeaderBytes);
    counters_->OnRead(into.size());
    absl::StatusOr<size_t> got = co_await ReadAt(into, offset);
    if (!got.ok()) {  // perhaps only what stands behind the head
      RARE_PATH("head-read-alone");
      got = co_await ReadAt(buffer_.first(kRecordHeaderBytes), offset);
    }
    cached_begin_ = offset;
    cached_end_ = got.ok() ? offset + *got : offset;
    if (!got.ok()) {
      if (unreadable_.empty()) unreadable_ = absl::StrFormat("offset %d", offset);
      co_return absl::DataLossError("cannot be read: " + std::string(got.status().message()));
    }
    if (*got < kRecordHeaderBytes) co_return absl::DataLossError("the file ends here");
  }
  absl::StatusOr<RecordHead> head =
      ParseRecordHead(buffer_.subspan(offset - cached_begin_, kRecordHeaderBytes));
  if (head.ok()) {
    window_bytes_ =
        head->canonical.payload_bytes <= kSmallPayloadBytes ? kWindowBytes : kRecordHeaderBytes;
  }
  co_return std::move(head);
}

Task<std::optional<bool>> LogScan::CheckStoredPayload(uint64_t offset,
                                                      const CanonicalHeader* header) {
  const MutableByteSpan payload = buffer_.first(header->payload_bytes);
  cached_end_ = cached_begin_;  // the buffer holds something else now
  counters_->OnRead(payload.size());
  absl::StatusOr<size_t> got = co_await ReadAt(payload, offset + kRecordHeaderBytes);
  bool right = got.ok() && *got == payload.size();
  if (!got.ok() && unreadable_.empty())
    unreadable_ = absl::StrFormat("record %d", header->sequence);
  if (right) {
    absl::Status checked = co_await CheckPayloadOnWorker(io_, header, payload);
    right = checked.ok();
  }
  std::optional<bool> verdict = right;
  co_return verdict;
}

// The header that a damaged one must have been, if its first record continues the log.
void LogScan::MendHeader(Candidate* candidate) const {
  const RecordHead& first = *candidate->first;
  LogFileHeader& header = candidate->file.header;
  header.store = place_.store;
  header.vault = place_.vault;
  header.file_number = first.placement.file_number;
  header.file_salt = first.placement.file_salt;
  header.file_bytes = candidate->bytes;
  header.before.sequence = first.canonical.sequence - 1;
  header.before.digest = first.canonical.previous;
  header.before.epoch = recovery_->tail().epoch;  // vouched for by the digest
  RARE_PATH("log-file-header-mended");
}

Task<absl::StatusOr<bool>> LogScan::TakeFile(Candidate* candidate) {
  if (!candidate->headed) MendHeader(candidate);
  LogFile* file = &candidate->file;
  absl::Status opened = co_await Open(candidate);
  if (!opened.ok()) co_return opened;
  absl::Status follows = recovery_->OnFile(file->header);
  bool in_order = follows.ok();
  while (recovery_->tail().sequence < candidate->last_sequence) {
    const std::string unreadable = unreadable_;
    absl::StatusOr<RecordHead> head = co_await ReadHead(candidate->bytes, file->end);
    // The record that stood for the header went with the cache: the write behind it was lost. What
    // this file seemed to end stands, so all is looked at again.
    if (!candidate->headed && file->records.empty() && !head.ok()) {
      co_await Close();
      co_return absl::DataLossError(file->path + " lost its first record while it was read");
    }
    const bool was_durable = in_order && recovery_->tail().sequence < evidence_;
    if (was_durable && IsRotten(file->header, file->end, head)) {
      const bool passed = co_await PassRottenHead(candidate);
      if (passed) unreadable_ = unreadable;
      if (passed) continue;
    }
    std::optional<bool> payload_ok;
    if (head.ok() && in_order && head->canonical.sequence > evidence_ &&
        !MUSEUM_BUG("torn-tail-believed")) {
      payload_ok = co_await CheckStoredPayload(file->end, &head->canonical);
    }
    if (recovery_->OnRecord(file->end, head, payload_ok) == LogRecovery::Verdict::kStop) {
      uint64_t behind = file->end + kRecordHeaderBytes;
      co_await ShowEvidence(candidate, behind);
      break;
    }
    file->records.push_back(PackPlace(file->end, head->canonical.kind));
    file->end += RecordBytes(head->canonical);
  }
  co_await Close();
  co_return in_order;
}

}  // namespace tidemark
