// Goal: a link believes no more of a site than the site says, and drops nothing that it says.
#include <gtest/gtest.h>

#include "tests/agent/source/push_world.h"

namespace tidemark {
namespace {

constexpr int kA = 0, kB = 1, kW = 2;
constexpr uint64_t kFewOperations =
    60 * 200;  // of all machines in a minute in which nothing is done

// Its repair takes a while; until then nobody may read a lag that flatters.
TEST(SiteLink, LagSaysAtOnceThatASiteCameBackWithLess) {
  PushWorld world(31);
  world.WriteSource("/source/one", "one");
  world.StartAgent();
  world.PushAll("one", "/source/one");
  world.RunFor(absl::Seconds(1));
  const std::shared_ptr<const SimInode> old = world.SiteDisk(kB)->Snapshot();
  world.WriteSource("/source/two", "two");
  world.PushAll("two", "/source/two");
  world.RunFor(absl::Minutes(1));
  EXPECT_EQ(world.LagOf(kB).pending_records, 0u);
  world.KillSite(kB);
  world.SiteDisk(kB)->Restore(old);
  ASSERT_TRUE(world.RunUntil([&world] { return !world.link(kB)->up(); }));
  world.StartSite(kB);
  ASSERT_TRUE(world.RunUntil([&world] { return world.link(kB)->up(); }));
  const LagBook::Lag lag = world.LagOf(kB);
  EXPECT_GT(lag.pending_records, 0u);
  EXPECT_GT(lag.replication_lag.value(), absl::Minutes(1));
  EXPECT_GT(lag.rpo_actual.value(), absl::Minutes(1));
  EXPECT_TRUE(world.RunUntil([&world] {
    return world.link(kB)->up() && world.LagOf(kB).replication_lag.value() < absl::Seconds(1);
  })) << "it is not repaired";
}

// a signed for a record that b never got, the agent that made it died, and a's disk was set back:
// no repair can bring what a signed for. It must not be tried without end, and a person must hear.
TEST(SiteLink, SaysWhenWhatADamagedSiteSignedForIsNowhereElse) {
  PushWorld world(33);
  world.WriteSource("/source/one", "one");
  world.WriteSource("/source/two", "two");
  world.StartAgent();
  world.PushAll("one", "/source/one");
  world.RunFor(absl::Seconds(6));
  const std::shared_ptr<const SimInode> old = world.SiteDisk(kA)->Snapshot();
  world.BlockSite(kB);
  world.StartPush("two", "/source/two");
  world.RunFor(absl::Seconds(10));
  world.KillAgent();
  world.KillSite(kA);
  world.SiteDisk(kA)->Restore(old);
  world.HealSites();
  world.StartSite(kA);
  world.StartAgent(/*opens=*/false);
  world.RunFor(absl::Seconds(10));
  const SiteLink::View view = world.ViewOf(kA);
  EXPECT_EQ(view.state, LinkState::kDamaged);
  EXPECT_NE(view.last_error.find("no other site has what it signed for"), std::string::npos)
      << view.last_error;
  const uint64_t before = world.operations();
  world.RunFor(absl::Seconds(60));
  EXPECT_LT(world.operations() - before, kFewOperations);
}

// The nonce of the promise that the next agent asks for, whose generator is stuck by then.
SessionId NonceWhenStuck(PushWorld* world) {
  world->SetEntropy(SimWorld::Entropy::kSeeded);
  world->StartAgent(/*opens=*/false);
  const bool up =
      world->RunUntil([world] { return world->link(kA)->up() && world->link(kB)->up(); });
  world->SetEntropy(SimWorld::Entropy::kStuck);
  const bool asked = world->RunUntil([world] { return world->wanted().has_value(); });
  EXPECT_TRUE(up && asked);
  const SessionId nonce = asked ? world->wanted()->nonce : SessionId();
  world->KillAgent();
  return nonce;
}

// Two agents, or an agent and its clone, that draw the same bytes must not ask for one epoch under
// one nonce: both would have it.
// a holds a record that is not committed, and goes on not to be: b went away in the take-over.
TEST(SiteLink, RepairsNoWitnessWithWhatIsNotCommitted) {
  PushWorld world(39);
  world.WriteSource("/source/one", "one");
  world.WriteSource("/source/two", "two");
  world.WriteSource("/source/three", "three");
  world.StartAgent();
  world.PushAll("one", "/source/one");
  world.RunFor(absl::Seconds(1));
  const std::shared_ptr<const SimInode> old = world.SiteDisk(kW)->Snapshot();
  world.PushAll("two", "/source/two");
  world.RunFor(absl::Seconds(6));
  world.BlockSite(kB);
  world.StartPush("three", "/source/three");
  world.RunFor(absl::Seconds(10));
  const uint64_t committed = world.committed();
  const VaultId vault = world.vault()->options().id;
  world.KillAgent();
  world.KillSite(kW);
  world.SiteDisk(kW)->Restore(old);
  world.KillSite(kB);  // with what was under way to it
  world.HealSites();
  world.StartSite(kB);
  world.StartSite(kW);
  world.StartAgent(/*opens=*/false);
  ASSERT_TRUE(
      world.RunUntil([&world] { return world.vault()->phase() == Vault::Phase::kTakingOver; }));
  world.KillSite(kB);
  world.RunFor(absl::Seconds(10));
  ASSERT_TRUE(world.link(kA)->up() && world.link(kW)->up());
  EXPECT_EQ(world.ViewOf(kW).state, LinkState::kDamaged);
  EXPECT_GT(world.link(kA)->HelloTail(vault)->sequence, committed);
  EXPECT_LE(world.link(kW)->HelloTail(vault)->sequence, committed);
}

// All was sent, nothing acked: only who listens hears that the connection is gone.
TEST(SiteLink, NoticesThatADataConnectionDiedAlone) {
  PushWorld world(37);
  world.WriteSource("/source/one", "one");
  world.StartAgent();
  world.RunFor(absl::Seconds(1));
  world.GiveUpAfter(absl::Milliseconds(100));
  const absl::Time since = world.ViewOf(kA).since;
  const uint64_t next = world.vault()->log()->next_sequence();
  TestCall* call = world.StartPush("one", "/source/one");
  ASSERT_TRUE(
      world.RunUntil([&world, next] { return world.vault()->log()->next_sequence() > next; }));
  world.BlockSite(kA);
  world.RunFor(absl::Milliseconds(110));  // what says a heartbeat next is not over yet
  EXPECT_EQ(world.ViewOf(kA).since, since) << "the whole session was cut";
  world.HealSites();
  ASSERT_TRUE(world.RunUntil([call] { return call->report.has_value(); }));
  world.FinishPush(call);
}

TEST(SiteLink, AsksAgainForReceiptsThatTheAgentCouldNotKeep) {
  PushWorld world(41);
  world.WriteSource("/source/one", "one");
  world.StartAgent();
  std::map<uint64_t, int> told;
  std::optional<ReceiptAudit::Gap> wanted;
  std::optional<uint64_t> oldest;
  ReceiptHooks hooks;
  hooks.told = [&told](const SignedReceipt& receipt, bool) { ++told[receipt.receipt.number]; };
  hooks.wanted = [&wanted](const StoreId&) { return std::exchange(wanted, std::nullopt); };
  hooks.told_all = [&oldest](const StoreId&, ReceiptAudit::Gap, uint64_t first) { oldest = first; };
  world.link(kA)->KeepReceipts(std::move(hooks));
  world.PushAll("one", "/source/one");
  world.RunFor(absl::Seconds(30));
  ASSERT_GT(told.size(), 4u);
  const uint64_t first = std::next(told.begin())->first;
  told.clear();
  wanted = ReceiptAudit::Gap{first, first + 2};
  ASSERT_TRUE(world.RunUntil([&oldest] { return oldest.has_value(); }));
  EXPECT_EQ(*oldest, 1u);
  for (uint64_t number = first; number <= first + 2; ++number) EXPECT_EQ(told[number], 1) << number;
  EXPECT_TRUE(world.link(kA)->up());
}

// What a site fetches, it appends in the right of the session's promise.
TEST(SiteLink, OrdersNoFetchBeforeTheSessionsPromise) {
  PushWorld world(38);
  world.WriteSource("/source/one", "one");
  world.StartAgent();
  world.PushAll("one", "/source/one");
  world.KillSite(kA);
  ASSERT_TRUE(world.RunUntil([&world] { return !world.link(kA)->up(); }));
  world.StartSite(kA);
  ASSERT_TRUE(world.RunUntil([&world] { return world.link(kA)->up(); }));
  EXPECT_TRUE(absl::IsUnavailable(world.FetchTo(kA, kB)));
  world.RunFor(absl::Seconds(1));
  EXPECT_TRUE(world.FetchTo(kA, kB).ok());
}

TEST(SiteLink, HasAPartInTheNonceWhenTheGeneratorIsStuck) {
  PushWorld world(34);
  world.StartAgent();
  world.KillAgent();
  const SessionId first = NonceWhenStuck(&world);
  EXPECT_NE(NonceWhenStuck(&world), first);
}

// A site tells what it found bad as it goes, each place once; only the last report says the end.
TEST(SiteLink, CollectsWhatASiteFoundBadFromAllItsReports) {
  PushWorld world(32);
  for (const char* name : {"one", "two", "three"}) {
    world.WriteSource(std::string("/source/") + name, PushWorld::Noise(300 << 10, HashText(name)));
  }
  world.StartAgent();
  for (const char* name : {"one", "two", "three"})
    world.PushAll(name, std::string("/source/") + name);
  SimDisk* disk = world.SiteDisk(kB);
  for (const std::string& path : disk->Files(kSimStorePath)) {
    if (path.find("/log-") == std::string::npos) continue;
    disk->FlipByte(path, 200 << 10);
    disk->FlipByte(path, 800 << 10);
  }
  world.SlowReads(absl::Milliseconds(600));  // so that it reports in between
  const VerifyReport report = world.VerifyDeep();
  ASSERT_EQ(report.sites.size(), 3u);
  EXPECT_EQ(report.sites[kB].found, 2u);
  EXPECT_EQ(report.sites[kB].healed, 2u);
  EXPECT_EQ(report.sites[kB].healed_places.size(), 2u);
  EXPECT_EQ(report.sites[kB].state, "right");
}

}  // namespace
}  // namespace tidemark
