// Goal: one seed is one history; crashes, clocks, entropy and injected faults do what they say.
// Method: a small service (records in, flushed, acknowledged) on simulated nodes.
#include "tests/sim/sim_world.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cerrno>
#include <optional>
#include <set>
#include <sstream>

#include "agent/io/sync.h"
#include "agent/io/transfer.h"

namespace tidemark {
namespace {

// Whole sectors: a record that shares a sector with the next one is lost when that one is torn.
constexpr size_t kRecordBytes = 1024;

// Appends each record it receives to /log, flushes and answers one byte. `flushes` off: the bug
// that the simulator is there to find.
struct Store {
  Store(SimIo* on, bool with_flush) : io_(on), flushes(with_flush), group(on) {
    group.Spawn(Serve());
  }
  Io* io() const { return io_; }
  Task<> Serve() {
    std::string path = "/log";
    Op open = io_->Open(path, kOpenRead | kOpenWrite | kOpenCreate);
    file = co_await open;
    Op sync = io_->SyncDirectory("/");
    const int32_t synced = co_await sync;
    FileStat stat;
    Op look = io_->Stat(file, &stat);
    const int32_t looked = co_await look;
    if (file < 0 || synced < 0 || looked < 0) co_return;
    offset = stat.size / kRecordBytes * kRecordBytes;
    std::string address = "0.0.0.0:7000";
    Op listen = io_->Listen(address);
    const Fd listening = co_await listen;
    while (true) {
      Op accept = io_->Accept(listening);
      const Fd socket = co_await accept;
      if (socket < 0) co_return;
      group.Spawn(ServeOne(socket));
    }
  }
  Task<> ServeOne(Fd socket) {
    std::array<std::byte, kRecordBytes> record;
    const MutableByteSpan into(record);
    const ByteSpan from(record);
    while (!failed) {
      absl::Status status = co_await RecvFully(io_, socket, into);
      if (!status.ok()) break;
      const uint64_t at = offset;
      offset += kRecordBytes;
      status = co_await WriteFully(io_, file, from, at);
      failed = failed || !status.ok();
      if (failed) break;
      if (flushes) {
        Op sync = io_->Sync(file);
        const int32_t synced = co_await sync;
        failed = failed || synced < 0;  // a failed flush is final
        if (failed) break;
      }
      const ByteSpan ack = from.first(1);
      status = co_await SendFully(io_, socket, ack);
      if (!status.ok()) break;
    }
    Op close = io_->Close(socket);
    co_await close;
  }
  Io* io_;
  bool flushes, failed = false;
  Fd file = -1;
  uint64_t offset = 0;
  TaskGroup group;
};

// Sends records 1, 2, 3 ... and counts the acknowledged ones.
struct Producer {
  Producer(SimIo* on, std::string to, int count) : io_(on), address(to), story(Produce(count)) {
    story.Start();
  }
  Io* io() const { return io_; }
  Task<> Produce(int count) {
    Op connect = io_->Connect(address);
    const Fd socket = co_await connect;
    if (socket < 0) co_return;
    std::array<std::byte, kRecordBytes> record;
    const ByteSpan from(record);
    std::byte ack;
    const MutableByteSpan answer(&ack, 1);
    for (int number = 1; number <= count; ++number) {
      record.fill(static_cast<std::byte>(number));
      absl::Status status = co_await SendFully(io_, socket, from);
      if (!status.ok()) co_return;
      status = co_await RecvFully(io_, socket, answer);
      if (!status.ok()) co_return;
      acked = number;
      acked_at = io_->Monotonic();
    }
  }
  Io* io_;
  std::string address;
  int acked = 0;
  absl::Duration acked_at;
  Task<> story;
};

struct History {
  uint64_t trace, events;
  int acked;
  std::string text;
};

History Play(uint64_t seed) {
  SimWorld world(seed, FaultOptions::Draw(seed));
  std::ostringstream text;
  world.TraceTo(&text);
  const int a = world.AddNode("a"), c = world.AddNode("c");
  std::optional<Store> store(std::in_place, world.io(a), true);
  world.RunFor(absl::Seconds(1));
  Producer producer(world.io(c), "a:7000", 50);
  world.Schedule(absl::Milliseconds(20), [&] {
    world.Crash(a);
    store.reset();
  });
  world.Schedule(absl::Milliseconds(40), [&] {
    world.Restart(a);
    store.emplace(world.io(a), true);
  });
  world.RunFor(absl::Seconds(60));
  const int acked = producer.acked;
  world.Kill(a);
  world.Kill(c);
  return {world.trace(), world.events(), acked, text.str()};
}

TEST(SimWorld, OneSeedIsOneHistory) {
  std::set<uint64_t> traces;
  for (uint64_t seed = 0; seed < 50; ++seed) {
    const History first = Play(seed), second = Play(seed);
    EXPECT_EQ(first.trace, second.trace) << seed;
    EXPECT_EQ(first.events, second.events) << seed;
    EXPECT_EQ(first.text, second.text) << seed;
    traces.insert(first.trace);
  }
  EXPECT_EQ(traces.size(), 50u);
}

// Power loss at some instant; what was acknowledged must be on the disk.
int RecordsLost(uint64_t seed, bool flushes) {
  FaultOptions faults;
  faults.torn_garbage_ppm = 100000;
  SimWorld world(seed, faults);
  const int a = world.AddNode("a"), c = world.AddNode("c");
  std::optional<Store> store(std::in_place, world.io(a), flushes);
  world.RunFor(absl::Milliseconds(100));
  Producer producer(world.io(c), "a:7000", 100);
  world.RunFor(absl::Microseconds(world.random()->Below(100000)));
  world.Crash(a);
  store.reset();
  EXPECT_EQ(world.OutstandingOps(a), 0u);
  world.RunFor(absl::Seconds(1));  // acks that were under way may still arrive
  const std::string log = world.disk(a)->ReadFile("/log").value_or("");
  int lost = 0;
  for (int number = 1; number <= producer.acked; ++number) {
    const size_t at = static_cast<size_t>(number - 1) * kRecordBytes;
    const std::string wanted(kRecordBytes, static_cast<char>(number));
    if (log.size() < at + kRecordBytes || log.compare(at, kRecordBytes, wanted) != 0) ++lost;
  }
  world.Kill(c);
  return lost;
}

TEST(SimWorld, FlushedAndAcknowledgedRecordsAreNeverLost) {
  for (uint64_t seed = 0; seed < 1000; ++seed) {
    ASSERT_EQ(RecordsLost(seed, /*flushes=*/true), 0) << "seed " << seed;
  }
}

TEST(SimWorld, AnAckBeforeTheFlushIsFound) {
  int found = 0;
  for (uint64_t seed = 0; seed < 100; ++seed) found += RecordsLost(seed, false) > 0;
  EXPECT_GT(found, 20);
}

TEST(SimWorld, AKillLosesNothingThatWasWritten) {
  for (uint64_t seed = 0; seed < 50; ++seed) {
    SimWorld world(seed);
    const int a = world.AddNode("a"), c = world.AddNode("c");
    std::optional<Store> store(std::in_place, world.io(a), /*flushes=*/false);
    world.RunFor(absl::Milliseconds(100));
    Producer producer(world.io(c), "a:7000", 100);
    world.RunFor(absl::Milliseconds(20));
    world.Kill(a);
    store.reset();
    world.RunFor(absl::Seconds(1));
    ASSERT_GT(producer.acked, 0);
    const std::string log = world.disk(a)->ReadFile("/log").value_or("");
    EXPECT_GE(log.size(), static_cast<size_t>(producer.acked) * kRecordBytes);
    world.Kill(c);
  }
}

absl::Duration LastAckOfA(bool with_w) {
  SimWorld world(5);
  const int a = world.AddNode("a"), c = world.AddNode("c"), w = world.AddNode("w");
  Store store(world.io(a), true), witness(world.io(w), true);
  world.RunFor(absl::Seconds(1));
  Producer producer(world.io(c), "a:7000", 30);
  std::optional<Producer> other;
  if (with_w) other.emplace(world.io(w), "w:7000", 30);
  world.RunFor(absl::Seconds(10));
  EXPECT_EQ(producer.acked, 30);
  EXPECT_EQ(with_w ? other->acked : 30, 30);
  for (const int node : {a, c, w}) world.Kill(node);
  return producer.acked_at;
}

TEST(SimWorld, WhatOneNodeDoesNeverShiftTheChancesOfOthers) {
  EXPECT_EQ(LastAckOfA(false), LastAckOfA(true));
}

Task<> SleepFor(Io* io, absl::Duration duration, absl::Duration* slept) {
  const absl::Duration before = io->Monotonic();
  Op sleep = io->Sleep(duration);
  co_await sleep;
  *slept = io->Monotonic() - before;
}

TEST(SimWorld, ClocksDriftAndJumpButSleepsAreNeverShort) {
  for (uint64_t seed = 0; seed < 20; ++seed) {
    FaultOptions faults;
    faults.clock_drift_ppm_max = 200;
    faults.clock_offset_us_max = 5000000;
    SimWorld world(seed, faults);
    const int a = world.AddNode("a"), b = world.AddNode("b");
    EXPECT_NE(world.io(a)->Now(), world.io(b)->Now());
    absl::Duration slept;
    Task<> sleeping = SleepFor(world.io(a), absl::Seconds(1000), &slept);
    sleeping.Start();
    const absl::Time before = world.io(a)->Now();
    world.Schedule(absl::Seconds(1), [&] { world.JumpClock(a, -absl::Hours(24)); });
    EXPECT_TRUE(world.Run([&] { return sleeping.done(); }));
    EXPECT_GE(slept, absl::Seconds(1000));
    EXPECT_LT(slept, absl::Seconds(1001));
    EXPECT_LT(world.io(a)->Now(), before);
    world.Kill(a);
  }
}

std::string Drawn(SimIo* io) {
  std::array<std::byte, 16> bytes;
  io->Fill(bytes);
  return ToHex(bytes);
}

TEST(SimWorld, EntropyCanBeStuckOrCloned) {
  SimWorld world(1);
  const int a = world.AddNode("a");
  const std::string first = Drawn(world.io(a));
  EXPECT_NE(first, Drawn(world.io(a)));
  world.Kill(a);
  world.Restart(a);
  EXPECT_NE(first, Drawn(world.io(a)));
  world.SetEntropy(a, SimWorld::Entropy::kCloned);
  const std::string cloned = Drawn(world.io(a));
  world.Kill(a);
  world.Restart(a);
  EXPECT_EQ(Drawn(world.io(a)), cloned);
  world.SetEntropy(a, SimWorld::Entropy::kStuck);
  EXPECT_EQ(Drawn(world.io(a)), Drawn(world.io(a)));
}

struct Writer {
  explicit Writer(SimIo* on) : io_(on), story(Write()) { story.Start(); }
  Io* io() const { return io_; }
  Task<> Write() {
    std::string path = "/f";
    Op open = io_->Open(path, kOpenRead | kOpenWrite | kOpenCreate);
    fd = co_await open;
    const ByteSpan from(memory);
    Op write = io_->Write(fd, from, 0);
    submitted = true;
    written = co_await write;
    Op sync = io_->Sync(fd);
    synced = co_await sync;
    Op again = io_->Sync(fd);
    synced_again = co_await again;
  }
  Io* io_;
  std::vector<std::byte> memory = std::vector<std::byte>(20000);
  bool submitted = false;
  Fd fd = -1;
  int32_t written = 99, synced = 99, synced_again = 99;
  Task<> story;
};

TEST(SimWorldDeathTest, MemoryThatChangesUnderAWriteEndsTheTest) {
  testing::FLAGS_gtest_death_test_style = "threadsafe";
  FaultOptions faults;
  faults.short_transfer_ppm = 0;
  SimWorld world(1, faults);
  Writer writer(world.io(world.AddNode("a")));
  ASSERT_TRUE(world.Run([&] { return writer.submitted; }));
  writer.memory.back() = std::byte{1};
  EXPECT_DEATH(world.Run([&] { return writer.story.done(); }), "write .*node a changed");
  writer.memory.back() = std::byte{0};
  EXPECT_TRUE(world.Run([&] { return writer.story.done(); }));
}

TEST(SimWorld, InjectedFailuresHitExactlyWhatTheyName) {
  SimWorld world(1);
  const int a = world.AddNode("a");
  SimInjection injection;
  injection.kind = Op::Kind::kSync;
  injection.result = -ENOSPC;
  injection.path_part = "/f";
  world.io(a)->Inject(injection);
  Writer writer(world.io(a));
  EXPECT_TRUE(world.Run([&] { return writer.story.done(); }));
  EXPECT_GT(writer.written, 0);
  EXPECT_EQ(writer.synced, -ENOSPC);
  EXPECT_EQ(writer.synced_again, 0) << "the lie that nobody may believe";
}

// How big /f is after a write, a flush that said 0, and a power loss.
size_t BytesLeft(uint64_t seed, uint32_t lying_sync_ppm) {
  FaultOptions faults;
  faults.short_transfer_ppm = 0;
  faults.lying_sync_ppm = lying_sync_ppm;
  SimWorld world(seed, faults);
  const int a = world.AddNode("a");
  world.disk(a)->WriteFile("/f", "x");
  Writer writer(world.io(a));
  EXPECT_TRUE(world.Run([&] { return writer.story.done(); }));
  EXPECT_EQ(writer.synced, 0);
  world.Crash(a);
  return world.disk(a)->ReadFile("/f").value_or("").size();
}

TEST(SimWorld, ADiskThatLiesAboutItsFlushLosesFlushedData) {
  int lost = 0;
  for (uint64_t seed = 0; seed < 20; ++seed) {
    EXPECT_EQ(BytesLeft(seed, 0), 20000u);
    lost += BytesLeft(seed, 1000000) != 20000;
  }
  EXPECT_GT(lost, 0);
}

TEST(SimWorld, AMisdirectedWriteLandsElsewhereInItsFile) {
  FaultOptions faults;
  faults.short_transfer_ppm = 0;
  faults.misdirected_write_ppm = 1000000;
  SimWorld world(1, faults);
  const int a = world.AddNode("a");
  world.disk(a)->WriteFile("/f", std::string(1 << 20, 'a'));
  Writer writer(world.io(a));
  EXPECT_TRUE(world.Run([&] { return writer.story.done(); }));
  EXPECT_EQ(writer.written, 20000);
  const std::string content = world.disk(a)->ReadFile("/f").value_or("");
  const size_t zeros = content.find('\0');
  EXPECT_NE(zeros, 0u);
  EXPECT_EQ(content.find('a', zeros), zeros + 20000);
}

TEST(SimWorld, DescriptorsRunOut) {
  FaultOptions faults;
  faults.descriptors_max = 1;
  SimWorld world(1, faults);
  const int a = world.AddNode("a");
  Writer first(world.io(a)), second(world.io(a));
  EXPECT_TRUE(world.Run([&] { return first.story.done() && second.story.done(); }));
  EXPECT_EQ(std::min(first.fd, second.fd), -EMFILE);
  EXPECT_EQ(world.io(a)->open_descriptors(), 1u);
}

TEST(SimWorld, AHungDiskAndAPausedProcessGoOnLater) {
  SimWorld world(1);
  const int a = world.AddNode("a"), b = world.AddNode("b");
  Writer on_a(world.io(a)), on_b(world.io(b));
  world.HangDisk(a, absl::Seconds(5));
  world.Pause(b, absl::Seconds(5));
  world.RunFor(absl::Seconds(4));
  EXPECT_EQ(on_a.fd, -1);
  EXPECT_FALSE(on_b.submitted);
  world.RunFor(absl::Seconds(2));
  EXPECT_TRUE(on_a.story.done());
  EXPECT_TRUE(on_b.story.done());
}

Task<> LocksUntilItWorks(Io* io, int* tries) {
  std::string path = "/lock";
  Op open = io->Open(path, kOpenRead | kOpenWrite | kOpenCreate);
  const Fd fd = co_await open;
  int32_t locked = -EWOULDBLOCK;
  while (locked == -EWOULDBLOCK) {
    ++*tries;
    Op lock = io->Lock(fd);
    locked = co_await lock;
    Op sleep = io->Sleep(absl::Milliseconds(1));
    co_await sleep;
  }
  EXPECT_EQ(locked, 0);
}

TEST(SimWorld, AKilledProcessMayHoldItsLockALittleLonger) {
  int waited = 0;
  for (uint64_t seed = 0; seed < 20; ++seed) {
    SimWorld world(seed);
    const int a = world.AddNode("a");
    int tries = 0;
    std::optional<Task<>> first(LocksUntilItWorks(world.io(a), &tries));
    first->Start();
    EXPECT_TRUE(world.Run([&] { return first->done(); }));
    EXPECT_EQ(tries, 1);
    world.Kill(a);
    first.reset();
    world.Restart(a);
    Task<> second = LocksUntilItWorks(world.io(a), &tries);
    second.Start();
    EXPECT_TRUE(world.Run([&] { return second.done(); }, absl::Seconds(1)));
    waited += tries > 2;
    world.Kill(a);
  }
  EXPECT_GT(waited, 0);
}

TEST(SimWorld, ATaskMayDieWhileItsOperationIsUnderWay) {
  SimWorld world(1);
  const int a = world.AddNode("a");
  absl::Duration slept;
  {
    Task<> sleeping = SleepFor(world.io(a), absl::Hours(1), &slept);
    sleeping.Start();
    world.RunFor(absl::Seconds(1));
    EXPECT_EQ(world.OutstandingOps(a), 1u);
  }
  EXPECT_EQ(world.OutstandingOps(a), 0u);
  world.RunFor(absl::Hours(2));
  EXPECT_EQ(slept, absl::ZeroDuration());
}

TEST(FaultOptions, AreDrawnFromTheSeedAndPrinted) {
  EXPECT_EQ(FaultOptions::Draw(3).Describe(), FaultOptions::Draw(3).Describe());
  int with_resets = 0;
  std::set<std::string> texts;
  for (uint64_t seed = 0; seed < 100; ++seed) {
    const FaultOptions drawn = FaultOptions::Draw(seed);
    with_resets += drawn.reset_ppm > 0;
    texts.insert(drawn.Describe());
    EXPECT_EQ(drawn.Healed().reset_ppm, 0u);
  }
  EXPECT_EQ(texts.size(), 100u);
  EXPECT_GT(with_resets, 20);
  EXPECT_LT(with_resets, 80);
}

}  // namespace
}  // namespace tidemark
