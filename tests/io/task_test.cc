// Goal: Task keeps what it holds exactly as long as it should, and no chain of awaits grows the
// stack. Method: an Io without a world, objects that count themselves.
#include "agent/io/task.h"

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

#include "agent/io/sync.h"

namespace tidemark {
namespace {

// Only the ready queue: nothing ever completes.
class BareIo : public Io {
 public:
  void Submit(Op*) override { FAIL() << "no world here"; }
  void Cancel(Op*) override {}
  absl::Time Now() const override { return absl::UnixEpoch(); }
  absl::Duration Monotonic() const override { return now; }
  void Fill(MutableByteSpan) override {}
  uint16_t BoundPort(Fd) const override { return 0; }

  absl::Duration now;

 protected:
  bool Poll(bool) override { return has_ready(); }
};

struct Counted {
  explicit Counted(int* count) : live(count) { ++*live; }
  Counted(const Counted& other) : live(other.live) { ++*live; }
  Counted(Counted&& other) noexcept : live(other.live) { ++*live; }
  ~Counted() { --*live; }
  int* live;
};

Task<> WaitsForEver(Io*, Event* event, Counted argument) {
  Counted local(argument.live);
  std::string on_the_heap(1000, 'x');
  co_await event->Wait();
  EXPECT_EQ(on_the_heap.size(), 1000u);
}

Task<> WaitsForTheOther(Io* io, Event* event, Counted argument) {
  Counted local(argument.live);
  co_await WaitsForEver(io, event, local);
}

TEST(Tasks, DestroyingASuspendedOneFreesWhatItHolds) {
  BareIo io;
  Event event(&io);
  int live = 0;
  {
    Task<> waiting = WaitsForTheOther(&io, &event, Counted(&live));
    waiting.Start();
    io.Run();
    EXPECT_TRUE(event.has_waiters());
    EXPECT_GE(live, 4);
  }
  EXPECT_EQ(live, 0);
  EXPECT_FALSE(event.has_waiters()) << "the waiter took itself off the list";
}

TEST(Tasks, DestroyingOneThatNeverStartedFreesItsArguments) {
  BareIo io;
  Event event(&io);
  int live = 0;
  {
    Task<> idle = WaitsForEver(&io, &event, Counted(&live));
    EXPECT_EQ(live, 1) << "lazy: the body has not begun";
  }
  EXPECT_EQ(live, 0);
}

TEST(Tasks, AGroupThatDiesDestroysItsTasksWhereTheyStand) {
  BareIo io;
  Event event(&io);
  int live = 0;
  {
    TaskGroup group(&io);
    for (int i = 0; i < 5; ++i) group.Spawn(WaitsForEver(&io, &event, Counted(&live)));
    io.Run();
    EXPECT_EQ(group.running(), 5u);
    EXPECT_EQ(live, 10);
  }
  EXPECT_EQ(live, 0);
}

TEST(Tasks, OneThatIsAboutToRunMayBeDestroyed) {
  BareIo io;
  Event event(&io);
  int live = 0;
  std::optional<Task<>> started(WaitsForEver(&io, &event, Counted(&live)));
  std::optional<Task<>> woken(WaitsForTheOther(&io, &event, Counted(&live)));
  woken->Start();
  io.Run();
  event.WakeAll();
  started->Start();
  started.reset();
  woken.reset();
  io.Run();
  EXPECT_EQ(live, 0);
}

Task<int> Gives(Io*, int number) { co_return number; }

Task<int64_t> AddsAMillion(Io* io) {
  int64_t total = 0;
  for (int i = 0; i < 1'000'000; ++i) {
    const int got = co_await Gives(io, i);
    total += got;
  }
  co_return total;
}

TEST(Tasks, AMillionAwaitsDoNotGrowTheStack) {
  BareIo io;
  Task<int64_t> sum = AddsAMillion(&io);
  sum.Start();
  io.Run();
  ASSERT_TRUE(sum.done());
  EXPECT_EQ(sum.result(), int64_t{999'999} * 1'000'000 / 2);
}

Task<int64_t> AwaitsAMillionFinished(Io* io) {
  int64_t total = 0;
  for (int i = 0; i < 1'000'000; ++i) {
    Task<int> child = Gives(io, 1);
    child.Start();
    Task<int> other = Gives(io, 1);
    const int second = co_await other;  // by now the first has finished
    EXPECT_TRUE(child.done());
    const int first = co_await child;
    total += first + second;
  }
  co_return total;
}

TEST(Tasks, AwaitingFinishedOnesDoesNotGrowTheStack) {
  BareIo io;
  Task<int64_t> sum = AwaitsAMillionFinished(&io);
  sum.Start();
  io.Run();
  ASSERT_TRUE(sum.done());
  EXPECT_EQ(sum.result(), 2'000'000);
}

Task<std::unique_ptr<int>> GivesAPointer(Io*) { co_return std::make_unique<int>(7); }

Task<> TakesAPointer(Io* io, int* seen) {
  std::unique_ptr<int> pointer = co_await GivesAPointer(io);
  *seen = *pointer;
}

TEST(Tasks, ResultsMayBeMoveOnly) {
  BareIo io;
  int seen = 0;
  Task<> taking = TakesAPointer(&io, &seen);
  taking.Start();
  EXPECT_FALSE(taking.done());
  io.Run();
  EXPECT_TRUE(taking.done());
  EXPECT_EQ(seen, 7);
}

class Owner {
 public:
  Owner(Io* io, int number) : io_(io), number_(number) {}
  Io* io() const { return io_; }
  Task<int> Number() { co_return number_; }

 private:
  Io* io_;
  int number_;
};

TEST(Tasks, AMemberFindsTheQueueThroughItsObject) {
  BareIo io;
  Owner owner(&io, 5);
  Task<int> number = owner.Number();
  number.Start();
  io.Run();
  EXPECT_EQ(number.result(), 5);
}

TEST(Tasks, AssigningDestroysTheFormerOne) {
  BareIo io;
  Event event(&io);
  int live = 0;
  Task<> task = WaitsForEver(&io, &event, Counted(&live));
  task.Start();
  io.Run();
  EXPECT_EQ(live, 2);
  task = WaitsForEver(&io, &event, Counted(&live));
  EXPECT_EQ(live, 1);
}

Task<> TakesTime(Io*, BareIo* io, absl::Duration how_long) {
  io->now += how_long;
  co_return;
}

TEST(Loop, CountsStallsOfMoreThanTwentyMilliseconds) {
  BareIo io;
  for (const int milliseconds : {1, 20, 50, 21}) {
    Task<> task = TakesTime(&io, &io, absl::Milliseconds(milliseconds));
    task.Start();
    io.Run();
  }
  EXPECT_EQ(io.stalls(), 2u);
  EXPECT_EQ(io.longest_stall(), absl::Milliseconds(50));
}

}  // namespace
}  // namespace tidemark
