// A vault's log on a simulated disk without chance, as tests of it share it.
#ifndef TIDEMARK_TESTS_AGENT_SITE_VAULT_LOG_FIXTURE_H_
#define TIDEMARK_TESTS_AGENT_SITE_VAULT_LOG_FIXTURE_H_

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "agent/site/log_reader.h"
#include "agent/site/vault_log.h"
#include "gtest/gtest.h"
#include "tests/agent/site/test_log.h"
#include "tests/sim/sim_world.h"

namespace tidemark {

inline constexpr char kDirectory[] = "/store/vault";

class VaultLogTest : public ::testing::Test {
 public:
  SimIo* io() { return world_.io(node_); }

 protected:
  VaultLogTest() : world_(1), node_(world_.AddNode("a")) {
    world_.disk(node_)->MakeDirectories(kDirectory);
    options_.file_bytes_min = 5 << 20;
    options_.file_bytes_max = 5 << 20;
    options_.reserve_bytes = 0;
  }
  SimDisk* disk() { return world_.disk(node_); }
  void Do(Task<> story) {
    story.Start();
    ASSERT_TRUE(world_.Run([&] { return story.done(); }, absl::Hours(2)));
  }
  // Opens, and says what was found.
  LogRecovery::Outcome Open(uint64_t evidence = 0) {
    pool_ = std::make_unique<BufferPool>(io(), 8, kRecordBytesMax);
    Do(OpenLog(evidence));
    EXPECT_NE(log_, nullptr);
    return log_->found();
  }
  Task<> OpenLog(uint64_t evidence) {
    PooledBuffer buffer = co_await pool_->Acquire();
    VaultPlace place;
    place.directory = kDirectory;
    place.store.bytes.fill(std::byte{9});
    place.vault = TestVault();
    absl::StatusOr<std::unique_ptr<VaultLog>> opened =
        co_await VaultLog::Open(io(), place, options_, evidence, buffer.span(), &counters_);
    EXPECT_TRUE(opened.ok()) << opened.status();
    if (opened.ok()) log_ = std::move(*opened);
  }
  void CloseLog() {
    Do(log_->Close());
    log_.reset();
    pool_.reset();
  }
  // `count` records in one group.
  absl::Status Append(int count, size_t bytes) {
    absl::Status result;
    Do(AppendGroup(count, bytes, &result));
    return result;
  }
  Task<> AppendGroup(int count, size_t bytes, absl::Status* result) {
    std::vector<RecordBuffer> group;
    Position tail = log_->flushed();
    for (int i = 0; i < count; ++i) {
      TestRecord made = MakeTestRecord(TestVault(), tail, epoch_, bytes, ++seed_);
      RecordBuffer record;
      record.memory = co_await pool_->Acquire();
      record.header = made.header;
      record.digest = made.header.digest();
      std::memcpy(record.payload().data(), made.payload.data(), made.payload.size());
      tail = made.header.position();
      group.push_back(std::move(record));
    }
    size_t done = 0;
    while (done < group.size()) {
      absl::StatusOr<size_t> committed = co_await log_->Commit(&group, done);
      *result = committed.status();
      if (!committed.ok()) break;
      done += *committed;
    }
  }
  Task<> ReadHead(uint64_t sequence, CanonicalHeader* out) {
    PooledBuffer buffer = co_await pool_->Acquire();
    LogReader reader(log_.get());
    absl::StatusOr<CanonicalHeader> header = co_await reader.ReadHead(sequence, buffer.span());
    EXPECT_TRUE(header.ok()) << header.status();
    if (header.ok()) *out = *header;
    co_await reader.Close();
  }
  Task<> ReadDigest(uint64_t sequence, absl::StatusOr<Digest>* out) {
    PooledBuffer buffer = co_await pool_->Acquire();
    LogReader reader(log_.get());
    *out = co_await reader.ReadDigest(sequence, buffer.span());
    co_await reader.Close();
  }
  Task<> Drop(Position position) {
    absl::Status dropped = co_await log_->DropAbove(position);
    EXPECT_TRUE(dropped.ok()) << dropped;
  }
  std::string FileOf(uint64_t sequence) { return log_->FindPlace(sequence)->path; }
  uint64_t OffsetOf(uint64_t sequence) { return log_->FindPlace(sequence)->offset; }

  SimWorld world_;
  int node_;
  VaultLogOptions options_;
  StoreCounters counters_;
  std::unique_ptr<BufferPool> pool_;
  std::unique_ptr<VaultLog> log_;
  uint64_t seed_ = 0, epoch_ = 1;
};

}  // namespace tidemark
#endif  // TIDEMARK_TESTS_AGENT_SITE_VAULT_LOG_FIXTURE_H_
