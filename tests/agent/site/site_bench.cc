#include "tests/agent/site/site_bench.h"

namespace tidemark {

void SiteBench::SetUp() {
  absl::StatusOr<std::unique_ptr<UringIo>> io = UringIo::Create(UringOptions());
  ASSERT_TRUE(io.ok()) << io.status();
  io_ = std::move(*io);
  directory_ = std::filesystem::path(TIDEMARK_SCRATCH) /
               ::testing::UnitTest::GetInstance()->current_test_info()->name();
  std::filesystem::remove_all(directory_);
  std::filesystem::create_directories(directory_);
  absl::StatusOr<Credential> authority =
      CreateAuthority("test", io_->Now(), absl::Hours(24), io_.get());
  ASSERT_TRUE(authority.ok()) << authority.status();
  authority_ = *authority;
  site_a_ = std::make_unique<Party>(MakeParty(Role::kSite, "a"));
  site_b_ = std::make_unique<Party>(MakeParty(Role::kSite, "b"));
  agent_ = std::make_unique<Party>(MakeParty(Role::kAgent, "agent"));
}

void SiteBench::TearDown() {
  io_.reset();
  std::filesystem::remove_all(directory_);
}

Party SiteBench::MakeParty(Role role, std::string name) {
  Party party{name, SigningKey::Generate(io_.get()), nullptr};
  ChannelIdentity identity;
  identity.authority_pem = authority_.certificate_pem;
  identity.own =
      *IssueCertificate(authority_, role, name, party.key, io_->Now(), absl::Hours(24), io_.get());
  party.channels = std::move(*MakeTlsFactory(identity));
  return party;
}

SiteOptions SiteBench::Options(const std::string& name) const {
  SiteOptions options;
  options.name = name;
  options.store_path = StorePath(name);
  options.listen = options.data_listen = "127.0.0.1:0";
  options.record_buffers = 8;
  options.log_file_bytes_min = 8 << 20;
  options.log_file_bytes_max = 16 << 20;
  options.reserve_bytes = 1 << 20;
  return options;
}

void SiteBench::Run(Task<> story) {
  story.Start();
  Task<> until = StopAfter(&story);
  until.Start();
  io_->Run();
  ASSERT_TRUE(story.done());
}

Task<> SiteBench::StopAfter(Task<>* story) {
  Task<>& running = *story;
  co_await running;
  io_->Stop();
}

Task<> SiteBench::Start(Party* party, RunningSite* site) {
  SiteOptions options = Options(party->name);
  absl::Status started = co_await StartSite(party, std::move(options), site);
  EXPECT_TRUE(started.ok()) << started;
}

Task<absl::Status> SiteBench::StartSite(Party* party, SiteOptions options, RunningSite* site) {
  site->party = party;
  absl::StatusOr<std::unique_ptr<SiteServer>> opened =
      co_await SiteServer::Open(io(), std::move(options), party->channels.get(), &party->key);
  if (!opened.ok()) co_return opened.status();
  site->server = std::move(*opened);
  site->serving = std::make_unique<Task<absl::Status>>(site->server->Serve());
  site->serving->Start();
  co_return absl::OkStatus();
}

Task<> SiteBench::StopSite(RunningSite* site) {
  site->server->Stop();
  Task<absl::Status>& serving = *site->serving;
  absl::Status served = co_await serving;
  EXPECT_TRUE(served.ok()) << served;
  site->serving.reset();
  site->server.reset();
}

Task<std::unique_ptr<TestAgent>> SiteBench::Agent(Party* party, std::string address, uint64_t epoch,
                                                  uint8_t nonce, std::string receipt) {
  auto agent = std::make_unique<TestAgent>(io(), party->channels.get(), &party->key, party->name);
  std::string role = "agent";
  absl::Status connected = co_await agent->Connect(std::move(address), std::move(role));
  EXPECT_TRUE(connected.ok()) << connected;
  if (connected.ok() && epoch > 0) {
    VaultId vault = TestVault();
    SessionId session = TestNonce(nonce);
    absl::StatusOr<wire::PromiseReply> reply =
        co_await agent->Promise(vault, epoch, session, std::move(receipt));
    EXPECT_TRUE(reply.ok()) << reply.status();
    if (reply.ok()) {
      EXPECT_FALSE(reply->has_failure()) << reply->failure().message();
    }
  }
  co_return std::move(agent);
}

Task<std::unique_ptr<TestAgent>> SiteBench::UsualAgent(RunningSite* site, uint64_t epoch) {
  std::string address = site->address();
  std::string receipt;
  std::unique_ptr<TestAgent> agent =
      co_await Agent(agent_.get(), std::move(address), epoch, 1, std::move(receipt));
  co_return std::move(agent);
}

Task<absl::Status> SiteBench::AppendRun(TestAgent* agent, uint64_t epoch, int count, size_t bytes,
                                        std::vector<TestRecord>* log) {
  Position tail;
  for (int i = 0; i < count; ++i) {
    tail = log->empty() ? Position() : log->back().header.position();
    log->push_back(MakeTestRecord(TestVault(), tail, epoch, bytes, 7));
    const TestRecord record = log->back();
    absl::Status sent = co_await agent->Append(&record);
    if (!sent.ok()) co_return sent;
  }
  VaultId vault = TestVault();
  tail = log->back().header.position();
  absl::Status acked = co_await agent->AwaitAck(vault, tail);
  co_return acked;
}

Task<> SiteBench::ExpectLog(TestAgent* agent, const std::vector<TestRecord>* log) {
  VaultId vault = TestVault();
  for (uint64_t sequence = 1; sequence <= log->size(); ++sequence) {
    absl::StatusOr<TestRecord> read = co_await agent->Read(vault, sequence);
    EXPECT_TRUE(read.ok()) << read.status();
    if (!read.ok()) co_return;
    const TestRecord& wanted = (*log)[sequence - 1];
    EXPECT_EQ(read->header.digest(), wanted.header.digest());
    EXPECT_EQ(read->payload, wanted.payload);
  }
  uint64_t behind = log->size() + 1;
  absl::StatusOr<TestRecord> beyond = co_await agent->Read(vault, behind);
  EXPECT_TRUE(absl::IsNotFound(beyond.status())) << beyond.status();
}

}  // namespace tidemark
