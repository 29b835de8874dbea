// Part of conformance.h: the ready queue, and waiting for one another.
#ifndef TIDEMARK_TESTS_IO_CONFORMANCE_WAITING_H_
#define TIDEMARK_TESTS_IO_CONFORMANCE_WAITING_H_

#include "tests/io/conformance_time.h"

namespace tidemark {

inline Task<> NoteTurn(Io*, int number, std::vector<int>* order) {
  order->push_back(number);
  co_return;
}

TEST_P(IoConformance, ReadyCoroutinesRunInTheOrderInWhichTheyBecameReady) {
  std::vector<int> order;
  std::vector<int> expected;
  TaskGroup group(io_);
  // More than one turn of the loop takes.
  for (int i = 0; i < 1000; ++i) {
    group.Spawn(NoteTurn(io_, i, &order));
    expected.push_back(i);
  }
  EXPECT_TRUE(order.empty()) << "Start resumes nobody itself";
  io_->Run();
  EXPECT_EQ(order, expected);
}

inline Task<> StopsTheLoop(Io* io) {
  io->Stop();
  co_return;
}

TEST_P(IoConformance, StopEndsRunAndRunGoesOnLater) {
  std::vector<int> order;
  TaskGroup group(io_);
  group.Spawn(StopsTheLoop(io_));
  group.Spawn(SleepThenNote(io_, 1, &order));
  io_->Run();
  EXPECT_TRUE(io_->stopped());
  EXPECT_TRUE(order.empty());
  io_->Run();
  EXPECT_FALSE(io_->stopped());
  EXPECT_EQ(order, std::vector<int>{1});
}

inline Task<> JoinsAll(Io* io, std::vector<int>* order) {
  TaskGroup group(io);
  for (const int milliseconds : {20, 1, 10}) {
    group.Spawn(SleepThenNote(io, milliseconds, order));
  }
  EXPECT_EQ(group.running(), 3u);
  co_await group.Join();
  EXPECT_EQ(group.running(), 0u);
  EXPECT_EQ(order->size(), 3u);
  co_await group.Join();  // nobody left: at once
}

TEST_P(IoConformance, JoinWaitsForAllThatWereSpawned) {
  std::vector<int> order;
  Finish(io_, JoinsAll(io_, &order));
  EXPECT_EQ(order, (std::vector<int>{1, 10, 20}));
}

inline Task<> HoldPermits(Io* io, Semaphore* semaphore, uint64_t count, int name,
                          std::vector<int>* order) {
  co_await semaphore->Acquire(count);
  order->push_back(name);
  Op sleep = io->Sleep(absl::Milliseconds(1));
  co_await sleep;
  semaphore->Release(count);
}

TEST_P(IoConformance, ASemaphoreServesInTheOrderOfAsking) {
  Semaphore semaphore(io_, 4);
  std::vector<int> order;
  TaskGroup group(io_);
  // The third wants all of it and is not overtaken by the small ones behind it.
  const uint64_t counts[] = {1, 1, 4, 1, 1};
  for (int i = 0; i < 5; ++i) group.Spawn(HoldPermits(io_, &semaphore, counts[i], i, &order));
  io_->Run();
  EXPECT_EQ(group.running(), 0u);
  EXPECT_EQ(order, (std::vector<int>{0, 1, 2, 3, 4}));
  EXPECT_EQ(semaphore.available(), 4u);
}

inline Task<> StopsLater(Io* io) {
  Op sleep = io->Sleep(absl::Milliseconds(5));
  co_await sleep;
  io->Stop();
}

TEST_P(IoConformance, AWaiterThatDiesLosesOnlyItsOwnPlace) {
  Semaphore semaphore(io_, 1);
  Finish(io_, semaphore.Acquire(1));
  std::vector<int> order;
  std::optional<Task<>> dying(HoldPermits(io_, &semaphore, 1, 1, &order));
  Task<> last = HoldPermits(io_, &semaphore, 1, 2, &order);
  TaskGroup group(io_);
  dying->Start();
  last.Start();
  group.Spawn(StopsLater(io_));
  io_->Run();
  dying.reset();
  semaphore.Release(1);
  io_->Run();
  EXPECT_TRUE(last.done());
  EXPECT_EQ(order, std::vector<int>{2});
}

inline Task<> SendNumbers(Io*, Channel<int>* channel, int count, int* refused) {
  for (int i = 0; i < count; ++i) {
    const bool sent = co_await channel->Send(i);
    if (!sent) ++*refused;
  }
  channel->Close();
}

inline Task<> ReceiveNumbers(Io*, Channel<int>* channel, std::vector<int>* received) {
  while (true) {
    const std::optional<int> number = co_await channel->Receive();
    if (!number.has_value()) co_return;
    received->push_back(*number);
  }
}

TEST_P(IoConformance, AClosedChannelIsDrained) {
  Channel<int> channel(io_, 3);
  std::vector<int> received;
  int refused = 0;
  TaskGroup group(io_);
  group.Spawn(SendNumbers(io_, &channel, 100, &refused));
  group.Spawn(ReceiveNumbers(io_, &channel, &received));
  io_->Run();
  EXPECT_EQ(group.running(), 0u);
  EXPECT_EQ(refused, 0);
  ASSERT_EQ(received.size(), 100u);
  for (int i = 0; i < 100; ++i) EXPECT_EQ(received[static_cast<size_t>(i)], i);
}

inline Task<> CloseLater(Io* io, Channel<int>* channel) {
  Op sleep = io->Sleep(absl::Milliseconds(1));
  co_await sleep;
  channel->Close();
}

TEST_P(IoConformance, ClosingAChannelReleasesItsSender) {
  Channel<int> channel(io_, 2);
  int refused = 0;
  TaskGroup group(io_);
  group.Spawn(SendNumbers(io_, &channel, 5, &refused));
  group.Spawn(CloseLater(io_, &channel));
  io_->Run();
  EXPECT_EQ(group.running(), 0u);
  EXPECT_EQ(refused, 3);
}

inline Task<> UseBuffer(Io* io, BufferPool* pool, int name, std::vector<int>* order) {
  PooledBuffer buffer = co_await pool->Acquire();
  order->push_back(name);
  EXPECT_TRUE(buffer);
  EXPECT_EQ(reinterpret_cast<uintptr_t>(buffer.span().data()) % kDirectIoBytes, 0u);
  std::memset(buffer.span().data(), name, buffer.span().size());
  Op sleep = io->Sleep(absl::Milliseconds(1));
  co_await sleep;
  for (const std::byte byte : buffer.span()) EXPECT_EQ(byte, static_cast<std::byte>(name));
}

TEST_P(IoConformance, APoolMakesTheNextOneWait) {
  BufferPool pool(io_, 2, 100);
  std::vector<int> order;
  {
    TaskGroup group(io_);
    for (int i = 0; i < 7; ++i) group.Spawn(UseBuffer(io_, &pool, i, &order));
    io_->Run();
    EXPECT_EQ(group.running(), 0u);
  }
  EXPECT_EQ(order, (std::vector<int>{0, 1, 2, 3, 4, 5, 6}));
  EXPECT_EQ(pool.free_buffers(), 2u);
  PooledBuffer one = pool.TryAcquire();
  PooledBuffer two = pool.TryAcquire();
  PooledBuffer none = pool.TryAcquire();
  EXPECT_TRUE(one);
  EXPECT_TRUE(two);
  EXPECT_FALSE(none);
  EXPECT_NE(one.span().data(), two.span().data());
  two = std::move(one);
  EXPECT_EQ(pool.free_buffers(), 1u);
}

}  // namespace tidemark
#endif  // TIDEMARK_TESTS_IO_CONFORMANCE_WAITING_H_
