// Goal: what only the kernel's Io does: full rings, non-blocking descriptors, registered memory,
// signals. Method: real pipes and files.
#include "agent/io/uring_io.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>
#include <memory>
#include <vector>

#include "agent/io/pool.h"
#include "agent/io/sync.h"
#include "agent/io/transfer.h"
#include "tests/io/pipe.h"
#include "tests/io/story.h"
#include "tests/io/uring_world.h"

namespace tidemark {
namespace {

Task<> ReadsOne(Io* io, Fd fd, std::string* got) {
  std::byte memory[64];
  const MutableByteSpan into(memory);
  Op read = io->Read(fd, into, kNoOffset);
  const int32_t result = co_await read;
  EXPECT_GE(result, 0);
  if (result > 0) got->assign(AsText(into.first(static_cast<size_t>(result))));
}

Task<> WritesLater(Io* io, Fd fd, std::string text) {
  Op sleep = io->Sleep(absl::Milliseconds(5));
  co_await sleep;
  const ByteSpan from = AsBytes(text);
  absl::Status written = co_await WriteFully(io, fd, from, kNoOffset);
  EXPECT_TRUE(written.ok()) << written;
}

TEST(UringIo, WaitsForAnEmptyNonBlockingPipe) {
  UringWorld world;
  Pipe pipe(O_NONBLOCK);
  std::string got;
  TaskGroup group(world.io);
  group.Spawn(ReadsOne(world.io, pipe.ends[0], &got));
  group.Spawn(WritesLater(world.io, pipe.ends[1], "late"));
  world.io->Run();
  EXPECT_EQ(got, "late");
}

Task<> DrainsSlowly(Io* io, Fd fd, size_t* total) {
  std::vector<std::byte> memory(1 << 16);
  const MutableByteSpan into(memory);
  while (true) {
    Op sleep = io->Sleep(absl::Microseconds(200));
    co_await sleep;
    Op read = io->Read(fd, into, kNoOffset);
    const int32_t got = co_await read;
    EXPECT_GE(got, 0);
    if (got <= 0) co_return;
    *total += static_cast<size_t>(got);
  }
}

Task<> WritesAndCloses(Io* io, Fd* fd, size_t bytes) {
  std::vector<std::byte> memory(bytes);
  const ByteSpan from(memory);
  absl::Status written = co_await WriteFully(io, *fd, from, kNoOffset);
  EXPECT_TRUE(written.ok()) << written;
  Op close = io->Close(std::exchange(*fd, -1));
  co_await close;
}

TEST(UringIo, WaitsForAFullNonBlockingPipe) {
  UringWorld world;
  Pipe pipe(O_NONBLOCK);
  size_t total = 0;
  TaskGroup group(world.io);
  group.Spawn(DrainsSlowly(world.io, pipe.ends[0], &total));
  group.Spawn(WritesAndCloses(world.io, &pipe.ends[1], 1 << 20));
  world.io->Run();
  EXPECT_EQ(total, size_t{1} << 20);
}

Task<> Reads(Io* io, Fd fd, int32_t* result, Op** shown) {
  std::byte memory[16];
  const MutableByteSpan into(memory);
  Op read = io->Read(fd, into, kNoOffset);
  *shown = &read;
  const int32_t got = co_await read;
  *result = got;
}

Task<> CancelsLater(Io* io, Op** op) {
  Op sleep = io->Sleep(absl::Milliseconds(5));
  co_await sleep;
  io->Cancel(*op);
}

TEST(UringIo, CancelsAReadThatWaitsForANonBlockingPipe) {
  for (const int flags : {0, O_NONBLOCK}) {
    UringWorld world;
    Pipe pipe(flags);
    int32_t result = 99;
    Op* op = nullptr;
    TaskGroup group(world.io);
    group.Spawn(Reads(world.io, pipe.ends[0], &result, &op));
    group.Spawn(CancelsLater(world.io, &op));
    world.io->Run();
    EXPECT_EQ(result, -ECANCELED);
  }
}

TEST(UringIo, AWriteIntoAClosedPipeIsAResult) {
  UringWorld world;
  Pipe pipe(0);
  close(std::exchange(pipe.ends[0], -1));
  const ByteSpan text = AsBytes("nobody reads this");
  const absl::Status written =
      Finish(world.io, WriteFully(world.io, pipe.ends[1], text, kNoOffset));
  EXPECT_EQ(written.code(), absl::StatusCode::kUnavailable);
}

Task<> Naps(Io* io, int* woken) {
  Op sleep = io->Sleep(absl::Milliseconds(1));
  const int32_t result = co_await sleep;
  EXPECT_EQ(result, 0);
  ++*woken;
}

TEST(UringIo, ATinyRingLosesNothing) {
  UringOptions options;
  options.queue_entries = 4;
  UringWorld world(options);
  int woken = 0;
  TaskGroup group(world.io);
  for (int i = 0; i < 5000; ++i) group.Spawn(Naps(world.io, &woken));
  world.io->Run();
  EXPECT_EQ(woken, 5000);
}

Task<> RoundTrip(Io* io, std::string path, BufferPool* pool) {
  PooledBuffer out = co_await pool->Acquire();
  PooledBuffer back = co_await pool->Acquire();
  io->Fill(out.span());
  Op open = io->Open(path, kOpenRead | kOpenWrite | kOpenCreate | kOpenDirect);
  const Fd fd = co_await open;
  const ByteSpan from = out.span();
  absl::Status written = co_await WriteFully(io, fd, from, 0);
  EXPECT_TRUE(written.ok()) << written;
  const MutableByteSpan into = back.span();
  absl::Status read = co_await ReadFully(io, fd, into, 0);
  EXPECT_TRUE(read.ok()) << read;
  EXPECT_TRUE(std::equal(from.begin(), from.end(), into.begin()));
  Op close = io->Close(fd);
  co_await close;
}

TEST(UringIo, RegisteredMemoryReadsAndWrites) {
  UringWorld world;
  {
    BufferPool pool(world.io, 4, 1 << 18);
    ASSERT_TRUE(world.uring->RegisterPool(&pool));
    EXPECT_THAT(world.uring->Describe(), testing::HasSubstr("1 MiB of registered memory"));
    Finish(world.io, RoundTrip(world.io, world.directory + "/a", &pool));
  }
  // Memory that comes to lie where a registered pool lay is not taken for it.
  EXPECT_THAT(world.uring->Describe(), testing::HasSubstr("0 MiB of registered memory"));
  BufferPool pool(world.io, 4, 1 << 18);
  Finish(world.io, RoundTrip(world.io, world.directory + "/b", &pool));
}

TEST(UringIo, PoolsThatCannotBeRegisteredStillWork) {
  UringWorld world;
  std::vector<std::unique_ptr<BufferPool>> pools;
  bool refused = false;
  for (int i = 0; i < 100 && !refused; ++i) {
    pools.push_back(std::make_unique<BufferPool>(world.io, 2, 4096));
    refused = !world.uring->RegisterPool(pools.back().get());
  }
  EXPECT_TRUE(refused) << "the table has an end";
  Finish(world.io, RoundTrip(world.io, world.directory + "/f", pools.back().get()));
}

Task<int32_t> OpensOnce(Io* io, std::string path, uint32_t flags) {
  Op open = io->Open(path, flags);
  const int32_t result = co_await open;
  co_return result;
}

TEST(UringIo, DescriptorsAreNotInherited) {
  UringWorld world;
  const Fd fd = Finish(world.io, OpensOnce(world.io, world.directory + "/f",
                                           kOpenWrite | kOpenCreate | kOpenDirect));
  ASSERT_GE(fd, 0);
  EXPECT_NE(fcntl(fd, F_GETFD) & FD_CLOEXEC, 0);
  close(fd);
}

TEST(UringIo, ASignalIsARecord) {
  UringWorld world;
  sigset_t before;
  pthread_sigmask(SIG_SETMASK, nullptr, &before);
  const Fd signals = world.uring->SignalDescriptor();
  raise(SIGTERM);
  std::vector<std::byte> memory(sizeof(signalfd_siginfo));
  const MutableByteSpan into(memory);
  const absl::Status read = Finish(world.io, ReadFully(world.io, signals, into, kNoOffset));
  EXPECT_TRUE(read.ok()) << read;
  signalfd_siginfo record;
  std::memcpy(&record, memory.data(), sizeof(record));
  EXPECT_EQ(record.ssi_signo, static_cast<uint32_t>(SIGTERM));
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
}

}  // namespace
}  // namespace tidemark
