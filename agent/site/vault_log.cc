#include "agent/site/vault_log.h"

#include <algorithm>
#include <cassert>
#include <cerrno>
#include <cstring>
#include <utility>

#include "absl/strings/str_format.h"
#include "agent/io/transfer.h"
#include "agent/site/log_scan.h"
#include "crypto/museum.h"
#include "crypto/rare_path.h"

namespace tidemark {
namespace {

alignas(kDirectIoBytes) constexpr std::byte kZeros[256 * 1024] = {};
constexpr uint64_t kSmallGroupBytes = 64 * 1024;

}  // namespace

VaultLog::VaultLog(Io* io, VaultPlace place, VaultLogOptions options, StoreCounters* counters)
    : io_(io), place_(std::move(place)), options_(options), header_(io, 1, kLogFileHeaderBytes) {
  counters_.all = counters;
  assert(options_.file_bytes_max <= kLogFileBytesLimit);
  assert(options_.file_bytes_min >= kLogFileHeaderBytes + kRecordBytesMax);
}

Task<absl::StatusOr<std::unique_ptr<VaultLog>>> VaultLog::Open(Io* io, VaultPlace place,
                                                               VaultLogOptions options,
                                                               uint64_t evidence,
                                                               MutableByteSpan buffer,
                                                               StoreCounters* counters) {
  std::unique_ptr<VaultLog> log(new VaultLog(io, std::move(place), options, counters));
  LogScan scan(io, log->place_, evidence, buffer, &log->counters_);
  absl::StatusOr<LogScan::Result> result = co_await scan.Run();
  if (!result.ok()) co_return result.status();
  log->found_ = std::move(result->outcome);
  log->files_ = std::move(result->files);
  log->rotten_ = std::move(result->rotten);
  log->flushed_ = log->found_.tail;
  log->newest_number_ = result->newest_number;
  for (const LogFile& file : log->files_) log->bytes_ += file.end;
  // Each start that was cut short would leave one, and fill the disk.
  if (!log->found_.damaged) {
    for (const std::string& path : result->unwritten) {
      RARE_PATH("unwritten-log-file-removed");
      Op unlink = io->Unlink(path);
      const int32_t unlinked = co_await unlink;
      (void)unlinked;  // recovery passes it by
    }
  }
  if (!log->found_.damaged && log->flushed_.sequence > result->evidence &&
      !MUSEUM_BUG("unflushed-tail-believed")) {
    absl::Status settled = co_await log->Settle(result->evidence, buffer);
    if (!settled.ok()) co_return settled;
  } else if (result->may_continue) {
    absl::Status continued = co_await log->ContinueFile();
    if (!continued.ok()) co_return continued;
  }
  co_return std::move(log);
}

Task<absl::Status> VaultLog::ContinueFile() {
  Op open = io_->Open(files_.back().path, kOpenRead | kOpenWrite | kOpenDirect);
  const int32_t opened = co_await open;
  if (opened < 0) co_return ErrnoStatus(opened, "open " + files_.back().path);
  current_ = opened;
  zeroed_upto_ = 0;
  co_return absl::OkStatus();
}

bool VaultLog::FitsCurrent(const RecordBuffer& record) const {
  return current_ >= 0 &&
         files_.back().end + RecordBytes(record.header) <= files_.back().header.file_bytes;
}

Task<absl::StatusOr<size_t>> VaultLog::Commit(const std::vector<RecordBuffer>* group, size_t from) {
  assert(from < group->size());
  if (!FitsCurrent((*group)[from])) {
    absl::Status begun = co_await BeginFile(flushed_);
    if (!begun.ok()) co_return begun;
  }
  LogFile& file = files_.back();
  uint64_t end = file.end;
  size_t count = 0;
  for (size_t i = from; i < group->size(); ++i, ++count) {
    const RecordBuffer& record = (*group)[i];
    if (end + RecordBytes(record.header) > file.header.file_bytes) break;
    PlacementHeader placement;
    placement.store = place_.store;
    placement.file_number = file.header.file_number;
    placement.file_salt = file.header.file_salt;
    placement.own_offset = end;
    placement.sequence = record.header.sequence;
    placement.durable_upto = flushed_.sequence + (MUSEUM_BUG("evidence-ahead") ? 1 : 0);
    placement.record_digest = record.digest;
    const std::vector<std::byte> head = EncodeRecordHead(record.header, placement);
    std::memcpy(record.head().data(), head.data(), head.size());
    end += RecordBytes(record.header);
  }
  assert((*group)[from].header.sequence == flushed_.sequence + 1);
  absl::Status written = co_await WriteGroup(group, from, count);
  if (!written.ok()) {
    RARE_PATH("log-file-failed");
    has_leftovers_ = true;
    co_await AbandonFile(true);
    co_return absl::UnknownError(std::string(written.message()));
  }
  for (size_t i = from; i < from + count; ++i) {
    const RecordBuffer& record = (*group)[i];
    file.records.push_back(PackPlace(file.end, record.header.kind));
    file.end += RecordBytes(record.header);
    bytes_ += RecordBytes(record.header);
  }
  const RecordBuffer& last = (*group)[from + count - 1];
  flushed_ = {last.header.epoch, last.header.sequence, last.digest};
  co_return count;
}

// Overwriting what was written before needs no journal: measured, a flush of 8 KiB takes 91 us
// there and 147 us on space that was only allocated. So small commits write zeros ahead, many
// commits' worth at once, beside records and under their flush. Bulk would pay twice and does not.
uint64_t VaultLog::ZerosAhead(uint64_t begin, uint64_t end) const {
  if (end <= zeroed_upto_ || end - begin > kSmallGroupBytes) return 0;
  return std::min<uint64_t>(sizeof(kZeros), files_.back().header.file_bytes - end);
}

Task<absl::Status> VaultLog::WriteGroup(const std::vector<RecordBuffer>* group, size_t from,
                                        size_t count) {
  std::vector<Task<absl::Status>> writes;
  writes.reserve(count + 1);
  const uint64_t begin = files_.back().end;
  uint64_t offset = begin;
  for (size_t i = from; i < from + count; ++i) {
    const RecordBuffer& record = (*group)[i];
    const uint64_t size = RecordBytes(record.header);
    const ByteSpan bytes = record.memory.span().first(size);
    counters_.OnWrite(size);
    writes.push_back(WriteFully(io_, current_, bytes, offset));
    writes.back().Start();
    offset += size;
  }
  const uint64_t zeros = ZerosAhead(begin, offset);
  if (zeros > 0) {
    const ByteSpan ahead = ByteSpan(kZeros).first(zeros);
    counters_.OnWrite(zeros);
    writes.push_back(WriteFully(io_, current_, ahead, offset));
    writes.back().Start();
    zeroed_upto_ = offset + zeros;
  }
  // All are waited for, also after an error: the buffers are theirs until then.
  absl::Status result;
  const bool flushes_beside = MUSEUM_BUG("flush-beside-writes");
  if (flushes_beside) result = co_await Flush();
  for (Task<absl::Status>& write : writes) {
    absl::Status written = co_await write;
    if (result.ok()) result = written;
  }
  if (result.ok() && !flushes_beside && !MUSEUM_BUG("ack-before-flush")) {
    result = co_await Flush();
  }
  if (!result.ok()) {
    co_return absl::Status(result.code(), absl::StrFormat("%s: %s", files_.back().path,
                                                          std::string(result.message())));
  }
  co_return result;
}

Task<absl::Status> VaultLog::Flush() {
  Op sync = io_->Sync(current_);
  int32_t synced = co_await sync;
  counters_.OnCommit();
  if (synced < 0 && MUSEUM_BUG("failed-flush-retried")) {
    Op again = io_->Sync(current_);
    synced = co_await again;
  }
  if (synced < 0) co_return ErrnoStatus(synced, "flush");
  co_return absl::OkStatus();
}

Task<> VaultLog::AbandonFile(bool failed) {
  if (failed) failures_.push_back(io_->Monotonic());
  if (current_ < 0) co_return;
  Op close = io_->Close(std::exchange(current_, -1));
  const int32_t closed = co_await close;
  (void)closed;
}

Task<absl::Status> VaultLog::EndLeftovers() {
  if (!has_leftovers_) co_return absl::OkStatus();
  RARE_PATH("leftovers-ended");
  absl::Status begun = co_await BeginFile(flushed_);
  co_return begun;
}

Task<absl::Status> VaultLog::DropAbove(Position position) {
  assert(position.sequence <= flushed_.sequence);
  // The new file ends the old ones, so it is made before anything is forgotten.
  absl::Status begun = co_await BeginFile(position);
  co_return begun;
}

Task<> VaultLog::Close() { co_await AbandonFile(false); }

std::optional<VaultLog::Place> VaultLog::FindPlace(uint64_t sequence) const {
  if (sequence == 0 || sequence > flushed_.sequence) return std::nullopt;
  auto behind = std::upper_bound(
      files_.begin(), files_.end(), sequence,
      [](uint64_t wanted, const LogFile& file) { return wanted < file.first_sequence(); });
  if (behind == files_.begin()) return std::nullopt;
  const LogFile& file = *std::prev(behind);
  const uint64_t index = sequence - file.first_sequence();
  if (index >= file.records.size()) return std::nullopt;
  Place place;
  place.path = file.path;
  place.file_number = file.header.file_number;
  place.offset = PlaceOffset(file.records[index]);
  place.kind = PlaceKind(file.records[index]);
  place.file = file.header;
  return place;
}

void VaultLog::NoteKind(uint64_t sequence, RecordKind kind) {
  if (std::erase(rotten_, sequence) == 0) return;
  for (LogFile& file : files_) {
    const uint64_t index = sequence - file.first_sequence();
    if (sequence < file.first_sequence() || index >= file.records.size()) continue;
    file.records[index] = PackPlace(PlaceOffset(file.records[index]), kind);
  }
}

absl::StatusOr<uint64_t> VaultLog::FindKind(RecordKind kind, uint64_t at_most) const {
  for (auto file = files_.rbegin(); file != files_.rend(); ++file) {
    if (file->first_sequence() > at_most) continue;
    const uint64_t wanted = at_most - file->first_sequence() + 1;
    for (size_t i = std::min<uint64_t>(wanted, file->records.size()); i > 0; --i) {
      const uint64_t sequence = file->first_sequence() + i - 1;
      if (PlaceKind(file->records[i - 1]) == kind) return sequence;
      if (PlaceKind(file->records[i - 1]) == kUnknownKind) {
        return absl::DataLossError(absl::StrFormat("record %d has a rotten head", sequence));
      }
    }
  }
  return uint64_t{0};
}

}  // namespace tidemark
