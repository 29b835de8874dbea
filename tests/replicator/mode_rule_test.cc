#include "replicator/mode_rule.h"

#include <gtest/gtest.h>

namespace tidemark {
namespace {

// Two primaries that hold all of a log that grows by ten records a second.
class Mode : public testing::Test {
 protected:
  std::optional<AckMode> After(int seconds) {
    std::optional<AckMode> wanted;
    for (int i = 0; i < seconds * 10; ++i) {
      now += absl::Milliseconds(100);
      ++view.tail;
      for (size_t p = 0; p < 2; ++p) {
        if (keeps_up[p]) view.primaries[p].durable = view.tail - 1;
      }
      view.committed =
          std::max(view.committed, std::min(view.primaries[0].durable, view.primaries[1].durable));
      wanted = rule.Look(now, view);
      if (wanted.has_value()) view.mode = *wanted;
      if (wanted.has_value()) return wanted;
    }
    return wanted;
  }
  absl::Duration now = absl::Seconds(100);
  ModeRule rule{2, absl::Seconds(3), now};
  ModeRule::View view{AckMode::kStrict, 5, 5, {{true, 5}, {true, 5}}, true};
  bool keeps_up[2] = {true, true};
};

TEST_F(Mode, StaysStrictWhilePrimariesKeepUp) { EXPECT_EQ(After(60), std::nullopt); }

TEST_F(Mode, ADeadPrimaryMakesItQuorumOnceThePatienceIsOver) {
  view.primaries[1].live = false;
  EXPECT_EQ(After(3), std::nullopt);
  EXPECT_EQ(After(1), AckMode::kQuorum);
  EXPECT_FALSE(rule.late(0));
  EXPECT_TRUE(rule.late(1));
}

TEST_F(Mode, ALivePrimaryThatAcksNothingIsLateToo) {
  After(1);
  keeps_up[0] = false;
  EXPECT_EQ(After(5), AckMode::kQuorum);
  EXPECT_TRUE(rule.late(0));
}

TEST_F(Mode, AShortAbsenceChangesNothing) {
  for (int i = 0; i < 10; ++i) {
    view.primaries[0].live = false;
    EXPECT_EQ(After(2), std::nullopt);
    view.primaries[0].live = true;
    EXPECT_EQ(After(1), std::nullopt);
  }
}

TEST_F(Mode, HelpsOnlyWhereTwoSitesAreLeft) {
  view.primaries[1].live = false;
  view.witness_live = false;
  EXPECT_EQ(After(60), std::nullopt) << "no witness";
  view.primaries[0].live = false;
  EXPECT_EQ(After(5), std::nullopt);
  view.witness_live = true;
  EXPECT_EQ(After(60), std::nullopt) << "no primary";
  view.primaries[0].live = true;
  EXPECT_EQ(After(1), AckMode::kQuorum);
}

TEST_F(Mode, IsStrictAgainWhenBothWereLevelForAWhile) {
  view.primaries[1].live = false;
  keeps_up[1] = false;
  ASSERT_EQ(After(5), AckMode::kQuorum);
  EXPECT_EQ(After(60), std::nullopt);
  view.primaries[1].live = true;
  view.committed = view.tail;
  EXPECT_EQ(After(1), std::nullopt) << "it is still behind";
  keeps_up[1] = true;
  view.primaries[1].durable = view.tail;
  EXPECT_EQ(After(2), std::nullopt);
  EXPECT_EQ(After(2), AckMode::kStrict);
}

}  // namespace
}  // namespace tidemark
