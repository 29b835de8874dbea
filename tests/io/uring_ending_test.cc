// Goal: nothing outlives its memory. An Op may die while the kernel or a worker still has it, and
// so may the whole UringIo. Also: what Create says where io_uring is forbidden.
#include <errno.h>
#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <condition_variable>
#include <mutex>
#include <optional>
#include <thread>
#include <vector>

#include "agent/io/sync.h"
#include "agent/io/uring_io.h"
#include "tests/io/story.h"
#include "tests/io/uring_world.h"

namespace tidemark {
namespace {

Task<> NapsAndStops(Io* io) {
  Op sleep = io->Sleep(absl::Milliseconds(5));
  co_await sleep;
  io->Stop();
}

Task<> SleepsLong(Io* io) {
  Op sleep = io->Sleep(absl::Hours(1));
  co_await sleep;
  ADD_FAILURE() << "resumed after its end";
}

Task<> ReceivesForEver(Io* io, Fd fd) {
  std::byte memory[4096];
  const MutableByteSpan into(memory);
  Op recv = io->Recv(fd, into);
  co_await recv;
  ADD_FAILURE() << "resumed after its end";
}

Task<> AcceptsForEver(Io* io, std::string address) {
  Op listen = io->Listen(address);
  const Fd listening = co_await listen;
  Op accept = io->Accept(listening);
  co_await accept;
  ADD_FAILURE() << "resumed after its end";
}

// Work that holds its worker until it is let go.
struct Gate {
  std::mutex mutex;
  std::condition_variable changed;
  bool open = false;
  int entered = 0;
  int left = 0;
};

void PassGate(void* context) {
  Gate* gate = static_cast<Gate*>(context);
  std::unique_lock<std::mutex> lock(gate->mutex);
  ++gate->entered;
  gate->changed.notify_all();
  gate->changed.wait(lock, [gate] { return gate->open; });
  ++gate->left;
}

void OpenGate(Gate* gate) {
  std::lock_guard<std::mutex> lock(gate->mutex);
  gate->open = true;
  gate->changed.notify_all();
}

Task<> Computes(Io* io, Gate* gate, int32_t* result) {
  Op compute = io->Compute(&PassGate, gate);
  const int32_t ended = co_await compute;
  *result = ended;
}

TEST(UringEnding, TasksMayDieWhileTheKernelHasTheirOps) {
  UringWorld world;
  Fd ends[2];
  ASSERT_EQ(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), 0);
  {
    TaskGroup group(world.io);
    group.Spawn(SleepsLong(world.io));
    group.Spawn(ReceivesForEver(world.io, ends[0]));
    group.Spawn(AcceptsForEver(world.io, "127.0.0.1:0"));
    group.Spawn(NapsAndStops(world.io));
    world.io->Run();
  }
  // What comes now finds nobody's memory, and the loop has nothing left to wait for.
  EXPECT_EQ(write(ends[1], "late", 4), 4);
  world.io->Run();
  EXPECT_FALSE(world.io->stopped());
  close(ends[0]);
  close(ends[1]);
}

TEST(UringEnding, TheLoopMayDieBeforeItsOps) {
  std::optional<UringWorld> world(std::in_place);
  Fd ends[2];
  ASSERT_EQ(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), 0);
  std::byte memory[16];
  Op recv = world->io->Recv(ends[0], memory);
  Op sleep = world->io->Sleep(absl::Hours(1));
  Gate gate;
  gate.open = true;
  Op compute = world->io->Compute(&PassGate, &gate);
  for (Op* op : {&recv, &sleep, &compute}) {
    op->waiter = std::noop_coroutine();
    world->io->Submit(op);
  }
  Finish(world->io, NapsAndStops(world->io));
  world.reset();
  EXPECT_EQ(recv.result, -ECANCELED);
  EXPECT_EQ(sleep.result, -ECANCELED);
  EXPECT_EQ(compute.held_by, nullptr);
  EXPECT_EQ(recv.held_by, nullptr);
  close(ends[0]);
  close(ends[1]);
}

