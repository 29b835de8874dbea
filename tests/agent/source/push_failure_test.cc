// Goal: a push that fails, wherever its spans are by then, takes nothing with it: not the agent,
// and no lag stays behind that nothing would ever end.
#include <gtest/gtest.h>

#include "agent/source/span.h"
#include "tests/agent/source/push_world.h"

namespace tidemark {
namespace {

constexpr int kA = 0, kB = 1, kW = 2;

void ExpectNoLag(PushWorld* world) {
  world->RunFor(absl::Seconds(30));
  for (const int site : {kA, kW}) {
    const LagBook::Lag lag = world->LagOf(site);
    EXPECT_LT(lag.replication_lag.value(), absl::Seconds(1)) << site;
    EXPECT_LT(lag.rpo_actual.value(), absl::Seconds(1)) << site;
  }
}

// The spans before stand in the stages, for the log takes no more; the next one has no first byte.
TEST(PushFailure, OfASourceThatCannotBeReadBehindASpan) {
  for (uint64_t spans = 1; spans <= 4; ++spans) {
    SCOPED_TRACE(spans);
    PushWorld world(spans);
    world.window_bytes = kSpanReadBytes / 2;
    world.WriteSource("/source/bad", PushWorld::Noise(8 * kSpanReadBytes, spans));
    world.WriteSource("/source/good", "good");
    world.StartAgent();
    world.RunFor(absl::Seconds(1));
    world.MakeUnreadable("/source/bad", spans * kSpanReadBytes, kSpanReadBytes);
    world.BlockSite(kA);
    TestCall* call = world.StartPush("bad", "/source/bad");
    world.RunFor(absl::Milliseconds(500));
    world.HealSites();
    ASSERT_TRUE(world.RunUntil([call] { return call->report.has_value(); }));
    EXPECT_FALSE(call->report->ok());
    ExpectNoLag(&world);
    world.PushAll("good", "/source/good");
    ExpectNoLag(&world);
  }
}

// The end of a span is cut together with the next one: until then it stands in no record.
TEST(PushLag, CountsWhatIsNotCutYet) {
  PushWorld world(8);
  world.WriteSource("/source/slow", PushWorld::Noise(kSpanReadBytes + 4096, 8));
  world.StartAgent();
  world.SlowReads(absl::Seconds(10));
  TestCall* call = world.StartPush("slow", "/source/slow");
  ASSERT_TRUE(world.RunUntil([call] { return call->read_bytes >= kSpanReadBytes; }));
  world.RunFor(absl::Seconds(9));
  EXPECT_FALSE(call->report.has_value());
  EXPECT_GE(world.LagOf(kA).replication_lag.value(), absl::Seconds(8));
  world.SlowReads(absl::Milliseconds(1));
  world.FinishPush(call);
  ExpectNoLag(&world);
}

// Its caller gave up waiting for the commit, and asks again as the hint says.
TEST(PushFailure, ARetryWithTheSameKeyFindsTheVersionThatWasNotCommittedYet) {
  PushWorld world(9);
  world.WriteSource("/source/one", "one");
  world.StartAgent();
  world.idempotency_key = "nightly";
  world.push_timeout = absl::Seconds(5);
  world.BlockSite(kB);
  TestCall* first = world.StartPush("one", "/source/one");
  ASSERT_TRUE(world.RunUntil([first] { return first->report.has_value(); }));
  EXPECT_TRUE(absl::IsDeadlineExceeded(first->report->status())) << first->report->status();
  TestCall* second = world.StartPush("one", "/source/one");
  ASSERT_TRUE(world.RunUntil([second] { return second->report.has_value(); }));
  EXPECT_TRUE(absl::IsDeadlineExceeded(second->report->status())) << second->report->status();
  world.HealSites();
  EXPECT_EQ(world.PushAll("one", "/source/one").version, 1u);
  EXPECT_EQ(world.Listed("one").size(), 1u);
}

// In the middle of a span, when some of it was taken.
TEST(PushFailure, OfASourceThatCannotBeReadInASpan) {
  PushWorld world(7);
  world.WriteSource("/source/bad", PushWorld::Noise(8 * kSpanReadBytes, 7));
  world.StartAgent();
  world.MakeUnreadable("/source/bad", 5 * kSpanReadBytes / 2, kSpanReadBytes);
  TestCall* call = world.StartPush("bad", "/source/bad");
  ASSERT_TRUE(world.RunUntil([call] { return call->report.has_value(); }));
  EXPECT_FALSE(call->report->ok());
  ExpectNoLag(&world);
}

}  // namespace
}  // namespace tidemark
