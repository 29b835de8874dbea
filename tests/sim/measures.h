// What playing a seed came to, as one line of text, and what many seeds came to together.
#ifndef TIDEMARK_TESTS_SIM_MEASURES_H_
#define TIDEMARK_TESTS_SIM_MEASURES_H_

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "tests/sim/lag_watch.h"

namespace tidemark {

struct SeedRecord {
  uint64_t seed = 0, trace = 0;
  uint64_t events = 0, io_events = 0, commits = 0, faults = 0, records = 0;
  uint64_t restored = 0, resumed = 0, starts = 0, simulated_ms = 0, looks = 0;
  bool real_signatures = false, real_tls = false;
  OverReport over;
  std::map<size_t, uint64_t> rare_paths;  // by place in RarePathNames()
  std::string finding;                    // empty: all is well

  // "seed=1 ... finding=text to the end". nullopt: not such a line.
  std::string ToLine() const;
  static std::optional<SeedRecord> FromLine(const std::string& line);
};

class Measures {
 public:
  void Add(const SeedRecord& record);
  uint64_t seeds() const { return io_events_.size(); }
  uint64_t violations() const { return violations_; }
  // Medians, shares, percentiles, a line each; with `paths` a table of the rare paths, in which one
  // that was never taken is named.
  std::string Text(bool paths) const;

 private:
  SeedRecord sum_;
  uint64_t violations_ = 0, with_signatures_ = 0, with_tls_ = 0;
  std::vector<uint64_t> io_events_, commits_, faults_;
};

}  // namespace tidemark
#endif  // TIDEMARK_TESTS_SIM_MEASURES_H_
