// Io on Linux io_uring: liburing stays inside uring_*.cc.
//
// Create it on the thread that will call Run: the ring belongs to that thread.
#ifndef TIDEMARK_AGENT_IO_URING_IO_H_
#define TIDEMARK_AGENT_IO_URING_IO_H_

#include <memory>

#include "absl/status/statusor.h"
#include "agent/io/io.h"

namespace tidemark {

class BufferPool;

struct UringOptions {
  uint32_t queue_entries = 1024;
  uint32_t workers = 0;              // 0: one per core, at least 2
  bool deferred_completions = true;  // false: as on kernels before 6.1, for tests
};

class UringIo : public Io {
 public:
  // kFailedPrecondition when io_uring is forbidden or too old, with what to change (sysctl
  // kernel.io_uring_disabled, seccomp of a container, memlock).
  static absl::StatusOr<std::unique_ptr<UringIo>> Create(const UringOptions& options);
  // Registers the pool's memory, so that reads and writes of its buffers skip pinning. False where
  // the memlock limit forbids it: everything still works.
  virtual bool RegisterPool(BufferPool* pool) = 0;
  // Blocks SIGTERM, SIGINT and SIGHUP for this thread and those it starts later, and gives a
  // descriptor: a Read of 128 bytes (a signalfd_siginfo, kNoOffset) ends at the first signal. Call
  // it before other libraries start threads. Owned by the UringIo.
  virtual Fd SignalDescriptor() = 0;
  // What the kernel offers, for `tidemark doctor`.
  virtual std::string Describe() const = 0;
};

}  // namespace tidemark
#endif  // TIDEMARK_AGENT_IO_URING_IO_H_
