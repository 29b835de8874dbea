#include "agent/recover/restored_file.h"

#include <algorithm>
#include <cassert>
#include <cstring>
#include <utility>

#include "agent/io/transfer.h"

namespace tidemark {
namespace {

uint64_t BlockUp(uint64_t offset) {
  return (offset + kDirectIoBytes - 1) / kDirectIoBytes * kDirectIoBytes;
}

}  // namespace

Task<absl::Status> RestoredFile::Begin() {
  Op truncate = io_->Truncate(fd_, length_);
  const int32_t truncated = co_await truncate;
  if (truncated < 0) co_return ErrnoStatus(truncated, "setting the length of the restored file");
  co_return absl::OkStatus();
}

Task<absl::Status> RestoredFile::Write(uint64_t offset, ByteSpan bytes) {
  assert(offset + bytes.size() <= length_);
  assert(reinterpret_cast<uintptr_t>(bytes.data()) % kDirectIoBytes == offset % kDirectIoBytes);
  const uint64_t end = offset + bytes.size();
  const uint64_t first = std::min(BlockUp(offset), end);
  const uint64_t last = std::max(end / kDirectIoBytes * kDirectIoBytes, first);
  if (first > offset) {
    const ByteSpan head = bytes.first(first - offset);
    absl::Status written = co_await WriteShared(offset, head, head.size());
    if (!written.ok()) co_return written;
  }
  if (last > first) {
    const ByteSpan whole = bytes.subspan(first - offset, last - first);
    absl::Status written = co_await WriteFully(io_, fd_, whole, first);
    if (!written.ok()) co_return written;
  }
  if (end > last) {
    const ByteSpan tail = bytes.subspan(last - offset);
    absl::Status written = co_await WriteShared(last, tail, tail.size());
    if (!written.ok()) co_return written;
  }
  co_return absl::OkStatus();
}

Task<absl::Status> RestoredFile::Skip(uint64_t offset, uint64_t bytes) {
  const uint64_t end = offset + bytes;
  const uint64_t first = std::min(BlockUp(offset), end);
  const uint64_t last = std::max(end / kDirectIoBytes * kDirectIoBytes, first);
  if (first > offset) {
    absl::Status written = co_await WriteShared(offset, {}, first - offset);
    if (!written.ok()) co_return written;
  }
  if (end > last) {
    absl::Status written = co_await WriteShared(last, {}, end - last);
    if (!written.ok()) co_return written;
  }
  co_return absl::OkStatus();
}

// `count` bytes of one block; where `bytes` is empty they are zeros.
Task<absl::Status> RestoredFile::WriteShared(uint64_t offset, ByteSpan bytes, uint64_t count) {
  const uint64_t number = offset / kDirectIoBytes;
  const uint64_t begin = number * kDirectIoBytes;
  Shared& shared = shared_[number];
  if (!bytes.empty())
    std::memcpy(shared.block->bytes.data() + (offset - begin), bytes.data(), bytes.size());
  shared.filled += count;
  const uint64_t whole = std::min(kDirectIoBytes, length_ - begin);
  assert(shared.filled <= whole);
  if (shared.filled < whole) co_return absl::OkStatus();
  const Shared done = std::move(shared);
  shared_.erase(number);
  absl::Status written = co_await WriteFully(io_, fd_, done.block->bytes, begin);
  co_return written;
}

Task<absl::Status> RestoredFile::Finish() {
  assert(shared_.empty());
  if (length_ % kDirectIoBytes != 0) {
    absl::Status cut = co_await Begin();
    if (!cut.ok()) co_return cut;
  }
  Op sync = io_->Sync(fd_);
  const int32_t synced = co_await sync;
  if (synced < 0) co_return ErrnoStatus(synced, "flushing the restored file");
  co_return absl::OkStatus();
}

}  // namespace tidemark
