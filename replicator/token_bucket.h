// A rate that may be borrowed from for a moment: so many tokens a second, those of `depth` at once.
// What is taken beyond that is a debt that passes with time. Integers only; the caller has the
// clock.
#ifndef TIDEMARK_REPLICATOR_TOKEN_BUCKET_H_
#define TIDEMARK_REPLICATOR_TOKEN_BUCKET_H_

#include <algorithm>
#include <cstdint>
#include <utility>

#include "absl/time/time.h"

namespace tidemark {

class TokenBucket {
 public:
  // per_second 0: no limit.
  explicit TokenBucket(uint64_t per_second, absl::Duration depth = absl::Seconds(1))
      : depth_(absl::ToInt64Nanoseconds(depth)),
        per_second_(static_cast<int64_t>(per_second)),
        nanos_(per_second_ == 0 ? 0 : depth_) {}
  uint64_t per_second() const { return static_cast<uint64_t>(per_second_); }
  // From now on. A debt stays a debt of as many tokens; what was saved is given up.
  void SetRate(uint64_t per_second, absl::Duration now) {
    Fill(now);
    const int64_t before = std::exchange(per_second_, static_cast<int64_t>(per_second));
    const absl::Duration debt = absl::Nanoseconds(std::min<int64_t>(0, nanos_));
    nanos_ =
        before == 0 || per_second_ == 0 ? 0 : absl::ToInt64Nanoseconds(debt * before / per_second_);
  }
  // Always given; `now` is monotonic.
  void Take(uint64_t tokens, absl::Duration now) {
    if (per_second_ == 0) return;
    Fill(now);
    nanos_ -= static_cast<int64_t>(tokens) * kSecond / per_second_;
  }
  // Until the debt has passed; zero while there is none.
  absl::Duration Wait(absl::Duration now) {
    if (per_second_ == 0) return absl::ZeroDuration();
    Fill(now);
    return absl::Nanoseconds(std::max<int64_t>(0, -nanos_));
  }

 private:
  static constexpr int64_t kSecond = 1'000'000'000;
  void Fill(absl::Duration now) {
    if (now > at_) nanos_ = std::min(depth_, nanos_ + absl::ToInt64Nanoseconds(now - at_));
    at_ = std::max(at_, now);
  }
  int64_t depth_;  // as the time that fills it
  int64_t per_second_;
  int64_t nanos_;  // what is left, as the time that earns it; negative: a debt
  absl::Duration at_ = absl::ZeroDuration();
};

}  // namespace tidemark
#endif  // TIDEMARK_REPLICATOR_TOKEN_BUCKET_H_
