#include "tests/agent/site/site_trio.h"

#include <utility>

namespace tidemark {

SiteOptions SiteTrio::Options(int site) const {
  SiteOptions options;
  options.name = kNames[site];
  options.is_primary = site < 2;
  options.store_path = "/store";
  options.listen = absl::StrCat(kNames[site], ":7000");
  options.data_listen = absl::StrCat(kNames[site], ":7001");
  options.record_buffers = 8;
  options.log_file_bytes_min = 5 << 20;
  options.log_file_bytes_max = 6 << 20;
  options.reserve_bytes = 0;
  options.idle_limit = absl::Hours(10000);
  // The scrub is tested by itself.
  options.scrub_rest = absl::Hours(10000);
  options.scrub_period_seconds = (24 * 366) * 3600;
  options.scrub_bytes_per_second_min = 0;
  if (tweak) tweak(&options);
  return options;
}

void SiteTrio::Start(int site) {
  channels_[site] =
      MakeNullFactory(NameOf(Role::kSite, kNames[site], keys_[site]), world.io(nodes_[site]));
  serving_[site] = std::make_unique<Task<>>(Serve(world.io(nodes_[site]), this, site));
  serving_[site]->Start();
  const bool up = world.Run([&] { return servers_[site] != nullptr; }, absl::Minutes(1));
  ASSERT_TRUE(up);
}

void SiteTrio::Stop(int site, bool power) {
  if (serving_[site] == nullptr) return;
  if (power) {
    world.Crash(nodes_[site]);
  } else {
    world.Kill(nodes_[site]);
  }
  serving_[site].reset();
  servers_[site].reset();
  channels_[site].reset();
  world.Restart(nodes_[site]);
}

Task<std::unique_ptr<TestAgent>> SiteTrio::Greet(int site) {
  auto agent = std::make_unique<TestAgent>(io(), agent_channels_.get(), &agent_key_, "agent");
  std::string role = "agent";
  absl::Status connected = co_await agent->Connect(Options(site).listen, role);
  EXPECT_TRUE(connected.ok()) << connected;
  co_return std::move(agent);
}

Task<std::unique_ptr<TestAgent>> SiteTrio::Connect(int site) {
  std::unique_ptr<TestAgent> agent = co_await Greet(site);
  SessionId nonce;
  nonce.bytes.fill(std::byte{7});
  VaultId vault = TestVault();
  std::string receipt;
  absl::StatusOr<wire::PromiseReply> promise =
      co_await agent->Promise(vault, 1, nonce, std::move(receipt));
  EXPECT_TRUE(promise.ok()) << promise.status();
  wire::Control message;
  for (const char* name : kNames) {
    wire::PeerList::Peer* peer = message.mutable_peers()->add_peers();
    peer->set_name(name);
    peer->set_address(absl::StrCat(name, ":7000"));
  }
  agent->control()->Send(message);
  co_return std::move(agent);
}

Task<std::unique_ptr<TestAgent>> SiteTrio::Append(int site, const std::vector<TestRecord>* log) {
  std::unique_ptr<TestAgent> agent = co_await Connect(site);
  for (const TestRecord& record : *log) {
    absl::Status sent = co_await agent->Append(&record);
    EXPECT_TRUE(sent.ok()) << sent;
  }
  VaultId vault = TestVault();
  Position tail = log->back().header.position();
  absl::Status acked = co_await agent->AwaitAck(vault, tail);
  EXPECT_TRUE(acked.ok()) << acked;
  co_return std::move(agent);
}

Task<> SiteTrio::AppendAll(int site, const std::vector<TestRecord>* log) {
  std::unique_ptr<TestAgent> agent = co_await Append(site, log);
  co_await agent->Finish();
}

Task<> SiteTrio::ReadFirst(int site, size_t count) {
  std::unique_ptr<TestAgent> agent = co_await Connect(site);
  VaultId vault = TestVault();
  for (size_t sequence = 1; sequence <= count; ++sequence) {
    absl::StatusOr<TestRecord> read = co_await agent->Read(vault, sequence);
    EXPECT_TRUE(read.ok()) << read.status();
  }
  co_await agent->Finish();
}

Task<> SiteTrio::Fill(const std::vector<TestRecord>* log, std::string* receipt) {
  for (int site = 0; site < kSites; ++site) {
    std::unique_ptr<TestAgent> agent = co_await Append(site, log);
    VaultId vault = TestVault();
    Position tail = log->back().header.position();
    if (receipt != nullptr && site == 0) {
      absl::Status signed_for = co_await agent->AwaitReceipt(vault, tail);
      EXPECT_TRUE(signed_for.ok()) << signed_for;
      *receipt = agent->receipts().empty() ? "" : agent->receipts().back();
    }
    co_await agent->Finish();
  }
}

Task<wire::ScrubState> SiteTrio::Scrub(int site) {
  std::unique_ptr<TestAgent> agent = co_await Connect(site);
  wire::Control message;
  message.mutable_heartbeat()->set_sent_at_nanos(1);
  agent->control()->Send(message);
  absl::StatusOr<wire::Control> reply = co_await agent->Next(wire::Control::kHeartbeatReply);
  EXPECT_TRUE(reply.ok()) << reply.status();
  co_await agent->Finish();
  co_return reply.ok() ? reply->heartbeat_reply().scrub() : wire::ScrubState();
}

Task<wire::VerifyReport> SiteTrio::Verify(int site) {
  std::unique_ptr<TestAgent> agent = co_await Connect(site);
  VaultId vault = TestVault();
  wire::Control message;
  message.mutable_verify_order()->set_request(5);
  message.mutable_verify_order()->set_vault(ToWire(ByteSpan(vault.bytes)));
  agent->control()->Send(message);
  wire::VerifyReport whole;
  while (!whole.finished()) {
    absl::StatusOr<wire::Control> report = co_await agent->Next(wire::Control::kVerifyReport);
    EXPECT_TRUE(report.ok()) << report.status();
    if (!report.ok()) break;
    wire::VerifyReport next = report->verify_report();
    for (const auto& bad : next.bad()) *whole.add_bad() = bad;
    next.mutable_bad()->Swap(whole.mutable_bad());
    whole = std::move(next);
  }
  co_await agent->Finish();
  co_return std::move(whole);
}

PartyName SiteTrio::NameOf(Role role, std::string name, const SigningKey& key) {
  PartyName party;
  party.role = role;
  party.name = std::move(name);
  party.key = key.public_key();
  return party;
}

Task<> SiteTrio::Serve(Io* io, SiteTrio* trio, int site) {
  SiteOptions options = trio->Options(site);
  absl::StatusOr<std::unique_ptr<SiteServer>> opened = co_await SiteServer::Open(
      io, std::move(options), trio->channels_[site].get(), &trio->keys_[site]);
  EXPECT_TRUE(opened.ok()) << opened.status();
  if (!opened.ok()) co_return;
  trio->servers_[site] = std::move(*opened);
  absl::Status served = co_await trio->servers_[site]->Serve();
  EXPECT_TRUE(served.ok()) << served;
}

}  // namespace tidemark
