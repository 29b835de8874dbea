// Goal: a site starts again, or says why it holds less than it acked, whatever state its disk and
// the page cache are in.
#include "crypto/rare_path.h"
#include "tests/agent/site/site_trio.h"

namespace tidemark {
namespace {

constexpr size_t kAcked = 3;
constexpr uint64_t kSeeds = 60;

uint64_t Hits(const std::string& path) {
  uint64_t hits = 0;
  for (const RarePath* each = RarePath::newest(); each != nullptr; each = each->next()) {
    if (each->name() == path) hits += each->hits();
  }
  return hits;
}

// Records behind the acked ones reach the cache, and the flush that should keep them fails.
Task<> FailAFlush(Io* io, SiteTrio* trio, const std::vector<TestRecord>* log) {
  (void)io;
  std::unique_ptr<TestAgent> agent = co_await trio->Connect(0);
  VaultId vault = TestVault();
  for (size_t i = 0; i < log->size(); ++i) {
    if (i == kAcked) {
      Position tail = (*log)[i - 1].header.position();
      absl::Status acked = co_await agent->AwaitAck(vault, tail);
      EXPECT_TRUE(acked.ok()) << acked;
      SimInjection failing;
      failing.kind = Op::Kind::kSync;
      failing.path_part = "/log-";
      trio->site_io(0)->Inject(failing);
    }
    absl::Status sent = co_await agent->Append(&(*log)[i]);
    EXPECT_TRUE(sent.ok()) << sent;
  }
  absl::StatusOr<wire::Control> refused = co_await agent->Next(wire::Control::kAppendRefused);
  EXPECT_TRUE(refused.ok()) << refused.status();
  co_await agent->Finish();
}

// The process is killed behind a failed flush; each time the log is opened the simulated kernel
// lets go of what was lost, or not, as the seed has it.
TEST(SiteRestart, ScansItsLogAgainWhenTheCacheLetGoOfALostWrite) {
  const uint64_t before = Hits("log-scanned-again");
  const std::vector<TestRecord> log = MakeTestLog(6, 5000);
  for (uint64_t seed = 1; seed <= kSeeds && !HasFailure(); ++seed) {
    SCOPED_TRACE(seed);
    SiteTrio trio(seed);
    trio.Start(0);
    trio.Run(FailAFlush(trio.io(), &trio, &log));
    trio.Stop(0);
    trio.Start(0);  // expects that it opens
    if (trio.server(0) != nullptr) trio.Run(trio.ReadFirst(0, kAcked));
  }
  EXPECT_GT(Hits("log-scanned-again"), before) << "no seed came by";
}

// The tail of the promise that a new agent gets.
Task<> Promise(Io* io, SiteTrio* trio, uint64_t epoch, Position* tail) {
  (void)io;
  std::unique_ptr<TestAgent> agent = co_await trio->Greet(0);
  VaultId vault = TestVault();
  SessionId nonce;
  nonce.bytes.fill(std::byte{9});
  std::string shown;
  absl::StatusOr<wire::PromiseReply> reply = co_await agent->Promise(vault, epoch, nonce, shown);
  EXPECT_TRUE(reply.ok()) << reply.status();
  if (!reply.ok()) co_return;
  const absl::StatusOr<SignedPromise> promise =
      ParsePromise(agent->SiteKey(), AsBytes(reply->promise()));
  EXPECT_TRUE(promise.ok()) << promise.status();
  if (promise.ok()) *tail = promise->promise.tail;
  co_await agent->Finish();
}

// Of an older epoch, they would stand against what the new one has begun, and nobody could say that
// they may go.
TEST(SiteRestart, PromisesATailBehindWhichNothingComesToLight) {
  const std::vector<TestRecord> log = MakeTestLog(6, 5000);
  for (uint64_t seed = 1; seed <= kSeeds && !HasFailure(); ++seed) {
    SCOPED_TRACE(seed);
    SiteTrio trio(seed);
    trio.Start(0);
    trio.Run(FailAFlush(trio.io(), &trio, &log));
    Position told, found;
    trio.Run(Promise(trio.io(), &trio, 10, &told));
    EXPECT_EQ(told.sequence, kAcked);
    trio.Stop(0);
    trio.Start(0);
    trio.Run(Promise(trio.io(), &trio, 11, &found));
    EXPECT_EQ(found, told);
  }
}

// A start that is cut short while it makes a file leaves its space taken.
TEST(SiteRestart, RemovesAFileThatWasNeverWritten) {
  const std::vector<TestRecord> log = MakeTestLog(3, 5000);
  SiteTrio trio(8);
  trio.Start(0);
  trio.Run(trio.AppendAll(0, &log));
  trio.Stop(0);
  std::string path = SiteTrio::LogPath();
  path.back() = '7';
  trio.disk(0)->WriteFile(path, "");
  trio.Start(0);
  EXPECT_FALSE(trio.disk(0)->Exists(path));
  EXPECT_TRUE(trio.disk(0)->Exists(SiteTrio::LogPath()));
  trio.Run(trio.ReadFirst(0, log.size()));
}

// What an agent hears of a damaged site that it shows a receipt, and what the order to fetch from b
// makes of it.
Task<> Repair(Io* io, SiteTrio* trio, const std::vector<TestRecord>* log, std::string receipt) {
  (void)io;
  std::unique_ptr<TestAgent> agent = co_await trio->Greet(0);
  VaultId vault = TestVault();
  SessionId nonce;
  nonce.bytes.fill(std::byte{7});
  std::string shown = receipt;
  absl::StatusOr<wire::PromiseReply> reply =
      co_await agent->Promise(vault, 1, nonce, std::move(shown));
  EXPECT_TRUE(reply.ok()) << reply.status();
  if (!reply.ok()) co_return;
  EXPECT_EQ(reply->failure().code(), wire::Failure::DAMAGED);
  EXPECT_TRUE(reply->promise().empty());
  EXPECT_TRUE(agent->receipts().empty()) << "it signs";
  absl::StatusOr<TestRecord> read = co_await agent->Read(vault, 3);
  EXPECT_TRUE(read.ok()) << "what stands before is served: " << read.status();
  Position tail = log->back().header.position();
  std::string peer = "b", address = "b:7000";
  absl::StatusOr<wire::FetchReport> report =
      co_await agent->Fetch(tail, vault, std::move(peer), std::move(address));
  EXPECT_TRUE(report.ok() && !report->has_failure()) << report.status();
  reply = co_await agent->Promise(vault, 1, nonce, std::move(receipt));
  EXPECT_TRUE(reply.ok() && !reply->has_failure()) << reply.status();
  for (const TestRecord& record : *log) {
    read = co_await agent->Read(vault, record.header.sequence);
    EXPECT_TRUE(read.ok() && read->payload == record.payload);
  }
  co_await agent->Finish();
}

Task<> Verify(Io* io, SiteTrio* trio, wire::VerifyReport* report) {
  (void)io;
  *report = co_await trio->Verify(0);
}

// Nobody can tell where the second of them stood, so recovery cannot pass. It must not take them
// for the end of the log either: what stands behind was acked.
TEST(SiteRestart, TwoRottenHeadsSideBySideAreToldAndRepairedFromAnotherSite) {
  const std::vector<TestRecord> log = MakeTestLog(12, 5000);
  SiteTrio trio(3);
  trio.StartAll();
  trio.Run(trio.Fill(&log));
  trio.world.RunFor(absl::Seconds(1));  // until its receipt says what it holds
  trio.Stop(0);
  for (const size_t record : {4, 5})
    trio.disk(0)->FlipByte(SiteTrio::LogPath(), HeadOffset(log, record - 1) + 130);
  trio.Start(0);
  trio.Run(Repair(trio.io(), &trio, &log, ""));
}

// The site acks in good faith, and loses what it acked with the power. The others have it, and the
// receipt that it gave tells it.
TEST(SiteRestart, ADiskThatLiedAboutItsFlushesIsFoundOutByTheReceipt) {
  const std::vector<TestRecord> log = MakeTestLog(12, 5000);
  const std::vector<TestRecord> kept(log.begin(), log.begin() + 6);
  SiteTrio trio(4);
  trio.StartAll();
  trio.Run(trio.Fill(&kept));
  FaultOptions lying;
  lying.lying_sync_ppm = 1000000;
  trio.world.set_faults(lying);
  std::string receipt;
  trio.Run(trio.Fill(&log, &receipt));
  trio.Stop(0, /*power=*/true);
  trio.world.set_faults(FaultOptions());
  trio.Start(0);
  trio.Run(Repair(trio.io(), &trio, &log, receipt));
}

// A record was written over another one: one place holds what belongs elsewhere, the other nothing.
TEST(SiteRestart, AMisdirectedWriteIsFoundAndBothPlacesAreHealed) {
  constexpr size_t kStruck = 4, kAstray = 9;
  const std::vector<TestRecord> log = MakeTestLog(12, 5000);
  const size_t bytes = kRecordHeaderBytes + log[0].payload.size();
  for (const bool restarts : {false, true}) {
    SCOPED_TRACE(restarts);
    SiteTrio trio(5);
    trio.StartAll();
    trio.Run(trio.Fill(&log));
    trio.world.RunFor(absl::Seconds(1));
    std::string content = *trio.disk(0)->ReadFile(SiteTrio::LogPath());
    const size_t struck = HeadOffset(log, kStruck - 1), astray = HeadOffset(log, kAstray - 1);
    content.replace(struck, bytes, content.substr(astray, bytes));
    content.replace(astray, bytes, std::string(bytes, '\0'));
    trio.Stop(0);
    if (!restarts) trio.Start(0);
    trio.disk(0)->WriteFile(SiteTrio::LogPath(), content);
    if (restarts) trio.Start(0);
    wire::VerifyReport report;
    trio.Run(Verify(trio.io(), &trio, &report));
    EXPECT_GT(report.found(), 0u);
    EXPECT_EQ(report.healed(), report.found());
    trio.Run(Verify(trio.io(), &trio, &report));
    EXPECT_EQ(report.found(), 0u);
    EXPECT_EQ(report.records(), log.size());
  }
}

}  // namespace
}  // namespace tidemark
