// What a site does for its agent: keeps, acks, signs, fences, refuses.
#include <fstream>

#include "tests/agent/site/site_bench.h"

namespace tidemark {
namespace {

class SiteServerTest : public SiteBench {
 protected:
  Task<> KeepAcrossRestart();
  Task<> Fence();
  Task<> ChainReceipts();
  Task<> RememberCheckpoint();
  Task<> SayFull();
  Task<> RefuseStores();
};

Task<> SiteServerTest::KeepAcrossRestart() {
  std::vector<TestRecord> log;
  std::string receipt;
  StoreId store;
  for (int round = 0; round < 2; ++round) {
    RunningSite site;
    co_await Start(site_a_.get(), &site);
    if (round == 1) {
      EXPECT_EQ(store, site.server->store());
    }
    store = site.server->store();
    std::string address = site.address();
    std::string shown = receipt;
    std::unique_ptr<TestAgent> agent =
        co_await Agent(agent_.get(), std::move(address), 1, 1, std::move(shown));
    absl::Status small = co_await AppendRun(agent.get(), 1, 20, 5000, &log);
    EXPECT_TRUE(small.ok()) << small;
    absl::Status big = co_await AppendRun(agent.get(), 1, 5, 4 << 20, &log);
    EXPECT_TRUE(big.ok()) << big;
    co_await ExpectLog(agent.get(), &log);
    VaultId vault = TestVault();
    Position tail = log.back().header.position();
    absl::Status receipted = co_await agent->AwaitReceipt(vault, tail);
    EXPECT_TRUE(receipted.ok()) << receipted;
    receipt = agent->receipts().back();
    co_await agent->Finish();
    co_await StopSite(&site);
  }
}
TEST_F(SiteServerTest, KeepsAcknowledgedRecordsAcrossARestart) { Run(KeepAcrossRestart()); }

Task<> SiteServerTest::Fence() {
  std::vector<TestRecord> log;
  RunningSite site;
  co_await Start(site_a_.get(), &site);
  std::unique_ptr<TestAgent> old = co_await UsualAgent(&site, 1);
  absl::Status first = co_await AppendRun(old.get(), 1, 3, 5000, &log);
  EXPECT_TRUE(first.ok()) << first;
  std::string address = site.address();
  std::string receipt;
  std::unique_ptr<TestAgent> next =
      co_await Agent(agent_.get(), std::move(address), 2, 2, std::move(receipt));
  absl::Status second = co_await AppendRun(next.get(), 2, 3, 5000, &log);
  EXPECT_TRUE(second.ok()) << second;
  // The old one goes on where it was: refused.
  const TestRecord stale = MakeTestRecord(TestVault(), log[2].header.position(), 1, 5000, 99);
  absl::Status sent = co_await old->Append(&stale);
  EXPECT_TRUE(sent.ok()) << sent;
  absl::StatusOr<wire::Control> refused = co_await old->Next(wire::Control::kAppendRefused);
  EXPECT_TRUE(refused.ok()) << refused.status();
  if (refused.ok()) {
    EXPECT_EQ(refused->append_refused().failure().code(), wire::Failure::FENCED);
  }
  // Nor is it promised anything again.
  std::string again_address = site.address();
  std::string none;
  std::unique_ptr<TestAgent> again =
      co_await Agent(agent_.get(), std::move(again_address), 0, 1, std::move(none));
  VaultId vault = TestVault();
  SessionId nonce = TestNonce(1);
  std::string nothing;
  absl::StatusOr<wire::PromiseReply> reply =
      co_await again->Promise(vault, 1, nonce, std::move(nothing));
  EXPECT_TRUE(reply.ok()) << reply.status();
  if (reply.ok()) {
    EXPECT_EQ(reply->failure().code(), wire::Failure::FENCED);
    EXPECT_EQ(reply->state().promised_epoch(), 2u);
  }
  co_await ExpectLog(next.get(), &log);
  co_await old->Finish();
  co_await next->Finish();
  co_await again->Finish();
  co_await StopSite(&site);
}
TEST_F(SiteServerTest, FencesASessionOfAnOlderEpoch) { Run(Fence()); }

Task<> SiteServerTest::ChainReceipts() {
  std::vector<TestRecord> log;
  std::vector<std::string> receipts;
  StoreId store;
  for (int round = 0; round < 3; ++round) {
    RunningSite site;
    co_await Start(site_a_.get(), &site);
    store = site.server->store();
    std::string address = site.address();
    std::string shown = receipts.empty() ? "" : receipts.back();
    std::unique_ptr<TestAgent> agent =
        co_await Agent(agent_.get(), std::move(address), 1, 1, std::move(shown));
    VaultId vault = TestVault();
    for (int i = 0; i < 3; ++i) {
      absl::Status appended = co_await AppendRun(agent.get(), 1, 2, 5000, &log);
      EXPECT_TRUE(appended.ok()) << appended;
      Position tail = log.back().header.position();
      absl::Status receipted = co_await agent->AwaitReceipt(vault, tail);
      EXPECT_TRUE(receipted.ok()) << receipted;
    }
    receipts.insert(receipts.end(), agent->receipts().begin(), agent->receipts().end());
    co_await agent->Finish();
    co_await StopSite(&site);
  }
  Digest previous;
  uint64_t number = 0;
  for (const std::string& bytes : receipts) {
    absl::StatusOr<SignedReceipt> receipt = ParseReceipt(site_a_->key.public_key(), AsBytes(bytes));
    EXPECT_TRUE(receipt.ok()) << receipt.status();
    if (!receipt.ok()) co_return;
    EXPECT_EQ(receipt->receipt.number, ++number);
    EXPECT_EQ(receipt->receipt.previous, previous);
    EXPECT_EQ(receipt->receipt.store, store);
    previous = receipt->digest();
  }
  EXPECT_GE(number, 9u);
}
TEST_F(SiteServerTest, ChainsItsReceiptsAcrossRestarts) { Run(ChainReceipts()); }

// The checkpoint of an idle vault comes behind the last ack, when the head was receipted already.
Task<> SiteServerTest::RememberCheckpoint() {
  std::vector<TestRecord> log;
  VaultId vault = TestVault();
  RunningSite site;
  co_await Start(site_a_.get(), &site);
  std::unique_ptr<TestAgent> agent = co_await UsualAgent(&site, 1);
  absl::Status appended = co_await AppendRun(agent.get(), 1, 3, 5000, &log);
  EXPECT_TRUE(appended.ok()) << appended;
  Position tail = log.back().header.position();
  absl::Status receipted = co_await agent->AwaitReceipt(vault, tail);
  EXPECT_TRUE(receipted.ok()) << receipted;
  wire::Control message;
  const std::string checkpoint = agent->CheckpointOf(vault, tail);
  message.mutable_checkpoint()->set_checkpoint(checkpoint);
  agent->control()->Send(message);
  absl::StatusOr<wire::Control> named = co_await agent->Next(wire::Control::kReceipt);
  EXPECT_TRUE(named.ok()) << named.status();
  co_await agent->Finish();
  co_await StopSite(&site);
  RunningSite again;
  co_await Start(site_a_.get(), &again);
  std::unique_ptr<TestAgent> next = co_await UsualAgent(&again, 2);
  EXPECT_EQ(next->hello().checkpoints_size(), 1);
  if (next->hello().checkpoints_size() == 1) {
    EXPECT_EQ(next->hello().checkpoints(0), checkpoint);
  }
  co_await next->Finish();
  co_await StopSite(&again);
}
TEST_F(SiteServerTest, KeepsACheckpointThatComesBehindTheLastAck) { Run(RememberCheckpoint()); }

Task<> SiteServerTest::SayFull() {
  SiteOptions options = Options("a");
  options.reserve_bytes = uint64_t{1} << 60;
  RunningSite site;
  absl::Status started = co_await StartSite(site_a_.get(), std::move(options), &site);
  EXPECT_TRUE(started.ok()) << started;
  std::unique_ptr<TestAgent> agent = co_await UsualAgent(&site, 1);
  const TestRecord record = MakeTestRecord(TestVault(), Position(), 1, 5000, 1);
  absl::Status sent = co_await agent->Append(&record);
  EXPECT_TRUE(sent.ok()) << sent;
  absl::StatusOr<wire::Control> refused = co_await agent->Next(wire::Control::kAppendRefused);
  EXPECT_TRUE(refused.ok()) << refused.status();
  if (refused.ok()) {
    EXPECT_EQ(refused->append_refused().failure().code(), wire::Failure::FULL);
    EXPECT_EQ(refused->append_refused().sequence(), 1u);
  }
  co_await agent->Finish();
  co_await StopSite(&site);
  // With space it takes the same record.
  co_await Start(site_a_.get(), &site);
  std::unique_ptr<TestAgent> again = co_await UsualAgent(&site, 1);
  sent = co_await again->Append(&record);
  VaultId vault = TestVault();
  Position tail = record.header.position();
  absl::Status acked = co_await again->AwaitAck(vault, tail);
  EXPECT_TRUE(acked.ok()) << acked;
  co_await again->Finish();
  co_await StopSite(&site);
}
TEST_F(SiteServerTest, SaysFullInsteadOfWritingHalf) { Run(SayFull()); }

Task<> SiteServerTest::RefuseStores() {
  RunningSite a, other;
  co_await Start(site_a_.get(), &a);
  SiteOptions twice = Options("a");
  absl::Status opened = co_await StartSite(site_a_.get(), std::move(twice), &other);
  EXPECT_TRUE(absl::IsAlreadyExists(opened)) << opened;
  SiteOptions same_port = Options("b");
  same_port.listen = a.address();
  opened = co_await StartSite(site_b_.get(), std::move(same_port), &other);
  EXPECT_TRUE(absl::IsAlreadyExists(opened)) << opened;
  co_await StopSite(&a);
  SiteOptions foreign = Options("b");
  foreign.store_path = StorePath("a");
  opened = co_await StartSite(site_b_.get(), std::move(foreign), &other);
  EXPECT_TRUE(absl::IsAlreadyExists(opened)) << opened;
  EXPECT_NE(opened.message().find("belongs to site a"), std::string::npos) << opened;
  SiteOptions witness = Options("a");
  witness.is_primary = false;
  opened = co_await StartSite(site_a_.get(), std::move(witness), &other);
  EXPECT_TRUE(absl::IsFailedPrecondition(opened)) << opened;
  std::filesystem::create_directories(StorePath("home"));
  std::ofstream(StorePath("home") + "/letters.txt") << "mine";
  SiteOptions home = Options("home");
  opened = co_await StartSite(site_a_.get(), std::move(home), &other);
  EXPECT_TRUE(absl::IsAlreadyExists(opened)) << opened;
  EXPECT_FALSE(std::filesystem::exists(StorePath("home") + "/lock"));
}
TEST_F(SiteServerTest, RefusesStoresThatAreNotItsOwn) { Run(RefuseStores()); }

}  // namespace
}  // namespace tidemark
