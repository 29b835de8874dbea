// The waist: the one door to files, sockets, time, entropy and worker threads.
//
// UringIo is the kernel's; SimIo (tests/sim) is a seeded world. tests/io/conformance_test.cc
// runs on both: the simulator may not be kinder than the kernel.
//
// One thread calls everything here. Coroutines are only ever resumed from Run, in the order in
// which they became ready: never inside Submit, never inside another coroutine. An Io is made
// before, and dies after, all coroutines, pools and events that use it.
#ifndef TIDEMARK_AGENT_IO_IO_H_
#define TIDEMARK_AGENT_IO_IO_H_

#include <coroutine>
#include <deque>
#include <span>
#include <string>
#include <vector>

#include "absl/time/time.h"
#include "agent/io/op.h"
#include "crypto/bytes.h"

namespace tidemark {

class Io : public EntropySource {
 public:
  ~Io() override = default;

  // Starts an operation. The Op must stay where it is until its coroutine is resumed.
  virtual void Submit(Op* op) = 0;
  // Asks a submitted Op to end early with -ECANCELED; it may still end normally. Its coroutine is
  // resumed either way. A compute that has started runs to its end.
  virtual void Cancel(Op* op) = 0;
  // An Op that was submitted with `held_by` set dies before its result: see Op::held_by.
  virtual void Forget(Op*) {}
  // Wall clock (may jump) and monotonic time since some start (never jumps).
  virtual absl::Time Now() const = 0;
  virtual absl::Duration Monotonic() const = 0;

  // Runs ready coroutines and completions until Stop, or until nothing is left that could make
  // one ready. May be called again; a Stop from before does not count.
  void Run();
  void Stop() { stopped_ = true; }
  bool stopped() const { return stopped_; }
  // Makes a coroutine run in its turn. Called by Ops, Tasks and events.
  void Ready(std::coroutine_handle<> handle) { ready_.push_back(handle); }
  // Takes back what Ready promised to a coroutine that is destroyed before its end.
  void Unready(std::coroutine_handle<> handle) { std::erase(ready_, handle); }

  // How often, and for how long at most, the loop thread was away for more than 20 ms between
  // two looks at the world: a stall delays acks and heartbeats. Always 0 in the simulator.
  uint64_t stalls() const { return stalls_; }
  absl::Duration longest_stall() const { return longest_stall_; }

  // What each does and gives: see Op::Kind. Paths are absolute; memory must outlive the Op.
  Op Open(std::string path, uint32_t flags);
  Op Close(Fd fd);
  Op Read(Fd fd, MutableByteSpan into, uint64_t offset);
  Op Write(Fd fd, ByteSpan from, uint64_t offset);
  Op Sync(Fd fd);
  Op SyncDirectory(std::string path);
  Op Allocate(Fd fd, uint64_t offset, uint64_t length);
  Op Punch(Fd fd, uint64_t offset, uint64_t length);
  Op Truncate(Fd fd, uint64_t length);
  Op Rename(std::string from, std::string to);
  Op RenameNew(std::string from, std::string to);
  Op Unlink(std::string path);
  Op MakeDirectory(std::string path);
  Op List(std::string path, std::vector<DirectoryEntry>* entries);
  Op Stat(std::string path, FileStat* stat);
  Op Stat(Fd fd, FileStat* stat);
  Op NextData(Fd fd, uint64_t offset, uint64_t* begin, uint64_t* end);
  Op Lock(Fd fd);
  // `unix_mode`: who may connect to a unix socket; set before the first connection can succeed.
  Op Listen(std::string address, uint32_t unix_mode = 0600);
  Op Accept(Fd fd);
  Op Connect(std::string address);
  Op Send(Fd fd, ByteSpan from);
  Op SendMany(Fd fd, std::span<const Piece> from);  // one after another; at most kPiecesMax
  Op Recv(Fd fd, MutableByteSpan into);
  Op RecvWithFd(Fd fd, MutableByteSpan into, Fd* passed);
  Op Shutdown(Fd fd);
  Op Sleep(absl::Duration duration);
  // On a worker thread; in the simulator inline at a seeded time. `context` must outlive the Op.
  Op Compute(void (*work)(void*), void* context);

  // The port that a listening socket was given ("127.0.0.1:0"); 0 for unix sockets. Not an Op: it
  // never blocks.
  virtual uint16_t BoundPort(Fd listening) const = 0;
  // A BufferPool says that its memory goes away: an Io that registered it lets go of it.
  virtual void ForgetMemory(MutableByteSpan) {}

 protected:
  // Posts the waiters of completed Ops to Ready. Waits for a completion when it may and nothing
  // is ready. False when nothing is outstanding and nothing was posted.
  virtual bool Poll(bool may_wait) = 0;
  bool has_ready() const { return !ready_.empty(); }
  void NoteAway(absl::Duration away);

 private:
  Op Make(Op::Kind kind, Fd fd);
  Op Memory(Op::Kind kind, Fd fd, const std::byte* memory, uint64_t length, uint64_t offset);
  Op Path(Op::Kind kind, std::string path);

  std::deque<std::coroutine_handle<>> ready_;
  bool stopped_ = false;
  uint64_t stalls_ = 0;
  absl::Duration longest_stall_;
};

inline void Op::await_suspend(std::coroutine_handle<> handle) {
  waiter = handle;
  io->Submit(this);
}

inline Op::~Op() {
  if (held_by != nullptr) held_by->Forget(this);
}

}  // namespace tidemark
#endif  // TIDEMARK_AGENT_IO_IO_H_
