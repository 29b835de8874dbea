// Goal: over any stretch of time no more is taken than the rate and one second's worth.
#include "replicator/token_bucket.h"

#include <gtest/gtest.h>

namespace tidemark {
namespace {

// Takes as much as it may for `seconds`, in pieces; what it got.
uint64_t TakeFor(TokenBucket* bucket, absl::Duration from, int seconds, uint64_t piece) {
  uint64_t taken = 0;
  absl::Duration now = from;
  while (now < from + absl::Seconds(seconds)) {
    const absl::Duration wait = bucket->Wait(now);
    if (wait > absl::ZeroDuration()) {
      now += wait;
      continue;
    }
    bucket->Take(piece, now);
    taken += piece;
  }
  return taken;
}

TEST(TokenBucket, GivesTheRateAndASecondAtOnce) {
  for (const uint64_t piece : {1u, 7u, 256u, 4000u}) {
    TokenBucket bucket(1500);
    const uint64_t taken = TakeFor(&bucket, absl::Seconds(5), 10, piece);
    EXPECT_GE(taken, 1500u * 10);
    EXPECT_LE(taken, 1500u * 11 + 2 * piece) << piece;
  }
}

TEST(TokenBucket, IdleTimeIsNotSavedBeyondASecond) {
  TokenBucket bucket(1500);
  bucket.Take(1, absl::Seconds(1));
  EXPECT_LE(TakeFor(&bucket, absl::Hours(9), 1, 10), 3000u + 20);
}

TEST(TokenBucket, AClockThatStandsEarnsNothing) {
  TokenBucket bucket(100);
  bucket.Take(300, absl::Seconds(1));
  EXPECT_EQ(bucket.Wait(absl::Seconds(1)), absl::Seconds(2));
  EXPECT_EQ(bucket.Wait(absl::ZeroDuration()), absl::Seconds(2));
}

TEST(TokenBucket, WithoutARateNothingWaits) {
  TokenBucket bucket(0);
  bucket.Take(1'000'000'000, absl::ZeroDuration());
  EXPECT_EQ(bucket.Wait(absl::ZeroDuration()), absl::ZeroDuration());
}

TEST(TokenBucket, AnotherRateCountsFromNowOn) {
  TokenBucket bucket(100);
  bucket.Take(300, absl::ZeroDuration());  // two seconds' worth of debt
  bucket.SetRate(1000, absl::Seconds(1));
  EXPECT_EQ(bucket.Wait(absl::Seconds(1)), absl::Milliseconds(100)) << "100 tokens are owed";
  bucket.SetRate(0, absl::Seconds(1));
  EXPECT_EQ(bucket.Wait(absl::Seconds(1)), absl::ZeroDuration());
  bucket.SetRate(10, absl::Seconds(9));
  bucket.Take(10, absl::Seconds(9));
  EXPECT_EQ(bucket.Wait(absl::Seconds(9)), absl::Seconds(1)) << "nothing was saved meanwhile";
}

// Whoever turns a rate up and down again and again gets no more by it.
TEST(TokenBucket, ChangesGiveNothingAway) {
  TokenBucket bucket(1000, absl::Milliseconds(100));
  uint64_t taken = 0;
  absl::Duration now = absl::Seconds(1);
  for (int step = 0; step < 10'000; ++step) {
    now += absl::Milliseconds(1);
    bucket.SetRate(step % 2 == 0 ? 500 : 1000, now);
    if (bucket.Wait(now) > absl::ZeroDuration()) continue;
    bucket.Take(10, now);
    taken += 10;
  }
  EXPECT_LE(taken, 1000u * 10 + 200);
  EXPECT_GE(taken, 500u * 10);
}

TEST(TokenBucket, ItsDepthIsWhatMayGoAtOnce) {
  TokenBucket bucket(1000, absl::Milliseconds(100));
  EXPECT_EQ(bucket.Wait(absl::Hours(1)), absl::ZeroDuration());
  bucket.Take(150, absl::Hours(1));
  EXPECT_EQ(bucket.Wait(absl::Hours(1)), absl::Milliseconds(50));
}

}  // namespace
}  // namespace tidemark