TEST(UringEnding, DestructionWaitsForAComputeThatRuns) {
  UringOptions options;
  options.workers = 1;
  UringWorld world(options);
  Gate gate;
  int32_t results[3] = {99, 99, 99};
  std::thread opener;
  {
    TaskGroup group(world.io);
    for (int32_t& result : results) group.Spawn(Computes(world.io, &gate, &result));
    group.Spawn(NapsAndStops(world.io));
    world.io->Run();
    {
      std::unique_lock<std::mutex> lock(gate.mutex);
      gate.changed.wait(lock, [&gate] { return gate.entered == 1; });
    }
    opener = std::thread(OpenGate, &gate);
  }
  const int entered = gate.entered;
  const int left = gate.left;
  opener.join();
  EXPECT_EQ(entered, left) << "none is inside any more";
  world.io->Run();
  for (const int32_t result : results) EXPECT_EQ(result, 99) << "nobody is resumed";
}

Task<> CancelsWhenOneRuns(Io* io, Gate* gate, Op* running, Op* waiting) {
  // Another compute cannot be used to wait: the only worker is taken.
  while (true) {
    Op sleep = io->Sleep(absl::Milliseconds(1));
    co_await sleep;
    std::lock_guard<std::mutex> lock(gate->mutex);
    if (gate->entered == 1) break;
  }
  io->Cancel(waiting);
  io->Cancel(running);
  OpenGate(gate);
}

Task<> AwaitsOp(Io*, Op* op, int32_t* result) {
  const int32_t ended = co_await *op;
  *result = ended;
}

TEST(UringEnding, OnlyAComputeThatHasNotStartedIsCancelled) {
  UringOptions options;
  options.workers = 1;
  UringWorld world(options);
  Gate gate;
  Op running = world.io->Compute(&PassGate, &gate);
  Op waiting = world.io->Compute(&PassGate, &gate);
  int32_t first = 99;
  int32_t second = 99;
  TaskGroup group(world.io);
  group.Spawn(AwaitsOp(world.io, &running, &first));
  group.Spawn(AwaitsOp(world.io, &waiting, &second));
  group.Spawn(CancelsWhenOneRuns(world.io, &gate, &running, &waiting));
  world.io->Run();
  EXPECT_EQ(first, 0);
  EXPECT_EQ(second, -ECANCELED);
  EXPECT_EQ(gate.left, 1);
}

// Makes io_uring_setup fail in this process, as a container's profile does.
bool ForbidIoUring(int error) {
  sock_filter program[] = {
      BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, nr)),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, __NR_io_uring_setup, 0, 1),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | static_cast<uint32_t>(error)),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
  };
  sock_fprog filter{static_cast<unsigned short>(std::size(program)), program};
  return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 &&
         prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &filter) == 0;
}

// What Create says in a child process where io_uring_setup gives `error`.
std::string CreateMessage(int error) {
  Fd ends[2];
  EXPECT_EQ(pipe2(ends, O_CLOEXEC), 0);
  const pid_t child = fork();
  if (child == 0) {
    std::string text = "no seccomp here";
    if (ForbidIoUring(error)) {
      const absl::StatusOr<std::unique_ptr<UringIo>> made = UringIo::Create({});
      text = made.status().ToString();
    }
    const ssize_t written = write(ends[1], text.data(), text.size());
    _exit(written == static_cast<ssize_t>(text.size()) ? 0 : 1);
  }
  close(ends[1]);
  char text[2048];
  const ssize_t got = read(ends[0], text, sizeof(text));
  close(ends[0]);
  int status = 0;
  waitpid(child, &status, 0);
  EXPECT_EQ(status, 0);
  return std::string(text, got > 0 ? static_cast<size_t>(got) : 0);
}

TEST(UringEnding, AForbiddenIoUringIsExplained) {
  using testing::HasSubstr;
  const std::string forbidden = CreateMessage(EPERM);
  if (forbidden == "no seccomp here") GTEST_SKIP() << forbidden;
  EXPECT_THAT(forbidden, HasSubstr("FAILED_PRECONDITION"));
  EXPECT_THAT(forbidden, HasSubstr("kernel.io_uring_disabled"));
  EXPECT_THAT(forbidden, HasSubstr("seccomp"));
  const std::string missing = CreateMessage(ENOSYS);
  EXPECT_THAT(missing, HasSubstr("Linux 6.1"));
  EXPECT_THAT(missing, HasSubstr("seccomp"));
  EXPECT_THAT(CreateMessage(ENOMEM), HasSubstr("memlock"));
}

}  // namespace
}  // namespace tidemark
