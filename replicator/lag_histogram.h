// How long a lag was how large: percentiles by time, not by sample. Integers only, so that agent
// and verifier come to the same figures. Buckets of 1 ms up to 128 ms, then 64 to each doubling; a
// percentile is the upper edge of its bucket: never too small, at most 1.6 % and 1 ms too large.
#ifndef TIDEMARK_REPLICATOR_LAG_HISTOGRAM_H_
#define TIDEMARK_REPLICATOR_LAG_HISTOGRAM_H_

#include <cstdint>
#include <vector>

namespace tidemark {

class LagHistogram {
 public:
  // While time went on, the lag grew from `from` to `to` nanoseconds with it; 0 <= from <= to.
  void Grew(int64_t from, int64_t to);
  // The lag that was not exceeded for `per_mille` of the time. 0 when there was none.
  int64_t Percentile(int64_t per_mille) const;
  int64_t worst() const { return worst_; }
  int64_t time() const { return time_; }

 private:
  std::vector<int64_t> nanos_;  // spent in each bucket
  int64_t time_ = 0, worst_ = 0;
};

}  // namespace tidemark
#endif  // TIDEMARK_REPLICATOR_LAG_HISTOGRAM_H_
