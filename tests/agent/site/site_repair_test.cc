// Catching up from a peer, and what a site does when its disk is not what it was.
#include <fstream>

#include "tests/agent/site/site_bench.h"

namespace tidemark {
namespace {

class SiteRepairTest : public SiteBench {
 protected:
  Task<> FetchFromPeer();
  Task<> RefuseForgedFetch();
  Task<> RollBack(std::vector<TestRecord>* log, std::string* receipt);
  Task<> FindRollBack();
  Task<> CutRepairShort();
  Task<> RepairFrom(std::string address, std::string receipt, Position checkpoint);
  Task<> FindRot();
};

Task<> SiteRepairTest::FetchFromPeer() {
  std::vector<TestRecord> log;
  RunningSite a, b;
  co_await Start(site_a_.get(), &a);
  co_await Start(site_b_.get(), &b);
  std::unique_ptr<TestAgent> to_a = co_await UsualAgent(&a, 1);
  absl::Status small = co_await AppendRun(to_a.get(), 1, 30, 5000, &log);
  EXPECT_TRUE(small.ok()) << small;
  absl::Status big = co_await AppendRun(to_a.get(), 1, 6, 4 << 20, &log);
  EXPECT_TRUE(big.ok()) << big;
  std::unique_ptr<TestAgent> to_b = co_await UsualAgent(&b, 1);
  VaultId vault = TestVault();
  for (const uint64_t target : {uint64_t{10}, uint64_t{36}}) {
    Position upto = log[target - 1].header.position();
    std::string peer = "a";
    std::string address = a.address();
    absl::StatusOr<wire::FetchReport> report =
        co_await to_b->Fetch(upto, vault, std::move(peer), std::move(address));
    EXPECT_TRUE(report.ok()) << report.status();
    if (!report.ok()) co_return;
    EXPECT_FALSE(report->has_failure()) << report->failure().message();
    EXPECT_EQ(report->tail().sequence(), target);
  }
  co_await ExpectLog(to_b.get(), &log);
  // Live from there on.
  std::vector<TestRecord> more = log;
  absl::Status live = co_await AppendRun(to_b.get(), 1, 3, 5000, &more);
  EXPECT_TRUE(live.ok()) << live;
  co_await to_a->Finish();
  co_await to_b->Finish();
  co_await StopSite(&a);
  co_await StopSite(&b);
}
TEST_F(SiteRepairTest, CatchesUpFromAPeer) { Run(FetchFromPeer()); }

Task<> SiteRepairTest::RefuseForgedFetch() {
  std::vector<TestRecord> log;
  RunningSite a, b;
  co_await Start(site_a_.get(), &a);
  co_await Start(site_b_.get(), &b);
  std::unique_ptr<TestAgent> to_a = co_await UsualAgent(&a, 1);
  absl::Status appended = co_await AppendRun(to_a.get(), 1, 10, 5000, &log);
  EXPECT_TRUE(appended.ok()) << appended;
  std::unique_ptr<TestAgent> to_b = co_await UsualAgent(&b, 1);
  VaultId vault = TestVault();
  // Another site answers at that address.
  Position upto = log[9].header.position();
  std::string peer = "c";
  std::string address = a.address();
  absl::StatusOr<wire::FetchReport> report =
      co_await to_b->Fetch(upto, vault, std::move(peer), std::move(address));
  EXPECT_TRUE(report.ok() && report->failure().code() == wire::Failure::PEER) << report.status();
  // The peer's log is not the one that the agent's checkpoint names: nothing of it counts.
  upto.digest.bytes[0] ^= std::byte{1};
  peer = "a";
  address = a.address();
  report = co_await to_b->Fetch(upto, vault, std::move(peer), std::move(address));
  EXPECT_TRUE(report.ok() && report->failure().code() == wire::Failure::PEER) << report.status();
  if (report.ok()) {
    EXPECT_EQ(report->tail().sequence(), 0u);
  }
  absl::StatusOr<TestRecord> read = co_await to_b->Read(vault, 1);
  EXPECT_TRUE(absl::IsNotFound(read.status())) << read.status();
  // What came is dropped as soon as the agent feeds the site itself; also over a restart.
  co_await to_b->Finish();
  co_await StopSite(&b);
  co_await Start(site_b_.get(), &b);
  std::unique_ptr<TestAgent> again = co_await UsualAgent(&b, 1);
  std::vector<TestRecord> own;
  absl::Status live = co_await AppendRun(again.get(), 1, 4, 9000, &own);
  EXPECT_TRUE(live.ok()) << live;
  co_await ExpectLog(again.get(), &own);
  co_await again->Finish();
  co_await to_a->Finish();
  co_await StopSite(&a);
  co_await StopSite(&b);
}
TEST_F(SiteRepairTest, BelievesAPeerOnlyUpToACheckpointThatHolds) { Run(RefuseForgedFetch()); }

// Site a signs for ten records, `receipt` is its newest, and gets its disk of five records back.
Task<> SiteRepairTest::RollBack(std::vector<TestRecord>* log, std::string* receipt) {
  namespace fs = std::filesystem;
  for (int round = 0; round < 2; ++round) {
    RunningSite site;
    co_await Start(site_a_.get(), &site);
    std::unique_ptr<TestAgent> agent = co_await UsualAgent(&site, 1);
    absl::Status appended = co_await AppendRun(agent.get(), 1, 5, 5000, log);
    EXPECT_TRUE(appended.ok()) << appended;
    VaultId vault = TestVault();
    Position tail = log->back().header.position();
    absl::Status receipted = co_await agent->AwaitReceipt(vault, tail);
    EXPECT_TRUE(receipted.ok()) << receipted;
    *receipt = agent->receipts().back();
    co_await agent->Finish();
    co_await StopSite(&site);
    if (round == 0) fs::copy(StorePath("a"), StorePath("old"), fs::copy_options::recursive);
  }
  fs::remove_all(StorePath("a"));
  fs::rename(StorePath("old"), StorePath("a"));
}

Task<> SiteRepairTest::FindRollBack() {
  std::vector<TestRecord> log;
  std::string receipt;
  co_await RollBack(&log, &receipt);
  RunningSite a;
  co_await Start(site_a_.get(), &a);
  std::unique_ptr<TestAgent> agent = co_await UsualAgent(&a, 0);
  VaultId vault = TestVault();
  SessionId nonce = TestNonce(1);
  std::string shown = receipt;
  absl::StatusOr<wire::PromiseReply> reply =
      co_await agent->Promise(vault, 1, nonce, std::move(shown));
  EXPECT_TRUE(reply.ok()) << reply.status();
  if (reply.ok()) {
    EXPECT_EQ(reply->failure().code(), wire::Failure::DAMAGED) << reply->failure().message();
    EXPECT_EQ(reply->state().trouble().code(), wire::Failure::DAMAGED);
  }
  // It still serves what it has, and takes nothing.
  absl::StatusOr<TestRecord> read = co_await agent->Read(vault, 5);
  EXPECT_TRUE(read.ok()) << read.status();
  absl::Status sent = co_await agent->Append(&log[5]);
  EXPECT_TRUE(sent.ok()) << sent;
  absl::StatusOr<wire::Control> refused = co_await agent->Next(wire::Control::kAppendRefused);
  EXPECT_TRUE(refused.ok() && refused->append_refused().failure().code() == wire::Failure::DAMAGED);
  co_await agent->Finish();
  // A peer that has it all repairs it.
  RunningSite b;
  co_await Start(site_b_.get(), &b);
  std::unique_ptr<TestAgent> to_b = co_await UsualAgent(&b, 1);
  for (const TestRecord& record : log) {
    sent = co_await to_b->Append(&record);
    EXPECT_TRUE(sent.ok()) << sent;
  }
  Position tail = log.back().header.position();
  absl::Status acked = co_await to_b->AwaitAck(vault, tail);
  EXPECT_TRUE(acked.ok()) << acked;
  std::unique_ptr<TestAgent> again = co_await UsualAgent(&a, 0);
  std::string peer = "b";
  std::string address = b.address();
  absl::StatusOr<wire::FetchReport> report =
      co_await again->Fetch(tail, vault, std::move(peer), std::move(address));
  EXPECT_TRUE(report.ok() && !report->has_failure()) << report.status();
  shown = receipt;
  reply = co_await again->Promise(vault, 1, nonce, std::move(shown));
  EXPECT_TRUE(reply.ok() && !reply->has_failure()) << reply.status();
  absl::Status receipted = co_await again->AwaitReceipt(vault, tail);
  EXPECT_TRUE(receipted.ok()) << receipted;
  const absl::StatusOr<SignedReceipt> before =
      ParseReceipt(site_a_->key.public_key(), AsBytes(receipt));
  const absl::StatusOr<SignedReceipt> after =
      ParseReceipt(site_a_->key.public_key(), AsBytes(again->receipts().back()));
  EXPECT_TRUE(before.ok() && after.ok() && after->receipt.number > before->receipt.number);
  co_await again->Finish();
  co_await to_b->Finish();
  co_await StopSite(&a);
  co_await StopSite(&b);
}
TEST_F(SiteRepairTest, NoticesThatItsDiskWasRolledBackAndIsRepairedByAPeer) { Run(FindRollBack()); }

// What a repair brought before it was cut short counts for nothing, and what it replaced is gone: a
// site that said so much as "I hold five" would forget five that it has signed for.
Task<> SiteRepairTest::CutRepairShort() {
  std::vector<TestRecord> log;
  std::string receipt;
  co_await RollBack(&log, &receipt);
  RunningSite b;
  co_await Start(site_b_.get(), &b);
  std::unique_ptr<TestAgent> to_b = co_await UsualAgent(&b, 1);
  // More than a signed for, and still less than the checkpoint names.
  std::vector<TestRecord> beyond = log;
  for (uint64_t seed : {11, 12})
    beyond.push_back(MakeTestRecord(TestVault(), beyond.back().header.position(), 1, 5000, seed));
  for (size_t i = 0; i + 1 < beyond.size(); ++i) {
    absl::Status sent = co_await to_b->Append(&beyond[i]);
    EXPECT_TRUE(sent.ok()) << sent;
  }
  VaultId vault = TestVault();
  Position given = beyond[beyond.size() - 2].header.position();
  absl::Status acked = co_await to_b->AwaitAck(vault, given);
  EXPECT_TRUE(acked.ok()) << acked;
  co_await RepairFrom(b.address(), receipt, beyond.back().header.position());
  // Nobody shows it the receipt again: it has to know by itself.
  RunningSite a;
  co_await Start(site_a_.get(), &a);
  std::unique_ptr<TestAgent> agent = co_await UsualAgent(&a, 0);
  SessionId nonce = TestNonce(1);
  std::string nothing;
  absl::StatusOr<wire::PromiseReply> reply =
      co_await agent->Promise(vault, 1, nonce, std::move(nothing));
  EXPECT_TRUE(reply.ok()) << reply.status();
  if (reply.ok()) {
    EXPECT_EQ(reply->state().trouble().code(), wire::Failure::DAMAGED);
    EXPECT_TRUE(reply->promise().empty());
  }
  co_await agent->Finish();
  co_await to_b->Finish();
  co_await StopSite(&a);
  co_await StopSite(&b);
}

// Of site a, which a receipt shows to have lost something; the peer has not all of it.
Task<> SiteRepairTest::RepairFrom(std::string address, std::string receipt, Position checkpoint) {
  RunningSite a;
  co_await Start(site_a_.get(), &a);
  std::unique_ptr<TestAgent> agent = co_await UsualAgent(&a, 0);
  VaultId vault = TestVault();
  SessionId nonce = TestNonce(1);
  absl::StatusOr<wire::PromiseReply> reply =
      co_await agent->Promise(vault, 1, nonce, std::move(receipt));
  EXPECT_TRUE(reply.ok() && reply->failure().code() == wire::Failure::DAMAGED);
  std::string peer = "b";
  absl::StatusOr<wire::FetchReport> report =
      co_await agent->Fetch(checkpoint, vault, std::move(peer), std::move(address));
  EXPECT_TRUE(report.ok() && report->has_failure()) << report.status();
  co_await agent->Finish();
  co_await StopSite(&a);
}
TEST_F(SiteRepairTest, StaysDamagedWhenItsRepairIsCutShort) { Run(CutRepairShort()); }

Task<> SiteRepairTest::FindRot() {
  namespace fs = std::filesystem;
  std::vector<TestRecord> log;
  RunningSite site;
  co_await Start(site_a_.get(), &site);
  std::unique_ptr<TestAgent> agent = co_await UsualAgent(&site, 1);
  absl::Status appended = co_await AppendRun(agent.get(), 1, 4, 200000, &log);
  EXPECT_TRUE(appended.ok()) << appended;
  // Block 2 of record 2: behind the file header, record 1 and two blocks.
  const fs::path file = fs::path(StorePath("a")) / "vaults" / TestVault().hex() / "log-00000001";
  const size_t offset = 4096 + (4096 + log[0].payload.size()) + 4096 + 2 * kBlockBytes + 77;
  {
    std::fstream stream(file, std::ios::in | std::ios::out | std::ios::binary);
    stream.seekp(static_cast<std::streamoff>(offset));
    stream.put('!');
  }
  VaultId vault = TestVault();
  wire::Control message;
  message.mutable_verify_order()->set_request(5);
  message.mutable_verify_order()->set_vault(ToWire(ByteSpan(vault.bytes)));
  agent->control()->Send(message);
  absl::StatusOr<wire::Control> report = co_await agent->Next(wire::Control::kVerifyReport);
  EXPECT_TRUE(report.ok()) << report.status();
  if (report.ok()) {
    EXPECT_TRUE(report->verify_report().finished());
    EXPECT_EQ(report->verify_report().records(), 4u);
    EXPECT_EQ(report->verify_report().bad_size(), 1);
    if (report->verify_report().bad_size() == 1) {
      EXPECT_EQ(report->verify_report().bad(0).sequence(), 2u);
      EXPECT_EQ(report->verify_report().bad(0).block(), 2u);
    }
  }
  wire::Control read;
  wire::ReadBlocks* blocks = read.mutable_read_blocks();
  blocks->set_request(6);
  blocks->set_vault(ToWire(ByteSpan(vault.bytes)));
  blocks->set_sequence(2);
  blocks->set_first_block(1);
  blocks->set_block_count(2);
  agent->control()->Send(read);
  absl::StatusOr<wire::Control> failed = co_await agent->Next(wire::Control::kReadFailed);
  EXPECT_TRUE(failed.ok()) << failed.status();
  if (failed.ok()) {
    EXPECT_EQ(failed->read_failed().failure().code(), wire::Failure::DAMAGED);
    EXPECT_EQ(failed->read_failed().block(), 2u);
  }
  co_await agent->Finish();
  co_await StopSite(&site);
}
TEST_F(SiteRepairTest, FindsARottenBlockAndDoesNotServeIt) { Run(FindRot()); }

}  // namespace
}  // namespace tidemark
