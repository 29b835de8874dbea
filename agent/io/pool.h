// Fixed memory, taken at start, handed out buffer by buffer. Waiting for a pool is the only
// backpressure there is (law 9).
#ifndef TIDEMARK_AGENT_IO_POOL_H_
#define TIDEMARK_AGENT_IO_POOL_H_

#include <memory>
#include <vector>

#include "agent/io/sync.h"

namespace tidemark {

class BufferPool;

// One buffer of a pool, given back when it dies. Memory is aligned to 4096 bytes, for direct I/O.
class PooledBuffer {
 public:
  PooledBuffer() = default;
  PooledBuffer(PooledBuffer&& other) noexcept
      : pool_(std::exchange(other.pool_, nullptr)), memory_(other.memory_) {}
  PooledBuffer& operator=(PooledBuffer&& other) noexcept;
  ~PooledBuffer() { Release(); }
  MutableByteSpan span() const { return memory_; }
  explicit operator bool() const { return pool_ != nullptr; }
  void Release();

 private:
  friend class BufferPool;
  PooledBuffer(BufferPool* pool, MutableByteSpan memory) : pool_(pool), memory_(memory) {}
  BufferPool* pool_ = nullptr;
  MutableByteSpan memory_;
};

// Outlives its buffers. Memory is mapped at construction and, where the memlock limit allows,
// registered with the ring by UringIo::RegisterPool.
class BufferPool {
 public:
  BufferPool(Io* io, size_t buffers, size_t buffer_bytes);
  ~BufferPool();
  Io* io() const { return io_; }
  Task<PooledBuffer> Acquire();  // first come, first served
  PooledBuffer TryAcquire();     // empty when none is free or somebody waits
  size_t free_buffers() const { return free_.size(); }
  size_t buffers() const { return buffers_; }
  size_t buffer_bytes() const { return buffer_bytes_; }
  MutableByteSpan memory() const { return memory_; }

 private:
  friend class PooledBuffer;
  PooledBuffer TakeFree();
  Io* io_;
  size_t buffers_, buffer_bytes_;
  MutableByteSpan memory_;
  std::vector<std::byte*> free_;
  Line line_;
};

}  // namespace tidemark
#endif  // TIDEMARK_AGENT_IO_POOL_H_
