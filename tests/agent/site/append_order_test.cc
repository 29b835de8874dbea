// Goal: over several connections a site appends in the log's order, whatever overtakes what, and
// neither a record that is early nor one that never comes holds up anything else.
#include "tests/agent/site/site_bench.h"

namespace tidemark {
namespace {

constexpr size_t kWhole = 4 << 20;

class AppendOrderTest : public SiteBench {
 protected:
  // A site, and an agent with `connections` of them for appends, which may append in epoch 1.
  Task<> Begin(uint32_t connections, RunningSite* site, std::unique_ptr<TestAgent>* agent) {
    co_await Start(site_a_.get(), site);
    *agent = co_await UsualAgent(site, 1);
    for (uint32_t i = 1; i < connections; ++i) {
      absl::Status opened = co_await (*agent)->OpenData(AppendConnectionNumber(i));
      EXPECT_TRUE(opened.ok()) << opened;
    }
  }
  static std::vector<TestRecord> MakeLog(int count, size_t bytes) {
    std::vector<TestRecord> log;
    for (int i = 0; i < count; ++i) {
      const Position tail = log.empty() ? Position() : log.back().header.position();
      log.push_back(MakeTestRecord(TestVault(), tail, 1, bytes, 7));
    }
    return log;
  }
  Task<> AwaitLast(TestAgent* agent, const std::vector<TestRecord>* log) {
    VaultId vault = TestVault();
    Position last = log->back().header.position();
    absl::Status acked = co_await agent->AwaitAck(vault, last);
    EXPECT_TRUE(acked.ok()) << acked;
  }
  Task<> Send(TestAgent* agent, const TestRecord* record, uint32_t index) {
    absl::Status sent = co_await agent->Append(record, AppendConnectionNumber(index));
    EXPECT_TRUE(sent.ok()) << sent;
  }
  // As far as it goes.
  Task<> Try(TestAgent* agent, const TestRecord* record, uint32_t index) {
    absl::Status sent = co_await agent->Append(record, AppendConnectionNumber(index));
    (void)sent;
  }
  Task<> CheckBackwards();
  Task<> CheckMoreThanThePool();
  Task<> CheckAWaitingRecordEnds();
  Task<> CheckAGapOnOne();
  Task<> CheckNumbers();
};

// Each group of four comes last one first.
Task<> AppendOrderTest::CheckBackwards() {
  RunningSite site;
  std::unique_ptr<TestAgent> agent;
  co_await Begin(4, &site, &agent);
  const std::vector<TestRecord> log = MakeLog(32, 70000);
  for (size_t group = 0; group < log.size(); group += 4) {
    for (size_t i = 4; i-- > 0;)
      co_await Send(agent.get(), &log[group + i], static_cast<uint32_t>(i));
  }
  co_await AwaitLast(agent.get(), &log);
  EXPECT_TRUE(agent->refusals().empty());
  co_await ExpectLog(agent.get(), &log);
  co_await agent->Finish();
  co_await StopSite(&site);
}
TEST_F(AppendOrderTest, WhatOvertakesWaitsForItsTurn) { Run(CheckBackwards()); }

// Two agents with eight connections each, all early but one, and a site with eight buffers.
Task<> AppendOrderTest::CheckMoreThanThePool() {
  Party site_party = MakeParty(Role::kSite, "a");
  RunningSite site;
  SiteOptions options = Options("a");
  options.record_buffers = 8;
  absl::Status started = co_await StartSite(&site_party, std::move(options), &site);
  EXPECT_TRUE(started.ok()) << started;
  const std::vector<TestRecord> log = MakeLog(kAppendConnectionsMax, kWhole);
  std::vector<std::unique_ptr<TestAgent>> agents;
  TaskGroup sending(io());
  for (uint8_t number = 1; number <= 2; ++number) {
    std::string address = site.address();
    std::string none;
    std::unique_ptr<TestAgent> agent =
        co_await Agent(agent_.get(), std::move(address), number, number, std::move(none));
    agents.push_back(std::move(agent));
    for (uint32_t i = 1; i < kAppendConnectionsMax; ++i) {
      absl::Status opened = co_await agents.back()->OpenData(AppendConnectionNumber(i));
      EXPECT_TRUE(opened.ok()) << opened;
    }
    if (number == 1) {
      for (uint32_t i = 1; i < kAppendConnectionsMax; ++i)
        sending.Spawn(Try(agents[0].get(), &log[i], i));
    }
  }
  // The second agent has the promise now; its records begin with another epoch's.
  std::vector<TestRecord> other;
  for (uint32_t i = 0; i < kAppendConnectionsMax; ++i) {
    const Position tail = other.empty() ? Position() : other.back().header.position();
    other.push_back(MakeTestRecord(TestVault(), tail, 2, kWhole, 8));
  }
  for (uint32_t i = kAppendConnectionsMax; i-- > 0;)
    sending.Spawn(Send(agents[1].get(), &other[i], i));
  co_await AwaitLast(agents[1].get(), &other);
  co_await agents[0]->Finish();
  co_await sending.Join();
  co_await ExpectLog(agents[1].get(), &other);
  co_await agents[1]->Finish();
  co_await StopSite(&site);
}
TEST_F(AppendOrderTest, WhoseTurnItIsAlwaysFindsABuffer) { Run(CheckMoreThanThePool()); }

// The one before it never comes: its session ends all the same, and the next one appends.
Task<> AppendOrderTest::CheckAWaitingRecordEnds() {
  RunningSite site;
  std::unique_ptr<TestAgent> agent;
  co_await Begin(2, &site, &agent);
  const std::vector<TestRecord> log = MakeLog(2, 70000);
  co_await Send(agent.get(), &log[1], 1);
  co_await agent->Finish();
  std::unique_ptr<TestAgent> next = co_await UsualAgent(&site, 1);
  for (const TestRecord& record : log) {
    absl::Status sent = co_await next->Append(&record);
    EXPECT_TRUE(sent.ok()) << sent;
  }
  co_await AwaitLast(next.get(), &log);
  co_await ExpectLog(next.get(), &log);
  co_await next->Finish();
  co_await StopSite(&site);
}
TEST_F(AppendOrderTest, ARecordThatWaitsEndsWithItsSession) { Run(CheckAWaitingRecordEnds()); }

Task<> AppendOrderTest::CheckAGapOnOne() {
  RunningSite site;
  std::unique_ptr<TestAgent> agent;
  co_await Begin(1, &site, &agent);
  const std::vector<TestRecord> log = MakeLog(2, 70000);
  co_await Send(agent.get(), &log[1], 0);
  absl::StatusOr<wire::Control> refused = co_await agent->Next(wire::Control::kAppendRefused);
  EXPECT_TRUE(refused.ok()) << refused.status();
  EXPECT_EQ(refused.ok() ? refused->append_refused().sequence() : 0, 2u);
  co_await agent->Finish();
  co_await StopSite(&site);
}
TEST_F(AppendOrderTest, OnOneConnectionAGapIsRefused) { Run(CheckAGapOnOne()); }

Task<> AppendOrderTest::CheckNumbers() {
  RunningSite site;
  std::unique_ptr<TestAgent> agent;
  co_await Begin(kAppendConnectionsMax, &site, &agent);
  EXPECT_EQ(agent->hello().append_connections_max(), kAppendConnectionsMax);
  for (const uint8_t number : {kAppendConnection, uint8_t{2}, uint8_t{kAppendConnectionsMax + 1}}) {
    absl::Status opened = co_await agent->OpenData(number);
    EXPECT_FALSE(opened.ok()) << int{number} << " is taken, or is none";
  }
  co_await agent->Finish();
  co_await StopSite(&site);
}
TEST_F(AppendOrderTest, ANumberIsGivenOnce) { Run(CheckNumbers()); }

}  // namespace
}  // namespace tidemark
