#include "replicator/mode_rule.h"

#include <algorithm>
#include <cassert>

namespace tidemark {

ModeRule::ModeRule(size_t primaries, absl::Duration patience, absl::Duration now)
    : patience_(patience), primaries_(primaries) {
  for (Pace& pace : primaries_) pace.since = now;
}

std::optional<AckMode> ModeRule::Look(absl::Duration now, const View& view) {
  assert(view.primaries.size() == primaries_.size());
  size_t late = 0;
  bool level = true;
  for (size_t i = 0; i < primaries_.size(); ++i) {
    Pace& pace = primaries_[i];
    const Primary& primary = view.primaries[i];
    if (primary.live && primary.durable >= pace.goal) {
      pace.goal = view.tail;
      pace.since = now;
    }
    pace.late = now - pace.since > patience_;
    if (pace.late) ++late;
    level = level && primary.live && primary.durable >= view.committed;
  }
  if (!level) level_since_.reset();
  if (level && !level_since_.has_value()) level_since_ = now;
  if (view.mode == AckMode::kStrict) {
    const bool helps = late > 0 && late < primaries_.size() && view.witness_live;
    return helps ? std::optional(AckMode::kQuorum) : std::nullopt;
  }
  const bool steady = level && now - *level_since_ >= patience_;
  return steady ? std::optional(AckMode::kStrict) : std::nullopt;
}

}  // namespace tidemark
