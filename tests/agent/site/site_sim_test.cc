// A whole site and its agent in the simulator: the site's power fails again and again, and at no
// time has it acked or signed for more than it keeps, or signed two receipts with one number.
#include "absl/strings/str_format.h"
#include "agent/site/site_server.h"
#include "gtest/gtest.h"
#include "tests/agent/site/test_agent.h"
#include "tests/sim/sim_world.h"

namespace tidemark {
namespace {

// What the agent knows for good.
struct Notebook {
  std::map<Digest, TestRecord> offered;
  std::vector<Position> acked;               // [sequence - 1]
  std::map<uint64_t, std::string> receipts;  // by number
  uint64_t epoch = 0;
  uint64_t seed = 0;
  uint64_t lives = 0;  // of sessions that could append
};

struct Parties {
  explicit Parties(uint64_t seed)
      : entropy(seed),
        site(SigningKey::Generate(&entropy)),
        agent(SigningKey::Generate(&entropy)) {}
  SeededEntropy entropy;
  SigningKey site, agent;
};

PartyName NameOf(Role role, std::string name, const SigningKey& key) {
  PartyName party;
  party.role = role;
  party.name = std::move(name);
  party.key = key.public_key();
  return party;
}

// The process of the site.
struct SiteProcess {
  std::unique_ptr<ChannelFactory> channels;
  std::unique_ptr<SiteServer> server;
  bool failed = false;
};

Task<> ServeSite(Io* io, const SigningKey* key, SiteProcess* process) {
  process->channels = MakeNullFactory(NameOf(Role::kSite, "a", *key), io);
  SiteOptions options;
  options.name = "a";
  options.store_path = "/store";
  options.listen = "a:7000";
  options.data_listen = "a:7001";
  options.record_buffers = 6;
  options.log_file_bytes_min = 5 << 20;
  options.log_file_bytes_max = 6 << 20;
  options.reserve_bytes = 0;
  absl::StatusOr<std::unique_ptr<SiteServer>> opened =
      co_await SiteServer::Open(io, options, process->channels.get(), key);
  process->failed = !opened.ok();
  if (!opened.ok()) co_return;
  process->server = std::move(*opened);
  absl::Status served = co_await process->server->Serve();
  EXPECT_TRUE(served.ok()) << served;
}

void NoteReceipts(TestAgent* agent, Notebook* book) {
  for (const std::string& bytes : agent->receipts()) {
    absl::StatusOr<SignedReceipt> receipt = ParseReceipt(agent->SiteKey(), AsBytes(bytes));
    EXPECT_TRUE(receipt.ok()) << receipt.status();
    if (!receipt.ok()) return;
    auto [place, fresh] = book->receipts.emplace(receipt->receipt.number, bytes);
    EXPECT_TRUE(fresh || place->second == bytes) << "two receipts " << receipt->receipt.number;
    for (const VaultHead& head : receipt->receipt.heads) {
      EXPECT_TRUE(head.durable.sequence == 0 || book->offered.count(head.durable.digest) == 1);
    }
  }
}

// Every place up to `durable` is acked from here on.
void NoteDurable(const Position& durable, Notebook* book) {
  if (durable.sequence <= book->acked.size()) {
    if (durable.sequence > 0) {
      EXPECT_EQ(durable, book->acked[durable.sequence - 1]);
    }
    return;
  }
  std::vector<Position> behind;
  Position at = durable;
  while (at.sequence > book->acked.size()) {
    const auto record = book->offered.find(at.digest);
    EXPECT_NE(record, book->offered.end()) << "a ghost at " << at.sequence;
    if (record == book->offered.end()) return;
    behind.push_back(record->second.header.position());
    at.digest = record->second.header.previous;
    --at.sequence;
  }
  if (at.sequence > 0) {
    EXPECT_EQ(at.digest, book->acked.back().digest);
  }
  book->acked.insert(book->acked.end(), behind.rbegin(), behind.rend());
}

// One session: promise, then records until something breaks.
Task<absl::Status> Session(Io* io, TestAgent* agent, Notebook* book, SimRandom* random) {
  (void)io;
  std::string address = "a:7000";
  std::string role = "agent";
  absl::Status connected = co_await agent->Connect(std::move(address), std::move(role));
  if (!connected.ok()) co_return connected;
  if (book->epoch == 0 || random->Between(0, 3) == 0) ++book->epoch;
  VaultId vault = TestVault();
  SessionId nonce;
  nonce.bytes.fill(static_cast<std::byte>(book->epoch));
  std::string shown = book->receipts.empty() ? "" : book->receipts.rbegin()->second;
  absl::StatusOr<wire::PromiseReply> reply =
      co_await agent->Promise(vault, book->epoch, nonce, std::move(shown));
  if (!reply.ok()) co_return reply.status();
  EXPECT_NE(reply->failure().code(), wire::Failure::DAMAGED) << reply->failure().message();
  EXPECT_NE(reply->failure().code(), wire::Failure::DIVERGED) << reply->failure().message();
  EXPECT_NE(reply->failure().code(), wire::Failure::FENCED) << reply->failure().message();
  if (reply->has_failure()) co_return FailureStatus("a", reply->failure());
  const absl::StatusOr<SignedPromise> promise =
      ParsePromise(agent->SiteKey(), AsBytes(reply->promise()));
  EXPECT_TRUE(promise.ok()) << promise.status();
  if (!promise.ok()) co_return promise.status();
  const Position tail = promise->promise.tail;
  EXPECT_GE(tail.sequence, book->acked.size()) << "acked and lost";
  NoteDurable(tail, book);
  ++book->lives;
  Position last = tail;
  for (int round = 0; round < 1000; ++round) {
    const uint64_t count = random->Between(1, 5);
    for (uint64_t i = 0; i < count; ++i) {
      const bool big = random->Between(0, 5) == 0;
      const size_t bytes = random->Between(1, big ? 300000 : 20000);
      TestRecord record = MakeTestRecord(TestVault(), last, book->epoch, bytes, ++book->seed);
      last = record.header.position();
      const TestRecord& kept = book->offered.emplace(last.digest, std::move(record)).first->second;
      absl::Status sent = co_await agent->Append(&kept);
      if (!sent.ok()) co_return sent;
    }
    absl::Status acked = co_await agent->AwaitAck(vault, last);
    if (!acked.ok()) co_return acked;
    NoteDurable(last, book);
  }
  co_return absl::OkStatus();
}

Task<> LiveAsAgent(Io* io, const SigningKey* key, Notebook* book, SimRandom* random) {
  std::unique_ptr<ChannelFactory> channels =
      MakeNullFactory(NameOf(Role::kAgent, "agent", *key), io);
  while (true) {
    TestAgent agent(io, channels.get(), key, "agent");
    absl::Status ended = co_await Session(io, &agent, book, random);
    (void)ended;
    if (agent.control() != nullptr) NoteReceipts(&agent, book);
    co_await agent.Finish();
    Op rest = io->Sleep(absl::Milliseconds(500));
    const int32_t rested = co_await rest;
    (void)rested;
  }
}

uint64_t RunSeed(uint64_t seed, const FaultOptions& faults) {
  SCOPED_TRACE(absl::StrFormat("seed %d %s", seed, faults.Describe()));
  SimWorld world(seed, faults);
  const int site = world.AddNode("a");
  const int agent = world.AddNode("agent");
  world.disk(site)->MakeDirectories("/store");
  Parties parties(seed);
  SimRandom random(seed * 31 + 7);
  Notebook book;
  book.seed = seed << 20;
  {
    Task<> client = LiveAsAgent(world.io(agent), &parties.agent, &book, &random);
    client.Start();
    for (int life = 0; life < 6 && !::testing::Test::HasFailure(); ++life) {
      auto process = std::make_unique<SiteProcess>();
      Task<> story = ServeSite(world.io(site), &parties.site, process.get());
      story.Start();
      world.RunFor(absl::Microseconds(random.Between(1000, 2500000)));
      world.Crash(site);
      {
        Task<> dead = std::move(story);
      }
      process.reset();
      world.Restart(site);
    }
    world.Crash(agent);
  }
  return book.acked.size();
}

TEST(SiteInTheSimulator, KeepsEveryAckAndReceiptThroughPowerFailures) {
  uint64_t acked = 0;
  for (uint64_t seed = 1; seed <= 60 && !HasFailure(); ++seed) {
    FaultOptions faults;
    faults.torn_garbage_ppm = seed % 2 == 0 ? 300000 : 0;
    faults.reset_ppm = seed % 3 == 0 ? 500 : 0;
    acked += RunSeed(seed, faults);
  }
  EXPECT_GT(acked, 1000u);
}

TEST(SiteInTheSimulator, KeepsEveryAckOnADiskThatFails) {
  uint64_t acked = 0;
  for (uint64_t seed = 1001; seed <= 1060 && !HasFailure(); ++seed) {
    FaultOptions faults;
    faults.torn_garbage_ppm = 100000;
    faults.write_eio_ppm = seed % 2 == 0 ? 2000 : 0;
    faults.sync_eio_ppm = seed % 2 == 1 ? 10000 : 0;
    acked += RunSeed(seed, faults);
  }
  EXPECT_GT(acked, 500u);
}

}  // namespace
}  // namespace tidemark
