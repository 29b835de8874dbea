// Invariant 6: what the agent reports as lag and RPO, beside what the simulator knows to be true.
//
//   OnAgentStart (OnPushOpened | OnRead | OnPushDone | OnHeartbeat | Look)* OnAgentEnd
// Looks are kept and judged when the agent's life ends: only then is known where each push's root
// stands. Truth: a site lacks an archive while its platter holds less than the root's record; it
// lacks bytes of a push that found nothing known while it holds no record behind the push's start.
// Reported less than that is a finding. Reported more is measured, beyond the heartbeat's age.
#ifndef TIDEMARK_TESTS_SIM_LAG_WATCH_H_
#define TIDEMARK_TESTS_SIM_LAG_WATCH_H_

#include <array>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "replicator/lag_book.h"
#include "tests/sim/invariants.h"

namespace tidemark {

// How far reports were above the truth: counts by milliseconds, for a percentile over many seeds.
struct OverReport {
  static constexpr std::array<uint32_t, 12> kUpto = {1,  2,   5,   10,  20,   50,
                                                     75, 100, 200, 500, 1000, ~0u};
  std::array<uint64_t, kUpto.size()> counts{};
  void Add(absl::Duration over);
};

class LagWatch {
 public:
  static constexpr uint32_t kSites = 3;
  explicit LagWatch(Findings* findings) : findings_(findings) {}

  void OnAgentStart(uint32_t agent) { lives_[agent] = Life(); }
  void OnAgentEnd(uint32_t agent, absl::Duration now);
  // `tail`: the last record that the agent has appended, 0 before its vault is open.
  void OnPushOpened(uint32_t agent, const std::string& path, absl::Duration now, uint64_t tail);
  void OnRead(uint32_t agent, const std::string& path, absl::Duration now);
  // root 0: it failed, and may have left a version all the same.
  void OnPushDone(uint32_t agent, const std::string& path, absl::Duration now, uint64_t root,
                  bool all_new);
  // The agent heard a site's answer to the heartbeat that it sent at `sent`.
  void OnHeartbeat(uint32_t agent, uint32_t site, absl::Duration sent);
  // What the agent reports now, and how many records the site's platter holds. `is_calm`: nothing
  // fails any more, so that more than the truth is the agent's own doing.
  void Look(uint32_t agent, uint32_t site, absl::Duration now, const LagBook::Lag& reported,
            uint64_t held, bool is_calm);

  uint64_t looks() const { return looks_; }
  const OverReport& over() const { return over_; }

 private:
  struct Push {
    std::string path;
    absl::Duration opened, ended = absl::InfiniteDuration();
    std::optional<absl::Duration> read;  // its first bytes
    uint64_t tail = 0, root = 0;
    bool all_new = false;
  };
  struct Sample {
    uint32_t site = 0;
    absl::Duration at;
    std::optional<absl::Duration> lag, rpo;
    uint64_t held = 0;
    std::optional<absl::Duration> heartbeat;  // when the newest answered one was sent
    bool is_calm = false;
  };
  struct Life {
    std::vector<Push> pushes;
    std::vector<Sample> samples;
    std::map<std::string, size_t> open;  // path -> push
    std::optional<absl::Duration> heartbeat[kSites];
  };
  void Judge(const Life& life, const Sample& sample);

  Findings* findings_;
  std::map<uint32_t, Life> lives_;
  uint64_t looks_ = 0;
  OverReport over_;
};

}  // namespace tidemark
#endif  // TIDEMARK_TESTS_SIM_LAG_WATCH_H_
