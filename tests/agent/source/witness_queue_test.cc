// Goal: a witness that comes back gets the database before the film that was pushed earlier,
// whether the agent still holds the records or a primary has to give them.
#include <gtest/gtest.h>

#include "tests/agent/source/push_world.h"

namespace tidemark {
namespace {

constexpr SiteIndex kWitness = 2;

// A film and then a database, of so many bytes each, while the witness is away.
class WitnessQueue : public testing::Test {
 protected:
  void PushBoth(size_t bytes) {
    world.with_media = true;
    world.WriteSource("/source/film", PushWorld::Noise(bytes, 1));
    world.WriteSource("/source/database", PushWorld::Noise(bytes, 2));
    world.StartAgent();
    world.RunFor(absl::Seconds(5));
    world.BlockSite(static_cast<int>(kWitness));
    world.PushAll("film", "/source/film", "media");
    world.PushAll("database", "/source/database");
    film_before = world.durable_at(kWitness, "media");
    EXPECT_LT(world.durable_at(kWitness, "default"), world.committed());
    world.HealSites();
  }
  PushWorld world{31};
  uint64_t film_before = 0;
};

TEST_F(WitnessQueue, OfWhatTheAgentHoldsTheDatabaseGoesFirst) {
  PushBoth(12 << 20);
  ASSERT_TRUE(world.RunUntilLevel(kWitness, "default"));
  EXPECT_LE(world.durable_at(kWitness, "media"), film_before + 1);  // one had begun to leave
  EXPECT_TRUE(world.RunUntilLevel(kWitness, "media"));
}

// 96 MiB are more than the agent's memory.
TEST_F(WitnessQueue, OfWhatPrimariesGiveTheDatabaseGoesFirst) {
  PushBoth(96 << 20);
  ASSERT_TRUE(world.RunUntilLevel(kWitness, "default"));
  EXPECT_LT(world.durable_at(kWitness, "media"), world.vault("media")->log()->committed_sequence());
  EXPECT_TRUE(world.RunUntilLevel(kWitness, "media"));
}

}  // namespace
}  // namespace tidemark
