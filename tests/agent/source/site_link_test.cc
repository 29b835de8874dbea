// Goal: a link believes no more of a site than the site says, and drops nothing that it says.
#include <gtest/gtest.h>

#include "tests/agent/source/push_world.h"

namespace tidemark {
namespace {

constexpr int kB = 1;

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
