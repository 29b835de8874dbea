// A vault's log through crashes, torn sectors and failing disks (laws 1 and 2).
#include <map>

#include "absl/strings/str_format.h"
#include "agent/site/log_reader.h"
#include "agent/site/vault_log.h"
#include "gtest/gtest.h"
#include "tests/agent/site/test_log.h"
#include "tests/sim/sim_world.h"

namespace tidemark {
namespace {

constexpr char kDirectory[] = "/store/vault";

VaultLogOptions SmallFiles() {
  VaultLogOptions options;
  options.file_bytes_min = 5 << 20;
  options.file_bytes_max = 6 << 20;
  options.reserve_bytes = 0;
  return options;
}

// What a test remembers beyond a crash.
struct Memory {
  std::map<Digest, TestRecord> offered;  // everything, ever
  std::vector<Position> acked;           // [sequence - 1]
  uint64_t seed = 0;
  uint64_t evidence = 0;
};

struct Bench {
  explicit Bench(SimIo* io) : pool(io, 8, kRecordBytesMax) {}
  BufferPool pool;
  StoreCounters counters;
  std::unique_ptr<VaultLog> log;
};

Task<absl::Status> OpenLog(Io* io, Bench* bench, uint64_t evidence) {
  PooledBuffer buffer = co_await bench->pool.Acquire();
  VaultPlace place;
  place.directory = kDirectory;
  place.store.bytes.fill(std::byte{9});
  place.vault = TestVault();
  VaultLogOptions options = SmallFiles();
  absl::StatusOr<std::unique_ptr<VaultLog>> opened =
      co_await VaultLog::Open(io, place, options, evidence, buffer.span(), &bench->counters);
  if (!opened.ok()) co_return opened.status();
  bench->log = std::move(*opened);
  co_return absl::OkStatus();
}

// Everything that was acked is there, byte for byte, and all that is there was offered.
Task<> CheckLog(Io* io, Bench* bench, Memory* memory) {
  (void)io;
  const VaultLog& log = *bench->log;
  EXPECT_FALSE(log.found().damaged) << log.found().explanation;
  EXPECT_GE(log.flushed().sequence, memory->acked.size()) << log.found().explanation;
  LogReader reader(bench->log.get());
  PooledBuffer buffer = co_await bench->pool.Acquire();
  Position before;
  for (uint64_t sequence = 1; sequence <= log.flushed().sequence; ++sequence) {
    absl::StatusOr<CanonicalHeader> header = co_await reader.ReadHead(sequence, buffer.span());
    EXPECT_TRUE(header.ok()) << header.status();
    if (!header.ok()) break;
    EXPECT_EQ(header->previous, before.digest);
    before = header->position();
    if (sequence <= memory->acked.size()) {
      EXPECT_EQ(before, memory->acked[sequence - 1]);
    }
    auto offered = memory->offered.find(before.digest);
    EXPECT_NE(offered, memory->offered.end()) << "a ghost at " << sequence;
    if (offered == memory->offered.end()) break;
    const MutableByteSpan payload =
        buffer.span().subspan(kRecordHeaderBytes, header->payload_bytes);
    absl::Status read = co_await reader.ReadBlocks(&*header, 0, payload);
    EXPECT_TRUE(read.ok()) << read;
    EXPECT_EQ(0, std::memcmp(payload.data(), offered->second.payload.data(), payload.size()));
  }
  EXPECT_EQ(before, log.flushed());
  co_await reader.Close();
}

// Opens, checks, then commits group after group until the power fails.
Task<> Live(Io* io, Bench* bench, Memory* memory, SimRandom* random, bool* serving) {
  absl::Status opened = co_await OpenLog(io, bench, memory->evidence);
  EXPECT_TRUE(opened.ok()) << opened;
  if (!opened.ok()) co_return;
  co_await CheckLog(io, bench, memory);
  *serving = true;
  // What survived unacked is durable now: recovery promises it like an ack.
  VaultLog* log = bench->log.get();
  while (true) {
    std::vector<RecordBuffer> group;
    Position tail = log->flushed();
    const uint64_t count = random->Between(1, 4);
    for (uint64_t i = 0; i < count; ++i) {
      RecordBuffer record;
      record.memory = co_await bench->pool.Acquire();
      const size_t bytes =
          random->Between(0, 3) == 0 ? random->Between(1, 300000) : random->Between(1, 20000);
      TestRecord made = MakeTestRecord(TestVault(), tail, 1, bytes, ++memory->seed);
      record.header = made.header;
      record.digest = made.header.digest();
      tail = made.header.position();
      std::memcpy(record.payload().data(), made.payload.data(), made.payload.size());
      memory->offered[record.digest] = std::move(made);
      group.push_back(std::move(record));
    }
    size_t done = 0;
    while (done < group.size()) {
      absl::StatusOr<size_t> committed = co_await log->Commit(&group, done);
      if (!committed.ok()) break;
      done += *committed;
      for (uint64_t sequence = memory->acked.size() + 1; sequence <= log->flushed().sequence;
           ++sequence) {
        // Records that were there before this start have no buffer; their positions are known by
        // digest.
        Position position{1, sequence, {}};
        for (const RecordBuffer& record : group) {
          if (record.header.sequence == sequence) position.digest = record.digest;
        }
        memory->acked.push_back(position);
      }
    }
    if (done < group.size()) {
      // The log takes nothing more for a while when files fail again and again.
      Op rest = io->Sleep(absl::Minutes(21));
      const int32_t rested = co_await rest;
      (void)rested;
    }
  }
}

// After a start, what is recovered counts as durable: note it before more is appended.
void RunSeed(uint64_t seed, const FaultOptions& faults) {
  SCOPED_TRACE(absl::StrFormat("seed %d %s", seed, faults.Describe()));
  SimWorld world(seed, faults);
  const int node = world.AddNode("a");
  world.disk(node)->MakeDirectories(kDirectory);
  SimRandom random(seed * 77 + 1);
  Memory memory;
  memory.seed = seed << 20;
  for (int life = 0; life < 5 && !::testing::Test::HasFailure(); ++life) {
    auto bench = std::make_unique<Bench>(world.io(node));
    bool serving = false;
    {
      Task<> story = Live(world.io(node), bench.get(), &memory, &random, &serving);
      story.Start();
      world.set_faults(faults.Healed());
      world.Run([&] { return serving || story.done(); }, absl::Seconds(60));
      world.set_faults(faults);
      ASSERT_TRUE(serving);
      if (bench->log->flushed().sequence > memory.acked.size()) {
        // A group that was never acked survived: from now on it is part of the log.
        for (uint64_t s = memory.acked.size() + 1; s <= bench->log->flushed().sequence; ++s) {
          memory.acked.push_back(Position{1, s, {}});
        }
        Position at = bench->log->flushed();
        for (uint64_t s = at.sequence; s > 0 && memory.acked[s - 1].digest.empty(); --s) {
          memory.acked[s - 1].digest = at.digest;
          at.digest = memory.offered[at.digest].header.previous;
        }
      }
      const uint64_t steps = random.Between(1, 150);
      for (uint64_t i = 0; i < steps; ++i) world.Step();
      if (life == 4) break;
      world.Crash(node);
    }
    bench.reset();
    world.Restart(node);
  }
}

TEST(VaultLogInTheSimulator, RecoversWhatWasFlushedThroughCrashes) {
  for (uint64_t seed = 1; seed <= 250 && !HasFailure(); ++seed) {
    FaultOptions faults;
    faults.torn_garbage_ppm = seed % 2 == 0 ? 300000 : 0;
    RunSeed(seed, faults);
  }
}

TEST(VaultLogInTheSimulator, NeverTrustsAFileWhoseWriteOrFlushFailed) {
  for (uint64_t seed = 1001; seed <= 1250 && !HasFailure(); ++seed) {
    FaultOptions faults;
    faults.torn_garbage_ppm = 100000;
    faults.write_eio_ppm = seed % 2 == 0 ? 20000 : 0;
    faults.sync_eio_ppm = seed % 3 == 0 ? 100000 : 20000;
    RunSeed(seed, faults);
  }
}

}  // namespace
}  // namespace tidemark
