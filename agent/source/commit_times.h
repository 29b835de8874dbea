// How long records take from being closed to being committed, over the newest of them.
#ifndef TIDEMARK_AGENT_SOURCE_COMMIT_TIMES_H_
#define TIDEMARK_AGENT_SOURCE_COMMIT_TIMES_H_

#include <algorithm>
#include <deque>
#include <optional>
#include <utility>
#include <vector>

#include "absl/time/time.h"

namespace tidemark {

class CommitTimes {
 public:
  // Sequences and times only grow.
  void OnClosed(uint64_t sequence, absl::Duration now) { open_.emplace_back(sequence, now); }
  void OnCommitted(uint64_t upto, absl::Duration now) {
    for (; !open_.empty() && open_.front().first <= upto; open_.pop_front()) {
      if (took_.size() == kKept) took_.pop_front();
      took_.push_back(now - open_.front().second);
    }
  }
  // nullopt: nothing was committed yet.
  std::optional<double> Seconds(int percent) const {
    if (took_.empty()) return std::nullopt;
    std::vector<absl::Duration> sorted(took_.begin(), took_.end());
    std::sort(sorted.begin(), sorted.end());
    return absl::ToDoubleSeconds(sorted[sorted.size() * static_cast<size_t>(percent) / 100]);
  }

 private:
  static constexpr size_t kKept = 4096;
  std::deque<std::pair<uint64_t, absl::Duration>> open_;  // bounded by the log's window
  std::deque<absl::Duration> took_;
};

}  // namespace tidemark
#endif  // TIDEMARK_AGENT_SOURCE_COMMIT_TIMES_H_
