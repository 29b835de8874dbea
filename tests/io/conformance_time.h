// Part of conformance.h: sleeping, computing, cancelling, entropy, clocks.
#ifndef TIDEMARK_TESTS_IO_CONFORMANCE_TIME_H_
#define TIDEMARK_TESTS_IO_CONFORMANCE_TIME_H_

#include "tests/io/conformance_sockets.h"

namespace tidemark {

inline Task<> SleepThenNote(Io* io, int milliseconds, std::vector<int>* order) {
  Op sleep = io->Sleep(absl::Milliseconds(milliseconds));
  const int32_t result = co_await sleep;
  EXPECT_EQ(result, 0);
  order->push_back(milliseconds);
}

TEST_P(IoConformance, SleepersWakeInOrderOfTime) {
  std::vector<int> order;
  TaskGroup group(io_);
  for (const int milliseconds : {90, 0, 60, 30}) {
    group.Spawn(SleepThenNote(io_, milliseconds, &order));
  }
  io_->Run();
  EXPECT_EQ(group.running(), 0u);
  EXPECT_EQ(order, (std::vector<int>{0, 30, 60, 90}));
}

inline Task<> TimePasses(Io* io) {
  const absl::Duration before = io->Monotonic();
  const absl::Time wall_before = io->Now();
  Op sleep = io->Sleep(absl::Milliseconds(20));
  co_await sleep;
  const absl::Duration slept = io->Monotonic() - before;
  EXPECT_GE(slept, absl::Milliseconds(20));
  EXPECT_GT(io->Now(), wall_before);
  Op negative = io->Sleep(-absl::Seconds(1));
  const int32_t result = co_await negative;
  EXPECT_EQ(result, 0);
}

TEST_P(IoConformance, ASleepIsNeverTooShort) { Finish(io_, TimePasses(io_)); }

struct Sum {
  std::vector<int> numbers;
  int64_t total = 0;
};

inline void AddUp(void* context) {
  Sum* sum = static_cast<Sum*>(context);
  for (const int number : sum->numbers) sum->total += number;
}

inline Task<> ComputeSum(Io* io, Sum* sum) {
  Op compute = io->Compute(&AddUp, sum);
  const int32_t result = co_await compute;
  EXPECT_EQ(result, 0);
  EXPECT_EQ(sum->total, static_cast<int64_t>(sum->numbers.size()) * 7);
}

TEST_P(IoConformance, ComputedResultsAreSeen) {
  std::vector<Sum> sums(100);
  TaskGroup group(io_);
  for (size_t i = 0; i < sums.size(); ++i) {
    sums[i].numbers.assign(i + 1, 7);
    group.Spawn(ComputeSum(io_, &sums[i]));
  }
  io_->Run();
  EXPECT_EQ(group.running(), 0u);
}

// Starts an Op in a coroutine of its own, so that somebody else can cancel it.
inline Task<> Await(Io*, Op* op, int32_t* result) {
  const int32_t ended = co_await *op;
  *result = ended;
}

inline Task<> CancelsASleep(Io* io) {
  Op sleep = io->Sleep(absl::Hours(1));
  int32_t result = 99;
  Task<> sleeping = Await(io, &sleep, &result);
  sleeping.Start();
  Op pause = io->Sleep(absl::Milliseconds(5));
  co_await pause;
  io->Cancel(&sleep);
  EXPECT_EQ(result, 99) << "Cancel resumes nobody itself";
  co_await sleeping;
  EXPECT_EQ(result, -ECANCELED);
  io->Cancel(&sleep);  // an Op that has ended: nothing happens
}

TEST_P(IoConformance, ASleepIsCancelled) { Finish(io_, CancelsASleep(io_)); }

inline Task<> CancelAtOnce(Io* io, Op* op, int32_t* result) {
  Task<> waiting = Await(io, op, result);
  waiting.Start();
  Op turn = io->Sleep(absl::ZeroDuration());
  // The coroutine above has submitted its Op and the kernel may not have seen it: a cancel in the
  // same turn counts.
  Task<> child = Await(io, &turn, result);
  child.Start();
  co_await child;
  io->Cancel(op);
  co_await waiting;
}

TEST_P(IoConformance, ACancelIsNotLost) {
  for (int i = 0; i < 50; ++i) {
    Op sleep = io_->Sleep(absl::Hours(1));
    int32_t result = 99;
    Finish(io_, CancelAtOnce(io_, &sleep, &result));
    ASSERT_EQ(result, -ECANCELED);
  }
}

inline Task<> CancelsSubmitted(Io* io, Op* op) {
  io->Cancel(op);
  co_return;
}

TEST_P(IoConformance, ACancelInTheTurnOfTheSubmitCounts) {
  Op sleep = io_->Sleep(absl::Hours(1));
  int32_t result = 99;
  Task<> waiting = Await(io_, &sleep, &result);
  Task<> cancelling = CancelsSubmitted(io_, &sleep);
  waiting.Start();
  cancelling.Start();
  io_->Run();
  EXPECT_TRUE(waiting.done());
  EXPECT_EQ(result, -ECANCELED);
}

inline Task<> CancelsSockets(Io* io, std::string address) {
  Pair pair;
  co_await ConnectPair(io, address, &pair);
  std::byte memory[8];
  const MutableByteSpan into(memory);
  Op recv = io->Recv(pair.server, into);
  Op accept = io->Accept(pair.listening);
  int32_t received = 99;
  int32_t accepted = 99;
  Task<> receiving = Await(io, &recv, &received);
  Task<> accepting = Await(io, &accept, &accepted);
  receiving.Start();
  accepting.Start();
  Op pause = io->Sleep(absl::Milliseconds(5));
  co_await pause;
  io->Cancel(&recv);
  io->Cancel(&accept);
  co_await receiving;
  co_await accepting;
  EXPECT_EQ(received, -ECANCELED);
  EXPECT_EQ(accepted, -ECANCELED);
  // The sockets still work.
  const ByteSpan text = AsBytes("x");
  absl::Status sent = co_await SendFully(io, pair.client, text);
  EXPECT_TRUE(sent.ok()) << sent;
  Op again = io->Recv(pair.server, into);
  const int32_t got = co_await again;
  EXPECT_EQ(got, 1);
  co_await ClosePair(io, &pair);
}

TEST_P(IoConformance, ReceiveAndAcceptAreCancelled) {
  Finish(io_, CancelsSockets(io_, world_->any_address));
}

TEST_P(IoConformance, CancelledComputesEndOnceEach) {
  // Some run, some do not; each is resumed once and says which it was.
  std::vector<Sum> sums(64);
  std::vector<Op> ops;
  std::vector<int32_t> results(sums.size(), 99);
  std::vector<Task<>> tasks;
  ops.reserve(sums.size());
  for (size_t i = 0; i < sums.size(); ++i) {
    sums[i].numbers.assign(10, 7);
    ops.push_back(io_->Compute(&AddUp, &sums[i]));
    tasks.push_back(Await(io_, &ops[i], &results[i]));
    tasks.back().Start();
    tasks.push_back(CancelsSubmitted(io_, &ops[i]));
    tasks.back().Start();
  }
  io_->Run();
  for (size_t i = 0; i < sums.size(); ++i) {
    EXPECT_TRUE(tasks[2 * i].done());
    EXPECT_EQ(sums[i].total, results[i] == 0 ? 70 : 0);
    EXPECT_TRUE(results[i] == 0 || results[i] == -ECANCELED) << results[i];
  }
}

TEST_P(IoConformance, EntropyFillsAndDiffers) {
  std::array<std::byte, 64> a{};
  std::array<std::byte, 64> b{};
  io_->Fill(a);
  io_->Fill(b);
  EXPECT_NE(a, b);
  EXPECT_NE(a, (std::array<std::byte, 64>{}));
  io_->Fill(MutableByteSpan());
}

}  // namespace tidemark
#endif  // TIDEMARK_TESTS_IO_CONFORMANCE_TIME_H_
