// VaultLog: how a log file is made.
#include <algorithm>
#include <cassert>
#include <cerrno>
#include <cstring>
#include <utility>

#include "absl/strings/str_format.h"
#include "agent/io/transfer.h"
#include "agent/site/vault_log.h"
#include "crypto/museum.h"
#include "crypto/rare_path.h"

namespace tidemark {

// How big the next file may be. kResourceExhausted: not even the smallest fits.
Task<absl::StatusOr<uint64_t>> VaultLog::RoomForFile() {
  uint64_t wanted = options_.file_bytes_min;
  if (!files_.empty()) wanted = std::max(wanted, files_.back().header.file_bytes * 2);
  wanted = std::min(wanted, options_.file_bytes_max);
  FileStat stat;
  Op look = io_->Stat(place_.directory, &stat);
  const int32_t looked = co_await look;
  if (looked < 0) co_return ErrnoStatus(looked, "stat " + place_.directory);
  while (wanted > options_.file_bytes_min && stat.free_bytes < options_.reserve_bytes + wanted) {
    wanted = std::max(wanted / 2, options_.file_bytes_min);
  }
  wanted = wanted / kDirectIoBytes * kDirectIoBytes;
  if (stat.free_bytes < options_.reserve_bytes + wanted) {
    RARE_PATH("store-full");
    co_return absl::ResourceExhaustedError(absl::StrFormat(
        "%s: %d MiB are free, a log file of %d MiB and a reserve of %d MiB are needed",
        place_.directory, stat.free_bytes >> 20, wanted >> 20, options_.reserve_bytes >> 20));
  }
  co_return wanted;
}

Task<absl::Status> VaultLog::BeginFile(Position before) {
  const absl::Duration now = io_->Monotonic();
  while (!failures_.empty() && failures_.front() + kFileFailureWindow < now) failures_.pop_front();
  if (failures_.size() >= kFileFailuresMax) {
    RARE_PATH("log-files-given-up");
    co_return absl::UnknownError(absl::StrFormat(
        "%s: %d log files failed within an hour, nothing is appended: replace the disk",
        place_.directory, failures_.size()));
  }
  absl::StatusOr<uint64_t> room = co_await RoomForFile();
  if (!room.ok()) co_return room.status();
  LogFile file;
  file.header.file_bytes = *room;
  absl::Status made = co_await MakeFile(&file, before);
  if (!made.ok()) co_return made;
  has_leftovers_ = false;
  co_await GiveUpAbove(before);
  co_await ReleaseRest();
  bytes_ += file.end;
  files_.push_back(std::move(file));
  co_return absl::OkStatus();
}

// The space that was taken for the last file, which a new one ends, and never written: nobody will.
// A site that is killed again and again would fill its disk with it. Not a byte changes: there are
// zeros, with space and without. What was written behind the records stays, it may be evidence.
Task<> VaultLog::ReleaseRest() {
  if (files_.empty()) co_return;
  const uint64_t file_bytes = files_.back().header.file_bytes;
  Op open = io_->Open(files_.back().path, kOpenRead | kOpenWrite);
  const Fd fd = co_await open;
  if (fd < 0) co_return;
  uint64_t end_of_data = files_.back().end;
  while (end_of_data < file_bytes) {
    uint64_t begin = 0, end = 0;
    Op look = io_->NextData(fd, end_of_data, &begin, &end);
    const int32_t found = co_await look;
    if (found == -ENXIO) break;
    if (found < 0 || end <= end_of_data) end = file_bytes;  // unknown: as it is
    end_of_data = end;
  }
  const uint64_t rest = (end_of_data + kDirectIoBytes - 1) / kDirectIoBytes * kDirectIoBytes;
  if (rest < file_bytes) {
    Op punch = io_->Punch(fd, rest, file_bytes - rest);
    const int32_t punched = co_await punch;
    (void)punched;  // space, not data
  }
  Op close = io_->Close(fd);
  const int32_t closed = co_await close;
  (void)closed;
}

// A file that then holds nothing goes. The file that ends it must be durable.
Task<> VaultLog::GiveUpAbove(Position position) {
  flushed_ = position;
  while (!files_.empty()) {
    LogFile& last = files_.back();
    const uint64_t keep =
        position.sequence + 1 - std::min(last.first_sequence(), position.sequence + 1);
    if (last.records.size() > keep) last.records.resize(keep);
    if (!last.records.empty()) break;
    bytes_ -= std::min(bytes_, last.end);
    const std::string path = std::move(last.path);
    files_.pop_back();
    Op unlink = io_->Unlink(path);
    const int32_t unlinked = co_await unlink;
    (void)unlinked;  // recovery passes by what a later file ends
  }
}

// On success current_ writes the new file.
Task<absl::Status> VaultLog::MakeFile(LogFile* file, Position before) {
  absl::StatusOr<Fd> opened = co_await OpenNewFile(file, before, "");
  absl::Status made = opened.status();
  if (made.ok()) {
    const Fd fd = *opened;
    made = co_await FinishFile(file, fd);
    if (made.ok()) {
      co_await AbandonFile(false);
      current_ = fd;
      zeroed_upto_ = 0;
      co_return made;
    }
    co_await RemoveFile(file, fd);
  }
  if (!absl::IsResourceExhausted(made)) failures_.push_back(io_->Monotonic());
  co_return made;
}

// With its space; it counts for nothing yet.
Task<absl::StatusOr<Fd>> VaultLog::OpenNewFile(LogFile* file, Position before, const char* suffix) {
  file->header.store = place_.store;
  file->header.vault = place_.vault;
  file->header.file_number = ++newest_number_;
  file->header.before = before;
  std::array<std::byte, 8> salt;
  io_->Fill(salt);
  std::memcpy(&file->header.file_salt, salt.data(), salt.size());
  file->path = place_.directory + "/" + LogFileName(file->header.file_number) + suffix;
  Op open =
      io_->Open(file->path, kOpenRead | kOpenWrite | kOpenCreate | kOpenExclusive | kOpenDirect);
  const Fd opened = co_await open;
  if (opened < 0) co_return ErrnoStatus(opened, "create " + file->path);
  Op allocate = io_->Allocate(opened, 0, file->header.file_bytes);
  const int32_t allocated = co_await allocate;
  if (allocated == 0) co_return opened;
  co_await RemoveFile(file, opened);
  co_return ErrnoStatus(allocated, "allocate " + file->path);
}

Task<> VaultLog::RemoveFile(const LogFile* file, Fd fd) {
  Op close = io_->Close(fd);
  const int32_t closed = co_await close;
  (void)closed;
  Op unlink = io_->Unlink(file->path);
  const int32_t unlinked = co_await unlink;
  (void)unlinked;  // recovery passes by a file without a header
}

// Header and name, durable: from here on the file ends those before it.
Task<absl::Status> VaultLog::FinishFile(const LogFile* file, Fd fd) {
  PooledBuffer buffer = header_.TryAcquire();
  assert(buffer);
  const std::vector<std::byte> header = EncodeLogFileHeader(file->header);
  std::memcpy(buffer.span().data(), header.data(), header.size());
  absl::Status written = co_await WriteFully(io_, fd, buffer.span(), 0);
  if (!written.ok()) co_return written;
  counters_.OnWrite(header.size());
  Op sync = io_->Sync(fd);
  const int32_t synced = co_await sync;
  if (synced < 0) co_return ErrnoStatus(synced, "flush " + file->path);
  if (MUSEUM_BUG("log-name-not-flushed")) co_return absl::OkStatus();
  Op directory = io_->SyncDirectory(place_.directory);
  const int32_t entered = co_await directory;
  if (entered < 0) co_return ErrnoStatus(entered, "flush directory " + place_.directory);
  co_return absl::OkStatus();
}

}  // namespace tidemark
