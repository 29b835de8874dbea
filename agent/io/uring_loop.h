// The inside of UringIo, for its own .cc files only.
//
// Submit only notes an Op; Poll turns what was noted into one batch for the kernel and waits. Each
// outstanding Op has a Slot, the address of what the kernel or a worker may still touch. A Slot
// has at most one thing under way (a ring entry or a worker's job), so one completion ends it.
#ifndef TIDEMARK_AGENT_IO_URING_LOOP_H_
#define TIDEMARK_AGENT_IO_URING_LOOP_H_

#include <errno.h>
#include <liburing.h>
#include <sys/socket.h>

#include <deque>
#include <memory>
#include <string>
#include <vector>

#include "agent/io/uring_io.h"
#include "agent/io/workers.h"

namespace tidemark {

// Ring entries that belong to no Op: results nobody waits for, and the workers' wake-up.
inline constexpr uint64_t kNobodysToken = 0;
inline constexpr uint64_t kWakeToken = 1;

struct SocketAddress {
  sockaddr_storage storage{};
  socklen_t length = 0;
};

// A kConnect under way: the addresses of the name that are still to be tried, the next one last.
struct ConnectState {
  std::vector<SocketAddress> addresses;
  Fd socket = -1;
  int32_t error = -EHOSTUNREACH;
};

// A kRecvWithFd under way.
struct MessageState {
  msghdr header{};
  iovec memory{};
  alignas(cmsghdr) char control[CMSG_SPACE(sizeof(int) * 4)];
};

struct Slot : WorkerJob {
  enum Stage : uint8_t {
    kFree,
    kNoted,     // waits for the next Poll
    kInRing,    // the kernel has it
    kPolling,   // the kernel tells when its non-blocking descriptor is worth another try
    kOnWorker,  // a worker has it
  };
  Op* op = nullptr;
  uint32_t index = 0;
  uint32_t generation = 0;
  Stage stage = kFree;
  bool wants_poll = false;
  bool cancelled = false;
  bool forgotten = false;  // nobody waits any more: give back what it obtained, resume nothing
  __kernel_timespec time{};
  std::unique_ptr<ConnectState> connect;
  std::unique_ptr<MessageState> message;
};

// uring_blocking.cc: the calls that io_uring lacks. They run on a worker and give Op results.
int32_t RunBlocking(const Op& op);
// Turns "host:port" or "unix:/path" into addresses; may ask a name server.
int32_t ResolveAddress(const std::string& address, std::vector<SocketAddress>* found);

// Descriptors are not kept in a fixed file table: measured, that saves 50 ns of the 450 ns of a
// cached 4 KiB read, and a slot that outlives its close would keep locks and connections alive.
class UringLoop final : public UringIo {
 public:
  explicit UringLoop(const UringOptions& options);
  ~UringLoop() override;
  absl::Status Start();

  void Submit(Op* op) override;
  void Cancel(Op* op) override;
  absl::Time Now() const override;
  absl::Duration Monotonic() const override;
  void Fill(MutableByteSpan out) override;
  uint16_t BoundPort(Fd listening) const override;
  void ForgetMemory(MutableByteSpan memory) override;
  bool RegisterPool(BufferPool* pool) override;
  Fd SignalDescriptor() override;
  std::string Describe() const override;
  void Forget(Op* op) override;

 protected:
  bool Poll(bool may_wait) override;

 private:
  struct Registered {
    std::byte* begin = nullptr;
    uint64_t length = 0;
  };

  // uring_io.cc
  int StartRing();
  absl::Status CheckOperations();

  // uring_submit.cc
  void FlushNoted();
  void Note(Slot* slot);
  void Begin(Slot* slot);
  void EndEarly(Slot* slot);
  void BeginInRing(Slot* slot);
  void Prepare(Slot* slot, io_uring_sqe* sqe);
  void PrepareTransfer(Slot* slot, io_uring_sqe* sqe);
  void PrepareName(Slot* slot, io_uring_sqe* sqe);
  void PrepareGather(Slot* slot, io_uring_sqe* sqe);
  void PrepareMessage(Slot* slot, io_uring_sqe* sqe);
  void ArmWake();
  io_uring_sqe* NextEntry();
  int RegisteredIndex(const Op& op) const;

  // uring_complete.cc
  void Enter(bool wait);
  void WaitBriefly();
  void Reap();
  void BeginConnect(Slot* slot);
  void CompleteInRing(Slot* slot, int32_t result);
  void CompleteOnWorker(Slot* slot);
  void Resume(Slot* slot, int32_t result);
  void Release(Slot* slot);
  Slot* Find(uint64_t token);

  const UringOptions options_;
  io_uring ring_{};
  bool ring_open_ = false;
  uint32_t setup_flags_ = 0;
  uint32_t workers_count_ = 0;
  Fd wake_ = -1, signals_ = -1;
  uint64_t wake_count_ = 0;
  bool wake_armed_ = false;

  std::deque<Slot> slots_;
  std::vector<Slot*> free_slots_;
  std::deque<Slot*> noted_;
  std::vector<uint64_t> cancels_;
  size_t outstanding_ = 0;  // slots that are not free
  size_t on_worker_ = 0;    // of these, those that a worker has
  std::vector<Registered> registered_;
  std::unique_ptr<Workers> workers_;
  std::vector<WorkerJob*> done_;
};

}  // namespace tidemark
#endif  // TIDEMARK_AGENT_IO_URING_LOOP_H_
