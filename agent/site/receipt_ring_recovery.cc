// ReceiptRing: what a start finds.
#include <algorithm>
#include <cassert>
#include <cerrno>
#include <cstring>
#include <optional>
#include <utility>

#include "absl/strings/numbers.h"
#include "agent/io/transfer.h"
#include "agent/site/receipt_ring.h"
#include "crypto/museum.h"
#include "crypto/rare_path.h"

namespace tidemark {

std::optional<uint64_t> ReceiptRing::NumberOf(const std::string& name) {
  constexpr size_t kPrefix = 9;
  uint64_t number = 0;
  if (name.size() <= kPrefix || !absl::SimpleHexAtoi(name.substr(kPrefix), &number))
    return std::nullopt;
  if (number == 0 || NameOf(number) != name) return std::nullopt;
  return number;
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
  absl::Status kept = co_await KeepNewest();
  co_return kept;
}

// Its flush may have failed under a process that was killed, and nothing shows that: it reads right
// until the kernel lets go of it, and its number would be given once more. All before it were
// flushed. It is written again beside itself, since the cut of a rewrite could take it.
Task<absl::Status> ReceiptRing::KeepNewest() {
  if (MUSEUM_BUG("unflushed-receipt-believed")) co_return absl::OkStatus();
  ReceiptEntry newest = std::move(newest_.back());
  newest_.pop_back();
  absl::Status kept = co_await Append(std::move(newest));
  co_return kept;
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

}  // namespace tidemark
