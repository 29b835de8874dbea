// Goal: near its RPO target a vault lets records in as its policy says, and never stands still.
#include "replicator/admission.h"

#include <gtest/gtest.h>

namespace tidemark {
namespace {

using Policy = Admission::Policy;
using State = Admission::State;

Admission With(Policy policy) { return Admission({0, policy, absl::Minutes(10)}); }

// Records let in within `seconds`, while the worst site is `behind`.
int LetIn(Admission* admission, absl::Duration behind, int seconds) {
  int count = 0;
  absl::Duration now = absl::Hours(1);
  for (const absl::Duration end = now + absl::Seconds(seconds); now < end;) {
    const absl::Duration wait = admission->Wait(now, behind);
    if (wait > absl::ZeroDuration()) {
      now += wait;
      continue;
    }
    admission->Take(256, now);
    now += absl::Milliseconds(1);
    ++count;
  }
  return count;
}

TEST(Admission, AlertsOnlyHoldNothingBack) {
  Admission admission = With(Policy::kAlert);
  EXPECT_EQ(LetIn(&admission, absl::Hours(9), 5), 5000);
  EXPECT_EQ(admission.Look(absl::Hours(9)), State::kOpen);
}

TEST(Admission, ThrottledRecordsComeSlowerTheNearerTheTarget) {
  Admission admission = With(Policy::kThrottle);
  EXPECT_EQ(LetIn(&admission, absl::Minutes(5), 5), 5000);
  EXPECT_EQ(admission.Look(absl::Minutes(5)), State::kOpen);
  Admission nearer = With(Policy::kThrottle), nearest = With(Policy::kThrottle);
  const int early = LetIn(&nearer, absl::Seconds(330), 20);
  const int late = LetIn(&nearest, absl::Minutes(9), 20);
  EXPECT_NEAR(early, 200, 2);
  EXPECT_NEAR(late, 25, 1);
  EXPECT_EQ(admission.Look(absl::Minutes(9)), State::kThrottled);
}

TEST(Admission, ThrottledRecordsNeverStandStill) {
  Admission admission = With(Policy::kThrottle);
  EXPECT_NEAR(LetIn(&admission, absl::InfiniteDuration(), 60), 60, 1);
}

TEST(Admission, RefusesNearTheTargetAndForAWhileAfter) {
  Admission admission = With(Policy::kRefuse);
  EXPECT_EQ(admission.Look(absl::Seconds(500)), State::kOpen);
  EXPECT_EQ(admission.Look(absl::Seconds(520)), State::kRefused);
  EXPECT_EQ(admission.Look(absl::Seconds(500)), State::kRefused);
  EXPECT_EQ(admission.Look(absl::Seconds(410)), State::kOpen);
  EXPECT_EQ(admission.Look(absl::Seconds(500)), State::kOpen);
  EXPECT_EQ(LetIn(&admission, absl::Hours(9), 5), 5000) << "what has begun goes on";
}

TEST(Admission, ATargetOfASecondIsNoError) {
  Admission admission({0, Policy::kThrottle, absl::Seconds(1)});
  EXPECT_NEAR(LetIn(&admission, absl::Seconds(3), 10), 10, 1);
}

TEST(Admission, TheTierHoldsWhateverThePolicy) {
  Admission admission({256, Policy::kRefuse, absl::Minutes(10)});
  EXPECT_NEAR(LetIn(&admission, absl::ZeroDuration(), 10), 11, 1);
}

}  // namespace
}  // namespace tidemark
