// How fast records are let into a vault's log: no faster than the I/Os of its tier where that is
// enforced, and, near the RPO target, as the vault's policy says.
//
// Near is told by the lag of the site that is furthest behind, not by its RPO: an archive that is
// still being pushed is late everywhere, and slowed down it would be later. Integers only; the
// caller has the clock.
#ifndef TIDEMARK_REPLICATOR_ADMISSION_H_
#define TIDEMARK_REPLICATOR_ADMISSION_H_

#include <algorithm>
#include <cstdint>
#include <string>

#include "absl/time/time.h"
#include "replicator/token_bucket.h"

namespace tidemark {

class Admission {
 public:
  // Tell people; besides, let records in more slowly; besides, take no new push.
  enum class Policy : uint8_t { kAlert, kThrottle, kRefuse };
  enum class State : uint8_t { kOpen, kThrottled, kRefused };
  static Policy PolicyNamed(const std::string& name) {  // "alert", "throttle", "refuse"
    if (name == "throttle") return Policy::kThrottle;
    return name == "refuse" ? Policy::kRefuse : Policy::kAlert;
  }
  static const char* NameOf(Policy policy) {
    if (policy == Policy::kAlert) return "alert";
    return policy == Policy::kThrottle ? "throttle" : "refuse";
  }
  static const char* NameOf(State state) {
    if (state == State::kOpen) return "open";
    return state == State::kThrottled ? "throttled" : "refused";
  }
  struct Options {
    uint64_t ios_per_second = 0;  // of 16 KiB at each site; 0: no limit
    Policy policy = Policy::kAlert;
    absl::Duration target = absl::Minutes(15);
  };
  // From half of the target on, throttled records keep a distance that grows up to this one at the
  // target. They never stand still: a site that is dead for good would end all pushes.
  static constexpr absl::Duration kDistanceMax = absl::Seconds(1);
  static constexpr int64_t kRefusedFromPercent = 85, kRefusedUntilPercent = 70;

  explicit Admission(const Options& options) : options_(options), bucket_(options.ios_per_second) {}

  bool looks_at_lag() const { return options_.policy != Policy::kAlert; }
  // A record of so many I/Os was let in. `now` is monotonic here and below.
  void Take(uint64_t ios, absl::Duration now) {
    bucket_.Take(ios, now);
    last_ = now;
  }
  // Until the next record may come. `behind`: the lag of the site that is furthest behind; what is
  // not known holds nothing back.
  absl::Duration Wait(absl::Duration now, absl::Duration behind) {
    return std::max(bucket_.Wait(now), last_ + Distance(behind) - now);
  }
  // Whether the policy is at work. Refused is left later than it is entered.
  State Look(absl::Duration behind) {
    if (options_.policy == Policy::kThrottle)
      return Distance(behind) > absl::ZeroDuration() ? State::kThrottled : State::kOpen;
    if (options_.policy == Policy::kAlert) return State::kOpen;
    const int64_t percent = refuses_ ? kRefusedUntilPercent : kRefusedFromPercent;
    refuses_ = behind * 100 > options_.target * percent;
    return refuses_ ? State::kRefused : State::kOpen;
  }

 private:
  absl::Duration Distance(absl::Duration behind) const {
    const absl::Duration half = options_.target / 2;
    if (options_.policy != Policy::kThrottle || behind <= half) return absl::ZeroDuration();
    const int64_t most = absl::ToInt64Milliseconds(kDistanceMax);
    const int64_t over = absl::ToInt64Milliseconds(std::min(behind, options_.target) - half);
    return absl::Milliseconds(most * over / absl::ToInt64Milliseconds(half));
  }

  Options options_;
  TokenBucket bucket_;
  absl::Duration last_ = -kDistanceMax;
  bool refuses_ = false;
};

}  // namespace tidemark
#endif  // TIDEMARK_REPLICATOR_ADMISSION_H_
