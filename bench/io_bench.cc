// What the waist itself costs: an operation that does nothing, alone and among others; a worker's
// wake-up; one coroutine waking another.
//   io_bench --benchmark_min_time=0.5
// Nothing to read from /dev/null is the least that the kernel can be asked for.
#include <benchmark/benchmark.h>

#include <cstdlib>
#include <memory>
#include <vector>

#include "agent/io/pool.h"
#include "agent/io/sync.h"
#include "agent/io/uring_io.h"

namespace tidemark {
namespace {

constexpr int kPerRun = 1024;  // operations between two looks at the clock

// Tasks that have ended must be gone before their Io.
struct World {
  World() {
    absl::StatusOr<std::unique_ptr<UringIo>> made = UringIo::Create(UringOptions{});
    if (!made.ok()) {
      std::fprintf(stderr, "%s\n", std::string(made.status().message()).c_str());
      std::exit(78);
    }
    io = std::move(*made);
  }
  void Run(std::vector<Task<>> tasks) {
    for (Task<>& task : tasks) task.Start();
    io->Run();
  }
  std::unique_ptr<UringIo> io;
};

Task<> OpenNull(Io* io, Fd* fd) {
  Op open = io->Open("/dev/null", kOpenRead);
  *fd = co_await open;
}

Task<> ReadNothing(Io* io, Fd fd, int times) {
  std::byte memory[64];
  for (int i = 0; i < times; ++i) {
    const MutableByteSpan into(memory);
    Op read = io->Read(fd, into, 0);
    const int32_t got = co_await read;
    benchmark::DoNotOptimize(got);
  }
}

void BM_Operation(benchmark::State& state) {
  World world;
  Fd fd = -1;
  std::vector<Task<>> opening;
  opening.push_back(OpenNull(world.io.get(), &fd));
  world.Run(std::move(opening));
  const int depth = static_cast<int>(state.range(0));
  for (auto _ : state) {
    std::vector<Task<>> readers;
    for (int i = 0; i < depth; ++i)
      readers.push_back(ReadNothing(world.io.get(), fd, kPerRun / depth));
    world.Run(std::move(readers));
  }
  state.SetItemsProcessed(state.iterations() * kPerRun);
}
BENCHMARK(BM_Operation)->Arg(1)->Arg(8)->Arg(64)->UseRealTime();

void DoNothing(void*) {}

Task<> ComputeNothing(Io* io, int times) {
  for (int i = 0; i < times; ++i) {
    Op compute = io->Compute(&DoNothing, nullptr);
    const int32_t ran = co_await compute;
    benchmark::DoNotOptimize(ran);
  }
}

void BM_Worker(benchmark::State& state) {
  World world;
  const int depth = static_cast<int>(state.range(0));
  for (auto _ : state) {
    std::vector<Task<>> callers;
    for (int i = 0; i < depth; ++i)
      callers.push_back(ComputeNothing(world.io.get(), kPerRun / depth));
    world.Run(std::move(callers));
  }
  state.SetItemsProcessed(state.iterations() * kPerRun);
}
BENCHMARK(BM_Worker)->Arg(1)->Arg(8)->Arg(64)->UseRealTime();

// A buffer of a pool with one, taken in turns by two.
Task<> TakeTurns(Io*, BufferPool* pool, int times) {
  for (int i = 0; i < times; ++i) {
    PooledBuffer buffer = co_await pool->Acquire();
    benchmark::DoNotOptimize(buffer.span().data());
  }
}

void BM_HandOver(benchmark::State& state) {
  World world;
  BufferPool pool(world.io.get(), 1, 4096);
  for (auto _ : state) {
    std::vector<Task<>> both;
    for (int i = 0; i < 2; ++i) both.push_back(TakeTurns(world.io.get(), &pool, kPerRun / 2));
    world.Run(std::move(both));
  }
  state.SetItemsProcessed(state.iterations() * kPerRun);
}
BENCHMARK(BM_HandOver);

}  // namespace
}  // namespace tidemark

BENCHMARK_MAIN();
