#include "tests/sim/lag_watch.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_format.h"

namespace tidemark {
namespace {

// Clocks of simulated machines drift by up to 200 ppm; a process hears of time in steps.
absl::Duration Tolerated(absl::Duration truth) {
  return truth - truth / 2500 - absl::Milliseconds(1);
}

}  // namespace

void OverReport::Add(absl::Duration over) {
  const int64_t ms = absl::ToInt64Milliseconds(over);
  size_t at = 0;
  while (at + 1 < kUpto.size() && ms >= static_cast<int64_t>(kUpto[at])) ++at;
  ++counts[at];
}

void LagWatch::OnPushOpened(uint32_t agent, const std::string& path, absl::Duration now,
                            uint64_t tail) {
  Life& life = lives_[agent];
  Push push;
  push.path = path;
  push.opened = now;
  push.tail = tail;
  life.open[path] = life.pushes.size();
  life.pushes.push_back(std::move(push));
}

void LagWatch::OnRead(uint32_t agent, const std::string& path, absl::Duration now) {
  Life& life = lives_[agent];
  const auto open = life.open.find(path);
  if (open == life.open.end()) return;
  Push& push = life.pushes[open->second];
  if (!push.read.has_value()) push.read = now;
}

void LagWatch::OnPushDone(uint32_t agent, const std::string& path, absl::Duration now,
                          uint64_t root, bool all_new) {
  Life& life = lives_[agent];
  const auto open = life.open.find(path);
  if (open == life.open.end()) return;
  Push& push = life.pushes[open->second];
  push.ended = now;
  push.root = root;
  push.all_new = all_new;
  life.open.erase(open);
}

void LagWatch::OnHeartbeat(uint32_t agent, uint32_t site, absl::Duration sent) {
  std::optional<absl::Duration>& newest = lives_[agent].heartbeat[site];
  if (!newest.has_value() || *newest < sent) newest = sent;
}

void LagWatch::Look(uint32_t agent, uint32_t site, absl::Duration now, const LagBook::Lag& reported,
                    uint64_t held, bool is_calm) {
  Life& life = lives_[agent];
  life.samples.push_back({site, now, reported.replication_lag, reported.rpo_actual, held,
                          life.heartbeat[site], is_calm});
  ++looks_;
}

void LagWatch::Judge(const Life& life, const Sample& sample) {
  absl::Duration rpo_at_least, lag_at_least;
  const Push* oldest = nullptr;
  bool is_sure = true;  // nothing under way whose outcome nobody knows
  for (const Push& push : life.pushes) {
    if (push.opened > sample.at) break;
    if (push.root == 0) {
      is_sure = false;
      continue;
    }
    if (push.root <= sample.held) continue;
    // A push that was found to be done already read nothing.
    if (!push.read.has_value()) continue;
    if (oldest == nullptr) oldest = &push;  // they stand in the order in which they were opened
    rpo_at_least = std::max(rpo_at_least, sample.at - push.opened);
    if (!push.all_new || *push.read > sample.at || sample.held > push.tail) continue;
    lag_at_least = std::max(lag_at_least, sample.at - *push.read);
  }
  if (sample.rpo.has_value() && *sample.rpo < Tolerated(rpo_at_least)) {
    findings_->Add(
        Invariant::kTruthfulLag,
        absl::StrFormat("at %d ms the RPO of site %d is reported as %d us, it is %d us: "
                        "%s, opened at %d us, closed in record %d, the site holds %d",
                        absl::ToInt64Milliseconds(sample.at), sample.site,
                        absl::ToInt64Microseconds(*sample.rpo),
                        absl::ToInt64Microseconds(rpo_at_least), oldest->path,
                        absl::ToInt64Microseconds(oldest->opened), oldest->root, sample.held));
  }
  if (sample.lag.has_value() && *sample.lag < Tolerated(lag_at_least)) {
    findings_->Add(Invariant::kTruthfulLag,
                   absl::StrFormat("at %d ms the lag of site %d is reported as %d us, it is %d us",
                                   absl::ToInt64Milliseconds(sample.at), sample.site,
                                   absl::ToInt64Microseconds(*sample.lag),
                                   absl::ToInt64Microseconds(lag_at_least)));
  }
  if (!sample.is_calm || !is_sure || !sample.rpo.has_value() || !sample.heartbeat.has_value())
    return;
  const absl::Duration allowed = std::max(rpo_at_least, sample.at - *sample.heartbeat);
  over_.Add(std::max(*sample.rpo - allowed, absl::ZeroDuration()));
}

void LagWatch::OnAgentEnd(uint32_t agent, absl::Duration) {
  const auto found = lives_.find(agent);
  if (found == lives_.end()) return;
  for (const Sample& sample : found->second.samples) Judge(found->second, sample);
  lives_.erase(found);
}

}  // namespace tidemark
