// Who may speak to a site, and what becomes of those who may not, or who speak nonsense.
#include "tests/agent/site/site_bench.h"

namespace tidemark {
namespace {

class SiteSessionTest : public SiteBench {
 protected:
  // Hello of a party in some role; gives the refusal's code, NONE when it was let in.
  Task<wire::Failure::Code> Ask(RunningSite* site, Party* party, std::string name, std::string role,
                                uint32_t protocol) {
    TestAgent caller(io(), party->channels.get(), &party->key, std::move(name));
    caller.protocol = protocol;
    std::string address = site->address();
    absl::Status done = co_await caller.Hello(std::move(address), std::move(role));
    const wire::Failure::Code code = caller.hello().failure().code();
    EXPECT_EQ(done.ok(), code == wire::Failure::NONE) << done;
    co_await caller.Finish();
    co_return code;
  }
  Task<> CheckRoles();
  Task<> CheckReader();
  Task<> CheckGarbage();
  Task<> CheckLimit();
  Task<> CheckHeartbeat();
};

Task<> SiteSessionTest::CheckRoles() {
  Party site_party = MakeParty(Role::kSite, "a");
  Party agent = MakeParty(Role::kAgent, "agent");
  Party reader = MakeParty(Role::kReader, "reader");
  Party peer = MakeParty(Role::kSite, "b");
  Party admin = MakeParty(Role::kAdmin, "root");
  RunningSite site;
  SiteOptions options = Options("a");
  absl::Status started = co_await StartSite(&site_party, std::move(options), &site);
  EXPECT_TRUE(started.ok()) << started;
  struct Case {
    Party* party;
    const char* role;
    wire::Failure::Code code;
  };
  const Case cases[] = {
      {&agent, "agent", wire::Failure::NONE},       {&agent, "reader", wire::Failure::NONE},
      {&agent, "peer", wire::Failure::FORBIDDEN},   {&reader, "reader", wire::Failure::NONE},
      {&reader, "agent", wire::Failure::FORBIDDEN}, {&reader, "peer", wire::Failure::FORBIDDEN},
      {&peer, "peer", wire::Failure::NONE},         {&peer, "agent", wire::Failure::FORBIDDEN},
      {&admin, "agent", wire::Failure::FORBIDDEN},  {&agent, "king", wire::Failure::FORBIDDEN},
  };
  for (const Case& each : cases) {
    std::string name = each.party->name;
    std::string role = each.role;
    wire::Failure::Code code =
        co_await Ask(&site, each.party, std::move(name), std::move(role), kProtocolVersion);
    EXPECT_EQ(code, each.code) << each.party->name << " as " << each.role;
  }
  std::string other = "other";
  std::string role = "agent";
  wire::Failure::Code code =
      co_await Ask(&site, &agent, std::move(other), std::move(role), kProtocolVersion);
  EXPECT_EQ(code, wire::Failure::FORBIDDEN);
  std::string name = "agent";
  role = "agent";
  code = co_await Ask(&site, &agent, std::move(name), std::move(role), kProtocolVersion + 1);
  EXPECT_EQ(code, wire::Failure::VERSION);
  co_await StopSite(&site);
}
TEST_F(SiteSessionTest, LetsInOnlyWhatTheCertificateAllows) { Run(CheckRoles()); }

Task<> SiteSessionTest::CheckReader() {
  Party site_party = MakeParty(Role::kSite, "a");
  Party agent_party = MakeParty(Role::kAgent, "agent");
  Party reader_party = MakeParty(Role::kReader, "reader");
  RunningSite site;
  SiteOptions options = Options("a");
  absl::Status started = co_await StartSite(&site_party, std::move(options), &site);
  EXPECT_TRUE(started.ok()) << started;
  std::string address = site.address();
  std::string none;
  std::unique_ptr<TestAgent> agent =
      co_await Agent(&agent_party, std::move(address), 1, 1, std::move(none));
  std::vector<TestRecord> log;
  absl::Status appended = co_await AppendRun(agent.get(), 1, 4, 70000, &log);
  EXPECT_TRUE(appended.ok()) << appended;
  TestAgent reader(io(), reader_party.channels.get(), &reader_party.key, "reader");
  std::string to = site.address();
  std::string role = "reader";
  absl::Status connected = co_await reader.Connect(std::move(to), std::move(role));
  EXPECT_TRUE(connected.ok()) << connected;
  co_await ExpectLog(&reader, &log);
  wire::Control find;
  find.mutable_find_record()->set_request(3);
  find.mutable_find_record()->set_vault(ToWire(ByteSpan(TestVault().bytes)));
  find.mutable_find_record()->set_kind(static_cast<uint32_t>(RecordKind::kVaultGenesis));
  reader.control()->Send(find);
  absl::StatusOr<wire::Control> found = co_await reader.Next(wire::Control::kFoundRecord);
  EXPECT_TRUE(found.ok() && found->found_record().sequence() == 1) << found.status();
  // A promise is not a reader's to ask: the site says goodbye.
  wire::Control promise;
  promise.mutable_promise_request()->set_vault(ToWire(ByteSpan(TestVault().bytes)));
  promise.mutable_promise_request()->set_epoch(9);
  promise.mutable_promise_request()->set_nonce(ToWire(ByteSpan(TestNonce(9).bytes)));
  reader.control()->Send(promise);
  absl::StatusOr<wire::Control> bye = co_await reader.Next(wire::Control::kGoodbye);
  EXPECT_TRUE(bye.ok() && bye->goodbye().failure().code() == wire::Failure::FORBIDDEN)
      << bye.status();
  // Nor can it open the connection for appends, even in a session that lives.
  TestAgent second(io(), reader_party.channels.get(), &reader_party.key, "reader");
  to = site.address();
  role = "reader";
  connected = co_await second.Connect(std::move(to), std::move(role));
  EXPECT_TRUE(connected.ok()) << connected;
  absl::Status opened = co_await second.OpenData(kAppendConnection);
  EXPECT_FALSE(opened.ok());
  absl::Status still = co_await AppendRun(agent.get(), 1, 1, 5000, &log);
  EXPECT_TRUE(still.ok()) << still;
  co_await reader.Finish();
  co_await second.Finish();
  co_await agent->Finish();
  co_await StopSite(&site);
}
TEST_F(SiteSessionTest, ReadersReadAndDoNothingElse) { Run(CheckReader()); }

Task<> SiteSessionTest::CheckGarbage() {
  Party site_party = MakeParty(Role::kSite, "a");
  Party agent_party = MakeParty(Role::kAgent, "agent");
  RunningSite site;
  SiteOptions options = Options("a");
  options.handshake_limit = absl::Milliseconds(300);
  absl::Status started = co_await StartSite(&site_party, std::move(options), &site);
  EXPECT_TRUE(started.ok()) << started;
  SeededEntropy entropy(5);
  std::vector<std::byte> noise(9000);
  for (int i = 0; i < 20; ++i) {
    const uint16_t port = i % 2 == 0 ? site.server->control_port() : site.server->data_port();
    Op connect = io()->Connect(absl::StrCat("127.0.0.1:", port));
    const int32_t fd = co_await connect;
    EXPECT_GE(fd, 0);
    if (fd < 0) co_return;
    entropy.Fill(noise);
    // Some say nothing at all; the site hangs up on them too.
    const ByteSpan bytes = ByteSpan(noise).first(i < 2 ? 0 : 1 + static_cast<size_t>(i) * 400);
    absl::Status sent = co_await SendFully(io(), fd, bytes);
    std::array<std::byte, 4096> answer;
    int32_t got = 1;
    while (got > 0) {
      Op recv = io()->Recv(fd, answer);
      got = co_await recv;
    }
    Op close = io()->Close(fd);
    const int32_t closed = co_await close;
    EXPECT_GE(closed, 0);
  }
  std::string address = site.address();
  std::string none;
  std::unique_ptr<TestAgent> agent =
      co_await Agent(&agent_party, std::move(address), 1, 1, std::move(none));
  std::vector<TestRecord> log;
  absl::Status appended = co_await AppendRun(agent.get(), 1, 3, 5000, &log);
  EXPECT_TRUE(appended.ok()) << appended;
  // Noise where frames should be: this agent is cut off, the next one is served.
  const TestRecord record = MakeTestRecord(TestVault(), log.back().header.position(), 1, 5000, 3);
  CanonicalHeader lying = record.header;
  absl::Status sent = co_await agent->data(kAppendConnection)->SendHead(&lying, 0);
  EXPECT_TRUE(sent.ok()) << sent;
  std::vector<std::byte> wrong(record.payload.size(), std::byte{1});
  sent = co_await agent->data(kAppendConnection)->SendBlocks(&lying, 0, 1, wrong, 0);
  absl::StatusOr<wire::Control> end = co_await agent->Next(wire::Control::kGoodbye);
  EXPECT_FALSE(end.ok());
  co_await agent->Finish();
  std::string again_address = site.address();
  std::string nothing;
  std::unique_ptr<TestAgent> again =
      co_await Agent(&agent_party, std::move(again_address), 1, 1, std::move(nothing));
  co_await ExpectLog(again.get(), &log);
  co_await again->Finish();
  co_await StopSite(&site);
}
TEST_F(SiteSessionTest, SurvivesGarbageOnBothPorts) { Run(CheckGarbage()); }

Task<> SiteSessionTest::CheckLimit() {
  Party site_party = MakeParty(Role::kSite, "a");
  Party reader_party = MakeParty(Role::kReader, "reader");
  RunningSite site;
  SiteOptions options = Options("a");
  options.sessions_max = 3;
  absl::Status started = co_await StartSite(&site_party, std::move(options), &site);
  EXPECT_TRUE(started.ok()) << started;
  std::vector<std::unique_ptr<TestAgent>> readers;
  for (int i = 0; i < 4; ++i) {
    readers.push_back(std::make_unique<TestAgent>(io(), reader_party.channels.get(),
                                                  &reader_party.key, "reader"));
    std::string address = site.address();
    std::string role = "reader";
    absl::Status connected = co_await readers.back()->Connect(std::move(address), std::move(role));
    EXPECT_EQ(connected.ok(), i < 3) << connected;
  }
  for (std::unique_ptr<TestAgent>& reader : readers) co_await reader->Finish();
  co_await StopSite(&site);
}
TEST_F(SiteSessionTest, TakesNoMoreSessionsThanItsLimit) { Run(CheckLimit()); }

Task<> SiteSessionTest::CheckHeartbeat() {
  Party site_party = MakeParty(Role::kSite, "a");
  Party agent_party = MakeParty(Role::kAgent, "agent");
  RunningSite site;
  SiteOptions options = Options("a");
  absl::Status started = co_await StartSite(&site_party, std::move(options), &site);
  EXPECT_TRUE(started.ok()) << started;
  std::string address = site.address();
  std::string none;
  std::unique_ptr<TestAgent> agent =
      co_await Agent(&agent_party, std::move(address), 1, 1, std::move(none));
  std::vector<TestRecord> log;
  absl::Status appended = co_await AppendRun(agent.get(), 1, 2, 1 << 20, &log);
  EXPECT_TRUE(appended.ok()) << appended;
  wire::Control beat;
  beat.mutable_heartbeat()->set_sent_at_nanos(42);
  agent->control()->Send(beat);
  absl::StatusOr<wire::Control> answer = co_await agent->Next(wire::Control::kHeartbeatReply);
  EXPECT_TRUE(answer.ok()) << answer.status();
  if (answer.ok()) {
    const wire::HeartbeatReply& reply = answer->heartbeat_reply();
    EXPECT_EQ(reply.sent_at_nanos(), 42);
    EXPECT_EQ(reply.vaults_size(), 1);
    EXPECT_EQ(reply.vaults(0).durable().sequence(), 2u);
    EXPECT_GE(reply.io_count(), 2u * 64);
    EXPECT_GE(reply.commit_count(), 1u);
    EXPECT_GE(reply.bytes_written(), 2u << 20);
    EXPECT_GT(reply.store_free_bytes(), 0u);
  }
  co_await agent->Finish();
  co_await StopSite(&site);
}
TEST_F(SiteSessionTest, AnswersHeartbeatsWithWhatItHolds) { Run(CheckHeartbeat()); }

}  // namespace
}  // namespace tidemark
