// Goal: a site that gives up the tail of an epoch that ended without it (replicator/truncation.h)
// holds the agent's log in the end, wherever power failed, and is never taken for damaged.
#include "replicator/control_record.h"
#include "replicator/receipt.h"
#include "tests/agent/site/site_trio.h"

namespace tidemark {
namespace {

constexpr size_t kShared = 5, kLeftBehind = 3, kPayload = 5000;
constexpr int kCuts = 120;
constexpr absl::Duration kStep = absl::Microseconds(400);

SessionId NonceOf(uint64_t epoch) {
  SessionId nonce;
  nonce.bytes.fill(static_cast<std::byte>(6 + epoch));  // SiteTrio::Connect promises epoch 1 with 7
  return nonce;
}

// Epoch 1 ends with records that only a has; epoch 2 begins at b and w.
class OldTailTest : public ::testing::Test {
 public:
  Io* io() const { return trio_->io(); }
  void SetUp() override { log_ = MakeTestLog(kShared + kLeftBehind, kPayload); }

  Task<> Diverge() {
    std::vector<TestRecord> shared(log_.begin(), log_.begin() + kShared);
    co_await trio_->Fill(&shared);
    std::unique_ptr<TestAgent> a = co_await trio_->Connect(0);
    for (size_t i = kShared; i < log_.size(); ++i) {
      absl::Status sent = co_await a->Append(&log_[i]);
      EXPECT_TRUE(sent.ok()) << sent;
    }
    VaultId vault = TestVault();
    Position left_behind = log_.back().header.position();
    absl::Status signed_for = co_await a->AwaitReceipt(vault, left_behind);
    EXPECT_TRUE(signed_for.ok()) << signed_for;
    receipt_ = a->receipts().back();
    co_await a->Finish();
    co_await BeginEpoch();
  }

  Task<> BeginEpoch() {
    EpochStart start;
    start.epoch = 2;
    start.nonce = NonceOf(2);
    start.base = log_[kShared - 1].header.position();
    std::unique_ptr<TestAgent> agents[2];
    for (int site : {1, 2}) {
      agents[site - 1] = co_await trio_->Greet(site);
      VaultId vault = TestVault();
      SessionId nonce = NonceOf(2);
      std::string receipt;
      absl::StatusOr<wire::PromiseReply> reply =
          co_await agents[site - 1]->Promise(vault, 2, nonce, std::move(receipt));
      EXPECT_TRUE(reply.ok() && !reply->has_failure()) << reply.status();
      if (!reply.ok()) co_return;
      const ByteSpan promise = AsBytes(reply->promise());
      start.promises.emplace_back(promise.begin(), promise.end());
    }
    start_ = MakeTestRecord(TestVault(), start.base, 2, kPayload, 2);
    start_.payload = MakeControlPayload(trio_->agent_key(), TestVault(), RecordKind::kEpochStart, 2,
                                        start_.header.sequence, Encode(start));
    start_.header.payload_bytes = static_cast<uint32_t>(start_.payload.size());
    start_.header.blocks = BlockDigests(start_.payload);
    for (std::unique_ptr<TestAgent>& agent : agents) {
      absl::Status sent = co_await agent->Append(&start_);
      EXPECT_TRUE(sent.ok()) << sent;
      VaultId vault = TestVault();
      Position tail = start_.header.position();
      absl::Status acked = co_await agent->AwaitAck(vault, tail);
      EXPECT_TRUE(acked.ok()) << acked;
      co_await agent->Finish();
    }
  }

  // The agent of epoch 2 comes to a; the power may go before the fetch is done.
  Task<> Meet() { agent_ = co_await trio_->Greet(0); }
  Task<> Order(bool* fetched) {
    std::unique_ptr<TestAgent> agent = std::move(agent_);
    VaultId vault = TestVault();
    SessionId nonce = NonceOf(2);
    std::string receipt = receipt_;
    absl::StatusOr<wire::PromiseReply> reply =
        co_await agent->Promise(vault, 2, nonce, std::move(receipt));
    if (reply.ok()) {
      EXPECT_FALSE(reply->has_failure()) << reply->failure().message();
    }
    Position target = start_.header.position();
    std::string peer = "b", address = "b:7000";
    absl::StatusOr<wire::FetchReport> report =
        co_await agent->Fetch(target, vault, std::move(peer), std::move(address));
    *fetched = report.ok() && !report->has_failure();
    if (report.ok()) {
      EXPECT_FALSE(report->has_failure()) << report->failure().message();
    }
    co_await agent->Finish();
  }

  Task<> ReadAll() {
    std::unique_ptr<TestAgent> agent = co_await trio_->Greet(0);
    VaultId vault = TestVault();
    for (uint64_t sequence = 1; sequence <= kShared + 1; ++sequence) {
      absl::StatusOr<TestRecord> read = co_await agent->Read(vault, sequence);
      EXPECT_TRUE(read.ok()) << sequence << ": " << read.status();
      const TestRecord& wanted = sequence <= kShared ? log_[sequence - 1] : start_;
      if (read.ok()) {
        EXPECT_EQ(read->header.digest(), wanted.header.digest()) << sequence;
      }
    }
    absl::StatusOr<TestRecord> beyond = co_await agent->Read(vault, kShared + 2);
    EXPECT_FALSE(beyond.ok()) << "what it gave up is served";
    co_await agent->Finish();
  }

 protected:
  std::vector<TestRecord> log_;
  TestRecord start_;
  std::unique_ptr<SiteTrio> trio_;
  std::unique_ptr<TestAgent> agent_;  // of epoch 2, greeted by a
  std::string receipt_;               // of a, for what it gives up later
};

TEST_F(OldTailTest, IsGivenUpWhereverPowerFails) {
  int cut_short = 0;
  for (int i = 0; i < kCuts && !HasFailure(); ++i) {
    SCOPED_TRACE(i);
    trio_ = std::make_unique<SiteTrio>(static_cast<uint64_t>(i) + 1);
    trio_->StartAll();
    trio_->Run(Diverge());
    trio_->Run(Meet());
    bool fetched = false;
    Task<> order = Order(&fetched);
    order.Start();
    trio_->world.RunFor(i * kStep);
    if (!fetched) ++cut_short;
    trio_->Stop(0, /*power=*/true);
    ASSERT_TRUE(trio_->world.Run([&order] { return order.done(); }, absl::Hours(1)));
    trio_->Start(0);
    if (trio_->server(0) == nullptr) break;
    trio_->Run(Meet());
    trio_->Run(Order(&fetched));
    EXPECT_TRUE(fetched);
    trio_->Run(ReadAll());
  }
  EXPECT_GT(cut_short, kCuts / 4) << "most cuts came too late";
  EXPECT_LT(cut_short, kCuts) << "all cuts came too early";
}

}  // namespace
}  // namespace tidemark
