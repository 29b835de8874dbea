#include "agent/io/pool.h"

#include <sys/mman.h>

#include <cassert>
#include <utility>

#include "agent/io/op.h"

namespace tidemark {
namespace {
constexpr size_t kHugePageBytes = size_t{2} << 20;
}  // namespace

PooledBuffer& PooledBuffer::operator=(PooledBuffer&& other) noexcept {
  if (this != &other) {
    Release();
    pool_ = std::exchange(other.pool_, nullptr);
    memory_ = other.memory_;
  }
  return *this;
}

void PooledBuffer::Release() {
  BufferPool* pool = std::exchange(pool_, nullptr);
  if (pool == nullptr) return;
  pool->free_.push_back(memory_.data());
  memory_ = {};
  pool->line_.WakeFirst();
}

BufferPool::BufferPool(Io* io, size_t buffers, size_t buffer_bytes)
    : io_(io), buffers_(buffers), buffer_bytes_(buffer_bytes), line_(io) {
  assert(buffers > 0 && buffer_bytes > 0);
  const size_t stride = (buffer_bytes + kDirectIoBytes - 1) / kDirectIoBytes * kDirectIoBytes;
  const size_t bytes = stride * buffers;
  void* mapped = mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  assert(mapped != MAP_FAILED);
  // Touched, pinned and walked in pieces of megabytes: fewer page faults and table entries. Where
  // the system forbids it, small pages serve.
  if (buffer_bytes >= kHugePageBytes) madvise(mapped, bytes, MADV_HUGEPAGE);
  memory_ = {static_cast<std::byte*>(mapped), bytes};
  free_.reserve(buffers);
  // The lowest address is handed out first.
  for (size_t i = buffers; i > 0; --i) free_.push_back(memory_.data() + (i - 1) * stride);
}

BufferPool::~BufferPool() {
  assert(free_.size() == buffers_);
  io_->ForgetMemory(memory_);
  munmap(memory_.data(), memory_.size());
}

Task<PooledBuffer> BufferPool::Acquire() {
  Line::Place place(&line_);
  while (!place.first() || free_.empty()) co_await place.Wait();
  co_return TakeFree();
}

PooledBuffer BufferPool::TryAcquire() {
  if (free_.empty() || !line_.empty()) return PooledBuffer();
  return TakeFree();
}

PooledBuffer BufferPool::TakeFree() {
  std::byte* memory = free_.back();
  free_.pop_back();
  return PooledBuffer(this, MutableByteSpan(memory, buffer_bytes_));
}

}  // namespace tidemark
