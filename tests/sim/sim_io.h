// Io on a simulated world: one process. Made by SimWorld; see sim_world.h.
//
// Every operation is an event at a seeded time after its Submit; it takes effect at that event,
// not before, and parks where it cannot go on. Memory given to Write and Send is digested at
// submit and must not change until the operation ends: the process aborts with a message if so.
#ifndef TIDEMARK_TESTS_SIM_SIM_IO_H_
#define TIDEMARK_TESTS_SIM_SIM_IO_H_

#include <memory>
#include <string>
#include <vector>

#include "agent/io/io.h"
#include "tests/sim/sim_disk.h"
#include "tests/sim/sim_net.h"
#include "tests/sim/sim_random.h"

namespace tidemark {

class SimWorld;

// Makes operations fail exactly: of those of a kind (on a path that contains `path_part`), lets
// `skip` pass, then fails `count` with `result`. A failed Sync loses what was pending.
struct SimInjection {
  Op::Kind kind = Op::Kind::kNone;
  int32_t result = -5;
  uint64_t skip = 0, count = 1;
  std::string path_part;
};

class SimIo final : public Io {
 public:
  SimIo(SimWorld* world, int node, uint32_t index, uint64_t seed, uint64_t entropy_seed);

  void Submit(Op* op) override;
  void Cancel(Op* op) override;
  void Forget(Op* op) override;
  absl::Time Now() const override;
  absl::Duration Monotonic() const override;
  void Fill(MutableByteSpan out) override;
  uint16_t BoundPort(Fd listening) const override;

  // --- for tests
  size_t outstanding() const { return outstanding_; }
  size_t open_descriptors() const;
  void Inject(SimInjection injection) { injections_.push_back(std::move(injection)); }
  // From here on read_flip_ppm holds for it.
  void Serves() { serves_ = true; }
  // The next bytes sent on a unix socket carry this file (sendmsg with SCM_RIGHTS).
  void PassFile(Fd socket, Fd file);

 protected:
  bool Poll(bool may_wait) override;

 private:
  friend class SimWorld;
  friend class SimNet;
  struct File {
    SimInodeRef inode;            // a file, or
    SimNet::SocketId socket = 0;  // a socket
    uint32_t flags = 0;
    uint32_t references = 0;  // the descriptor and the operations that use it
    uint64_t position = 0, lock = 0;
    std::string path;
  };
  struct Slot {
    Op* op = nullptr;
    uint32_t generation = 0;
    bool canceled = false;
    int32_t injected = 0;
    uint32_t file = 0;  // 0: none
    uint64_t digest = 0, mark = 0;
    int64_t deadline = 0;
  };

  // The world's side.
  void OnEvent(uint64_t token);
  bool Waits(uint64_t token) const { return FindSlot(token) != nullptr; }
  bool CanRun() const { return !in_own_run_ && !stopped() && has_ready(); }
  void RunWhatIsReady();
  void Abandon(bool power, bool silent);

  Slot* FindSlot(uint64_t token) const;
  uint64_t TokenOf(const Slot& slot) const;
  void Complete(Slot* slot, int32_t result);
  void Drop(Slot* slot);
  void MayReachTheDisk(Slot* slot);
  void CheckMemory(const Slot& slot) const;
  int64_t StartTime(const Op& op);
  int64_t DiskTime(uint64_t us_min, uint64_t us_max, uint64_t bytes);
  int64_t SleepUntil(absl::Duration duration) const;
  int32_t InjectedResult(const Op& op, uint32_t file);

  int32_t Attempt(Slot* slot);
  int32_t AttemptDisk(Slot* slot);
  int32_t AttemptTransfer(Slot* slot);
  int32_t ReadFile(const Op& op, File* file);
  int32_t WriteFile(const Op& op, File* file);
  int32_t SyncFile(const Slot& slot, File* file);
  int32_t OpenFile(const Op& op);
  int32_t LockFile(File* file);
  bool DiskFails(uint32_t per_million);
  int32_t AttemptSocket(Slot* slot);
  int32_t AttemptConnect(Slot* slot);
  int32_t SendGathered(const Op& op, const File* file, SimWaiter waiter);
  int32_t ReceiveWithFile(const Op& op, File* file, SimWaiter waiter);
  uint64_t Shorten(uint64_t length, bool direct);
  bool IsDiskOp(const Op& op) const;

  bool DescriptorsUsedUp() const;
  Fd AddDescriptor(std::unique_ptr<File> file);
  int32_t CloseDescriptor(Fd fd);
  uint32_t FileOf(Fd fd) const;
  File* Get(uint32_t file) const { return files_[file].get(); }
  void Release(uint32_t file);
  SimDisk* disk() const;

  SimWorld* world_;
  int node_;
  uint32_t index_;
  SimRandom random_, entropy_;
  bool driven_ = false, in_own_run_ = false, dead_ = false, serves_ = false;
  mutable std::vector<Slot> slots_;
  std::vector<uint32_t> free_slots_;
  size_t outstanding_ = 0;
  std::vector<uint32_t> descriptors_;  // Fd -> file, 0: free
  std::vector<std::unique_ptr<File>> files_;
  std::vector<uint32_t> free_files_;
  std::vector<SimInjection> injections_;
};

}  // namespace tidemark
#endif  // TIDEMARK_TESTS_SIM_SIM_IO_H_
