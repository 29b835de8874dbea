// "At the present rate this breaches in 4 min": how an RPO grew over the last minute, carried on.
//
//   Add (once a second or so), BreachIn
#ifndef TIDEMARK_REPLICATOR_BREACH_FORECAST_H_
#define TIDEMARK_REPLICATOR_BREACH_FORECAST_H_

#include <deque>
#include <optional>

#include "absl/time/time.h"

namespace tidemark {

class BreachForecast {
 public:
  static constexpr absl::Duration kWindow = absl::Seconds(60), kAtLeast = absl::Seconds(10);
  static constexpr absl::Duration kHorizon = absl::Hours(24);  // what is further off says nothing

  // `rpo` at the instant `now` of a clock that does not jump; nullopt: unknown, nothing is foretold
  // from before it.
  void Add(absl::Duration now, std::optional<absl::Duration> rpo) {
    if (!rpo.has_value()) return samples_.clear();
    samples_.push_back({now, *rpo});
    while (samples_.size() > 2 && now - samples_.front().at > kWindow) samples_.pop_front();
  }
  // nullopt: not at this rate. Zero: it is breached. The rate is that of the whole window, so that
  // a site that keeps its pace, where lag rises and falls, foretells nothing.
  std::optional<absl::Duration> BreachIn(absl::Duration target) const {
    if (samples_.empty()) return std::nullopt;
    const Sample& first = samples_.front();
    const Sample& last = samples_.back();
    if (last.rpo > target) return absl::ZeroDuration();
    const absl::Duration passed = last.at - first.at, grown = last.rpo - first.rpo;
    if (passed < kAtLeast || grown <= passed / 20) return std::nullopt;
    const int64_t left = absl::ToInt64Milliseconds(target - last.rpo);
    const absl::Duration in = absl::Milliseconds(left) / absl::ToInt64Milliseconds(grown) *
                              absl::ToInt64Milliseconds(passed);
    return in > kHorizon ? std::nullopt : std::optional(in);
  }

 private:
  struct Sample {
    absl::Duration at, rpo;
  };
  std::deque<Sample> samples_;
};

}  // namespace tidemark
#endif  // TIDEMARK_REPLICATOR_BREACH_FORECAST_H_
