// Ledger: how a span of time counts: known or not, within the target or above it.
#include <algorithm>

#include "replicator/ledger.h"

namespace tidemark {
namespace {

constexpr int64_t kSecond = 1000000000, kMinute = 60 * kSecond;
constexpr int64_t kAbsentAfter = 30 * kSecond;

int64_t MinuteOf(int64_t at) { return at / kMinute; }

}  // namespace

void Ledger::StateGap(const Gap& gap) {
  std::map<uint64_t, uint64_t>& gaps = sites_.at(gap.site).gaps[gap.store];
  const auto behind = gaps.upper_bound(gap.from);
  const auto before = behind == gaps.begin() ? gaps.end() : std::prev(behind);
  if (before != gaps.end() && before->second + 1 >= gap.from) {
    before->second = std::max(before->second, gap.to);
  } else {
    gaps.emplace(gap.from, gap.to);
  }
  if (gaps.size() > kLedgerGapsMax) gaps.erase(gaps.begin());
}

// From the last receipt before a gap until a checkpoint names one behind it, what the site held is
// not known: one that says truncated may be among those that are missing.
bool Ledger::InGap(const Track& track) const {
  const SiteBook& site = sites_[track.minute.site];
  const auto gaps = site.gaps.find(track.store);
  if (gaps == site.gaps.end()) return false;
  const auto next = gaps->second.upper_bound(track.number);
  if (next == gaps->second.end()) return false;
  return site.store != track.store || site.number + 1 >= next->first;
}

void Ledger::Count(VaultBook* book, Track* track, int64_t from, int64_t to) {
  const int64_t span = to - from;
  const auto lag_at = [](int64_t proven, int64_t at) { return std::max<int64_t>(at - proven, 0); };
  const bool in_gap = InGap(*track), is_known = track->restorable.has_value() && !in_gap;
  if (track->taken && !in_gap)
    track->lag.Grew(lag_at(*track->taken, from), lag_at(*track->taken, to));
  if (track->changed_at > 0) {
    const int64_t absent = std::max(from, track->changed_at + kAbsentAfter);
    const int64_t worst = is_known ? lag_at(*track->restorable, to) : 0;
    if (absent < to) AddInterval(track, {LedgerInterval::Kind::kAbsent, absent, to, worst});
  }
  if (!is_known) {
    track->ledger.unknown += span;
    AddInterval(track, {LedgerInterval::Kind::kUnknown, from, to, 0});
    return CountMinutes(track, from, to, to, false);
  }
  track->ledger.known += span;
  track->rpo.Grew(lag_at(*track->restorable, from), lag_at(*track->restorable, to));
  // An endless target would overflow the sum.
  const int64_t reached = book->ledger.target > INT64_MAX - *track->restorable
                              ? INT64_MAX
                              : *track->restorable + book->ledger.target;
  const int64_t above = std::clamp(reached, from, to);
  track->ledger.above += to - above;
  if (above < to) {
    AddInterval(track, {LedgerInterval::Kind::kBreach, above, to, lag_at(*track->restorable, to)});
  }
  CountMinutes(track, from, to, above, true);
}

// [above, to) was above the target.
void Ledger::CountMinutes(Track* track, int64_t from, int64_t to, int64_t above, bool is_known) {
  if (above < to) {
    const int64_t first = std::max(MinuteOf(above), track->last_missed_minute + 1);
    const int64_t last = MinuteOf(to - 1);
    if (last >= first) track->ledger.minutes_missed += static_cast<uint64_t>(last - first + 1);
    track->last_missed_minute = std::max(track->last_missed_minute, last);
  }
  if (minutes_ == nullptr) return;
  while (from < to) {
    const int64_t minute = MinuteOf(from);
    const int64_t end = std::min((minute + 1) * kMinute, to);
    if (track->minute.minute != minute) {
      if (track->minute.minute != 0) minutes_->OnMinute(track->minute);
      track->minute.minute = minute;
      track->minute.above = track->minute.unknown = 0;
    }
    if (!is_known) track->minute.unknown += end - from;
    if (above < end) track->minute.above += end - std::max(above, from);
    from = end;
  }
}

void Ledger::AddInterval(Track* track, LedgerInterval interval) {
  std::vector<LedgerInterval>& all = track->ledger.intervals;
  for (size_t back = 0; back < std::min<size_t>(all.size(), 3); ++back) {
    LedgerInterval& before = all[all.size() - 1 - back];
    if (before.kind != interval.kind || before.to != interval.from) continue;
    before.to = interval.to;
    before.worst = std::max(before.worst, interval.worst);
    return;
  }
  if (all.size() >= kLedgerIntervalsMax) {
    ++track->ledger.intervals_left_out;
  } else {
    all.push_back(interval);
  }
}

}  // namespace tidemark
