#include "agent/recover/store_scan.h"

#include <algorithm>
#include <cerrno>
#include <utility>

#include "absl/strings/numbers.h"
#include "absl/strings/str_format.h"
#include "agent/io/transfer.h"

namespace tidemark {
namespace {

constexpr size_t kWindowBytes = 256 * 1024;
constexpr std::string_view kRecordMagic = "TMRECORD";
constexpr std::string_view kLogPrefix = "log-";

// "log-0000000a" -> 10; 0: not a log file.
uint64_t LogNumber(const std::string& name) {
  uint64_t number = 0;
  if (name.compare(0, kLogPrefix.size(), kLogPrefix) != 0) return 0;
  return absl::SimpleHexAtoi(name.substr(kLogPrefix.size()), &number) ? number : 0;
}

}  // namespace

Task<absl::Status> ReadFromFile(Io* io, std::string path, uint64_t offset, MutableByteSpan into) {
  Op open = io->Open(path, kOpenRead);
  const Fd fd = co_await open;
  if (fd < 0) co_return ErrnoStatus(fd, "open " + path);
  absl::Status read = co_await ReadFully(io, fd, into, offset);
  Op close = io->Close(fd);
  const int32_t closed = co_await close;
  (void)closed;  // nothing was written
  if (absl::IsOutOfRange(read)) {
    read = absl::DataLossError(absl::StrFormat("%s ends before offset %d", path, offset));
  }
  co_return read;
}

Task<absl::StatusOr<RecordHead>> ReadStoredHead(Io* io, const StoredLog* log, StoredRecord record) {
  std::vector<std::byte> head(kRecordHeaderBytes);
  std::string path = log->paths[record.file];
  absl::Status read = co_await ReadFromFile(io, std::move(path), record.offset, head);
  if (!read.ok()) co_return read;
  co_return ParseRecordHead(head);
}

StoreScan::StoreScan(Io* io, std::string directory, VaultId vault)
    : io_(io), directory_(std::move(directory)), vault_(vault), window_(kWindowBytes) {}

Task<absl::StatusOr<StoredLog>> StoreScan::Run() {
  std::vector<DirectoryEntry> entries;
  Op list = io_->List(directory_, &entries);
  const int32_t listed = co_await list;
  if (listed < 0) co_return ErrnoStatus(listed, "list " + directory_);
  std::map<uint64_t, std::string> files;
  for (const DirectoryEntry& entry : entries) {
    const uint64_t number = LogNumber(entry.name);
    if (number > 0) files[number] = directory_ + "/" + entry.name;
  }
  if (files.empty()) co_return absl::NotFoundError(directory_ + ": no log files there");
  for (const auto& [number, path] : files) {
    std::string copy = path;
    absl::Status scanned = co_await ScanFile(number, std::move(copy));
    if (!scanned.ok()) co_return scanned;
  }
  absl::Status chosen = co_await ChooseTail();
  if (!chosen.ok()) co_return chosen;
  co_return std::move(log_);
}

Task<absl::Status> StoreScan::ScanFile(uint64_t number, std::string path) {
  FileStat stat;
  Op open = io_->Open(path, kOpenRead);
  fd_ = co_await open;
  if (fd_ < 0) co_return ErrnoStatus(fd_, "open " + path);
  Op look = io_->Stat(fd_, &stat);
  const int32_t looked = co_await look;
  log_.paths.push_back(std::move(path));
  absl::Status scanned;
  if (looked < 0) {
    scanned = ErrnoStatus(looked, "stat " + log_.paths.back());
  } else {
    scanned = co_await ScanOpenFile(number, stat.size);
  }
  Op close = io_->Close(fd_);
  const int32_t closed = co_await close;
  (void)closed;
  co_return scanned;
}

Task<absl::Status> StoreScan::ScanOpenFile(uint64_t number, uint64_t file_bytes) {
  salt_.reset();
  if (file_bytes < kLogFileHeaderBytes) co_return absl::OkStatus();
  const MutableByteSpan head_bytes = MutableByteSpan(window_).first(kRecordHeaderBytes);
  absl::Status read = co_await ReadFully(io_, fd_, head_bytes, 0);
  absl::StatusOr<LogFileHeader> header = absl::DataLossError("unreadable");
  if (read.ok()) header = ParseLogFileHeader(head_bytes);
  if (absl::IsUnimplemented(header.status())) co_return header.status();
  // A damaged file header is no reason to give up the records behind it.
  if (header.ok()) {
    if (header->vault != vault_) co_return absl::OkStatus();
    salt_ = header->file_salt;
    BeginBehind(header->before.sequence);
  }
  uint64_t offset = kLogFileHeaderBytes;
  while (offset + kRecordHeaderBytes <= file_bytes) {
    absl::Status got = co_await ReadFully(io_, fd_, head_bytes, offset);
    absl::StatusOr<RecordHead> head = absl::DataLossError("unreadable");
    if (got.ok()) head = ParseRecordHead(head_bytes);
    if (absl::IsUnimplemented(head.status())) co_return head.status();
    if (head.ok() && IsOwn(number, offset, *head)) {
      StoredRecord& record = log_.records[head->canonical.sequence];
      record.file = static_cast<uint32_t>(log_.paths.size() - 1);
      record.offset = offset;
      record.kind = head->canonical.kind;
      record.durable_upto = head->placement.durable_upto;
      offset += kRecordHeaderBytes + head->canonical.payload_bytes;
      continue;
    }
    absl::StatusOr<uint64_t> next = co_await NextCandidate(offset + kRecordHeaderBytes, file_bytes);
    if (!next.ok()) co_return next.status();
    offset = *next;
  }
  co_return absl::OkStatus();
}

// The next place at or behind `offset` where a record could begin; `file_bytes` when there is none.
Task<absl::StatusOr<uint64_t>> StoreScan::NextCandidate(uint64_t offset, uint64_t file_bytes) {
  while (offset < file_bytes) {
    uint64_t begin = offset, end = file_bytes;
    Op next = io_->NextData(fd_, offset, &begin, &end);
    const int32_t found = co_await next;
    if (found == -ENXIO) co_return file_bytes;
    if (found < 0) begin = offset;  // the file system does not say
    offset = std::max(offset, begin / kRecordHeaderBytes * kRecordHeaderBytes);
    absl::StatusOr<size_t> got = co_await ReadUpTo(io_, fd_, window_, offset);
    if (!got.ok()) {  // an unreadable place: try behind it
      offset += kRecordHeaderBytes;
      continue;
    }
    for (size_t at = 0; at + kRecordHeaderBytes <= *got; at += kRecordHeaderBytes) {
      const ByteSpan front = ByteSpan(window_).subspan(at, kRecordMagic.size());
      if (AsText(front) == kRecordMagic) co_return offset + at;
    }
    if (*got < kRecordHeaderBytes) co_return file_bytes;
    offset += *got / kRecordHeaderBytes * kRecordHeaderBytes;
  }
  co_return file_bytes;
}

// Written into this incarnation of this file, at this place. Where the file's header is damaged the
// first record speaks for it.
bool StoreScan::IsOwn(uint64_t number, uint64_t offset, const RecordHead& head) {
  const PlacementHeader& placement = head.placement;
  if (head.canonical.vault != vault_ || placement.file_number != number ||
      placement.own_offset != offset) {
    return false;
  }
  if (!salt_.has_value()) {
    salt_ = placement.file_salt;
    BeginBehind(head.canonical.sequence - 1);
  }
  return placement.file_salt == *salt_;
}

// A file supersedes what older files hold behind the place where it begins.
void StoreScan::BeginBehind(uint64_t sequence) {
  log_.records.erase(log_.records.upper_bound(sequence), log_.records.end());
}

// What was known durable is there or damaged; the records behind it count as far as they are whole.
Task<absl::Status> StoreScan::ChooseTail() {
  uint64_t durable = 0;
  for (const auto& [sequence, record] : log_.records) {
    durable = std::max(durable, record.durable_upto);
  }
  auto next = log_.records.upper_bound(durable);
  uint64_t expected = next == log_.records.begin() ? 1 : std::prev(next)->first + 1;
  while (next != log_.records.end() && next->first == expected) {
    absl::Status whole = co_await CheckStoredPayload(next->second);
    if (!whole.ok()) break;
    ++next;
    ++expected;
  }
  log_.records.erase(next, log_.records.end());
  if (log_.records.empty()) co_return absl::OkStatus();
  absl::StatusOr<RecordHead> last =
      co_await ReadStoredHead(io_, &log_, log_.records.rbegin()->second);
  if (!last.ok()) co_return last.status();
  log_.tail = last->canonical.position();
  co_return absl::OkStatus();
}

Task<absl::Status> StoreScan::CheckStoredPayload(StoredRecord record) {
  absl::StatusOr<RecordHead> head = co_await ReadStoredHead(io_, &log_, record);
  if (!head.ok()) co_return head.status();
  std::vector<std::byte> payload(head->canonical.payload_bytes);
  std::string path = log_.paths[record.file];
  absl::Status read =
      co_await ReadFromFile(io_, std::move(path), record.offset + kRecordHeaderBytes, payload);
  if (!read.ok()) co_return read;
  co_return CheckPayload(head->canonical, payload);
}

}  // namespace tidemark
