#include "agent/site/receipt_ring.h"

#include <algorithm>
#include <cassert>
#include <cerrno>
#include <cstring>
#include <utility>

#include "absl/strings/str_format.h"
#include "agent/io/transfer.h"
#include "crypto/museum.h"
#include "crypto/rare_path.h"
#include "replicator/format_mark.h"

namespace tidemark {
namespace {

constexpr int kFilesTried = 2;  // per entry

}  // namespace

std::string ReceiptRing::NameOf(uint64_t number) {
  return absl::StrFormat("receipts-%08x", number);
}

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
