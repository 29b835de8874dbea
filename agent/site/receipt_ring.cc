#include "agent/site/receipt_ring.h"

#include <algorithm>
#include <cassert>
#include <cerrno>
#include <cstring>
#include <utility>

#include "absl/strings/numbers.h"
#include "absl/strings/str_format.h"
#include "agent/io/transfer.h"
#include "crypto/museum.h"
#include "crypto/rare_path.h"
#include "replicator/format_mark.h"

namespace tidemark {
namespace {

constexpr uint64_t kPage = kDirectIoBytes;
constexpr int kFilesTried = 2;  // per entry

uint64_t PagesFor(uint64_t bytes) { return (bytes + kPage - 1) / kPage * kPage; }

std::string NameOf(uint64_t number) { return absl::StrFormat("receipts-%08x", number); }

std::optional<uint64_t> NumberOf(const std::string& name) {
  constexpr size_t kPrefix = 9;
  uint64_t number = 0;
  if (name.size() <= kPrefix || !absl::SimpleHexAtoi(name.substr(kPrefix), &number))
    return std::nullopt;
  if (number == 0 || NameOf(number) != name) return std::nullopt;
  return number;
}
}  // namespace

ReceiptRing::ReceiptRing(Io* io, std::string directory, StoreCounters* counters)
    : io_(io),
      directory_(std::move(directory)),
      counters_(counters),
      pool_(io, 1, kReceiptEntryBytesMax * 2) {}

Task<absl::StatusOr<std::unique_ptr<ReceiptRing>>> ReceiptRing::Open(Io* io, std::string directory,
                                                                     StoreCounters* counters) {
  std::unique_ptr<ReceiptRing> ring(new ReceiptRing(io, std::move(directory), counters));
  absl::Status recovered = co_await ring->Recover();
  if (!recovered.ok()) co_return recovered;
  co_return std::move(ring);
}

Task<absl::Status> ReceiptRing::Recover() {
  Op sync = io_->SyncDirectory(directory_);
  const int32_t synced = co_await sync;
  if (synced < 0) co_return ErrnoStatus(synced, "flush directory " + directory_);
  std::vector<DirectoryEntry> entries;
  Op list = io_->List(directory_, &entries);
  const int32_t listed = co_await list;
  if (listed < 0) co_return ErrnoStatus(listed, "list " + directory_);
  for (const DirectoryEntry& entry : entries) {
    const std::optional<uint64_t> number = NumberOf(entry.name);
    if (!number.has_value()) continue;
    absl::Status read = co_await ReadFile(*number);
    if (!read.ok()) co_return read;
    files_.push_back(*number);
  }
  if (newest_.empty()) {
    absl::Status begun = co_await BeginFile();
    // Of a process that signed nothing: kept, one more would stay behind at each start.
    if (begun.ok() && files_.size() > 1) co_await RemoveOthers();
    co_return begun;
  }
  const std::string path = directory_ + "/" + NameOf(file_);
  Op open = io_->Open(path, kOpenRead | kOpenWrite | kOpenDirect);
  const int32_t opened = co_await open;
  if (opened < 0) co_return ErrnoStatus(opened, "open " + path);
  fd_ = opened;
  co_return absl::OkStatus();
}

Task<absl::Status> ReceiptRing::ReadFile(uint64_t number) {
  const std::string path = directory_ + "/" + NameOf(number);
  Op open = io_->Open(path, kOpenRead | kOpenDirect);
  const int32_t opened = co_await open;
  if (opened < 0) co_return ErrnoStatus(opened, "open " + path);
  fd_ = opened;
  Op sync = io_->Sync(fd_);
  const int32_t synced = co_await sync;
  absl::Status read;
  if (synced < 0) read = ErrnoStatus(synced, "flush " + path);
  if (read.ok()) read = co_await ReadEntries(number);
  co_await CloseFile();
  co_return read;
}

// Pages are read in windows of two entries' size; an entry starts in the first half.
Task<absl::Status> ReceiptRing::ReadEntries(uint64_t number) {
  PooledBuffer buffer = pool_.TryAcquire();
  assert(buffer);
  for (uint64_t offset = 0; offset < kReceiptRingBytes; offset += kReceiptEntryBytesMax) {
    const size_t wanted = co_await WrittenBytes(offset);
    if (wanted == 0) continue;
    const MutableByteSpan window = buffer.span().first(wanted);
    counters_->OnRead(window.size());
    absl::StatusOr<size_t> got = co_await ReadUpTo(io_, fd_, window, offset);
    if (!got.ok()) got = co_await ReadPages(window, offset);
    if (!got.ok()) co_return got.status();
    TakePages(number, offset, buffer.span().first(*got));
  }
  co_return absl::OkStatus();
}

// Of the window at `offset`, what need be read: most of a ring was never written.
Task<size_t> ReceiptRing::WrittenBytes(uint64_t offset) {
  const size_t window = pool_.buffer_bytes();
  uint64_t begin = offset, end = offset + window;
  Op first = io_->NextData(fd_, offset, &begin, &end);
  const int32_t found = co_await first;
  if (found == -ENXIO || (found >= 0 && begin >= offset + kReceiptEntryBytesMax)) co_return 0;
  if (found < 0 || end >= offset + window) co_return window;
  uint64_t next_begin = 0, next_end = 0;
  Op second = io_->NextData(fd_, end, &next_begin, &next_end);
  const int32_t more = co_await second;
  const bool is_last = more == -ENXIO || (more >= 0 && next_begin >= offset + window);
  co_return is_last ? PagesFor(end - offset) : window;
}

// One by one, past those that cannot be read.
Task<absl::StatusOr<size_t>> ReceiptRing::ReadPages(MutableByteSpan into, uint64_t offset) {
  size_t done = 0;
  for (; done < into.size(); done += kPage) {
    const MutableByteSpan page = into.subspan(done, kPage);
    std::memset(page.data(), 0, page.size());
    absl::StatusOr<size_t> got = co_await ReadUpTo(io_, fd_, page, offset + done);
    if (got.ok() && *got < kPage) break;
  }
  co_return done;
}

// The newest one stays, however large.
void ReceiptRing::Forget() {
  size_t kept = 0, bytes = 0;
  for (auto one = newest_.rbegin(); one != newest_.rend() && kept < kReceiptsRemembered; ++one) {
    bytes += one->receipt.size() + one->checkpoint.size() + one->heads.size() * 64;
    if (kept > 0 && bytes > kReceiptBytesRemembered) break;
    ++kept;
  }
  newest_.erase(newest_.begin(), newest_.end() - static_cast<ptrdiff_t>(kept));
}

void ReceiptRing::TakePages(uint64_t file, uint64_t offset, ByteSpan pages) {
  const size_t half = std::min<size_t>(kReceiptEntryBytesMax, pages.size());
  for (size_t at = 0; at + kPage <= half; at += kPage) {
    uint64_t bytes = 0;
    absl::StatusOr<ReceiptEntry> entry = DecodeReceiptEntry(pages.subspan(at), &bytes);
    if (!entry.ok()) continue;
    auto place = std::lower_bound(newest_.begin(), newest_.end(), entry->number,
                                  [](const ReceiptEntry& a, uint64_t b) { return a.number < b; });
    const bool is_newest = place == newest_.end();
    if (!is_newest && place->number == entry->number) continue;
    entry->file = file;
    entry->offset = offset + at;
    newest_.insert(place, std::move(*entry));
    Forget();
    if (is_newest) {
      file_ = file;
      offset_ = offset + at + PagesFor(bytes);
    }
  }
}

Task<absl::Status> ReceiptRing::Append(ReceiptEntry entry) {
  const std::vector<std::byte> encoded = EncodeReceiptEntry(entry);
  if (encoded.size() > kReceiptEntryBytesMax) {
    co_return absl::InvalidArgumentError("a receipt of too many vaults");
  }
  PooledBuffer buffer = pool_.TryAcquire();
  assert(buffer);
  const size_t size = PagesFor(encoded.size());
  std::memset(buffer.span().data(), 0, size);
  std::memcpy(buffer.span().data(), encoded.data(), encoded.size());
  const ByteSpan bytes = buffer.span().first(size);
  absl::Status written;
  for (int i = 0; i < kFilesTried; ++i) {
    written = absl::OkStatus();
    if (fd_ < 0) written = co_await BeginFile();
    if (!written.ok()) continue;
    if (offset_ + size > kReceiptRingBytes) offset_ = 0;
    counters_->OnWrite(size);
    written = co_await WriteFully(io_, fd_, bytes, offset_);
    if (written.ok() && !MUSEUM_BUG("receipt-before-flush")) {
      Op sync = io_->Sync(fd_);
      const int32_t synced = co_await sync;
      counters_->OnCommit();
      if (synced < 0) written = ErrnoStatus(synced, "flush receipts");
    }
    if (written.ok()) break;
    co_await CloseFile();
  }
  if (!written.ok()) co_return written;
  entry.file = file_;
  entry.offset = offset_;
  offset_ += size;
  newest_.push_back(std::move(entry));
  Forget();
  if (files_.size() > 1) co_await RemoveOthers();
  co_return absl::OkStatus();
}

Task<absl::StatusOr<uint64_t>> ReceiptRing::Mend() {
  uint64_t mended = 0;
  const std::deque<ReceiptEntry> entries = newest_;
  for (const ReceiptEntry& entry : entries) {
    const bool is_old = entry.number + kReceiptsMended <= entries.back().number;
    if (fd_ < 0 || entry.file != file_ || is_old) continue;
    ReceiptEntry checked = entry;
    absl::StatusOr<bool> was_bad = co_await MendEntry(std::move(checked));
    if (!was_bad.ok()) co_return was_bad.status();
    if (*was_bad) ++mended;
  }
  co_return mended;
}

// What a failed rewrite leaves behind is in memory still: the next entry begins a new file.
Task<absl::StatusOr<bool>> ReceiptRing::MendEntry(ReceiptEntry entry) {
  const std::vector<std::byte> encoded = EncodeReceiptEntry(entry);
  PooledBuffer buffer = pool_.TryAcquire();
  assert(buffer);
  const MutableByteSpan pages = buffer.span().first(PagesFor(encoded.size()));
  counters_->OnRead(pages.size());
  absl::Status right = co_await ReadFully(io_, fd_, pages, entry.offset);
  if (right.ok() && std::equal(encoded.begin(), encoded.end(), pages.begin())) co_return false;
  std::memset(pages.data(), 0, pages.size());
  std::memcpy(pages.data(), encoded.data(), encoded.size());
  counters_->OnWrite(pages.size());
  absl::Status written = co_await WriteFully(io_, fd_, pages, entry.offset);
  if (written.ok()) {
    Op sync = io_->Sync(fd_);
    const int32_t synced = co_await sync;
    if (synced < 0) written = ErrnoStatus(synced, "flush receipts");
  }
  if (!written.ok()) {
    co_await CloseFile();
    co_return written;
  }
  co_return true;
}

Task<absl::Status> ReceiptRing::BeginFile() {
  const uint64_t number = files_.empty() ? 1 : *std::max_element(files_.begin(), files_.end()) + 1;
  files_.push_back(number);
  absl::Status made = co_await MakeFile(number);
  if (made.ok()) {
    file_ = number;
    offset_ = 0;
    co_return made;
  }
  co_await CloseFile();
  Op unlink = io_->Unlink(directory_ + "/" + NameOf(number));
  const int32_t unlinked = co_await unlink;
  if (unlinked >= 0) files_.pop_back();
  co_return made;
}

Task<absl::Status> ReceiptRing::MakeFile(uint64_t number) {
  const std::string path = directory_ + "/" + NameOf(number);
  Op open = io_->Open(path, kOpenRead | kOpenWrite | kOpenCreate | kOpenExclusive | kOpenDirect);
  const int32_t opened = co_await open;
  if (opened < 0) co_return ErrnoStatus(opened, "create " + path);
  fd_ = opened;
  Op allocate = io_->Allocate(fd_, 0, kReceiptRingBytes);
  const int32_t allocated = co_await allocate;
  if (allocated < 0) co_return ErrnoStatus(allocated, "allocate " + path);
  Op sync = io_->Sync(fd_);
  const int32_t synced = co_await sync;
  if (synced < 0) co_return ErrnoStatus(synced, "flush " + path);
  Op directory = io_->SyncDirectory(directory_);
  const int32_t entered = co_await directory;
  if (entered < 0) co_return ErrnoStatus(entered, "flush directory " + directory_);
  co_return absl::OkStatus();
}

// Once the newest entry is durable in file_, or there is none, nothing in the others is needed.
Task<> ReceiptRing::RemoveOthers() {
  RARE_PATH("receipt-file-replaced");
  for (const uint64_t number : files_) {
    if (number == file_) continue;
    Op unlink = io_->Unlink(directory_ + "/" + NameOf(number));
    co_await unlink;
  }
  files_.assign(1, file_);
}

Task<> ReceiptRing::CloseFile() {
  if (fd_ < 0) co_return;
  Op close = io_->Close(std::exchange(fd_, -1));
  co_await close;
}

Task<> ReceiptRing::Close() { co_await CloseFile(); }

}  // namespace tidemark
