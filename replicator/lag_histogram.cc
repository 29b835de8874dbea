#include "replicator/lag_histogram.h"

#include <algorithm>
#include <bit>
#include <cassert>

namespace tidemark {
namespace {

constexpr int64_t kUnit = 1000000;  // 1 ms
constexpr uint64_t kLinear = 128, kPerOctave = 64;

size_t BucketOf(int64_t nanos) {
  const uint64_t units = static_cast<uint64_t>(nanos / kUnit);
  if (units < kLinear) return units;
  const int octave = std::bit_width(units) - 7;  // 128 .. 255 is 1
  return kLinear + static_cast<size_t>(octave - 1) * kPerOctave + ((units >> octave) - kPerOctave);
}

// The first lag that is in no bucket up to this one.
int64_t UpperEdge(size_t bucket) {
  if (bucket < kLinear) return static_cast<int64_t>(bucket + 1) * kUnit;
  const uint64_t octave = (bucket - kLinear) / kPerOctave + 1;
  const uint64_t step = (bucket - kLinear) % kPerOctave + kPerOctave;
  return static_cast<int64_t>((step + 1) << octave) * kUnit;
}

}  // namespace

void LagHistogram::Grew(int64_t from, int64_t to) {
  assert(0 <= from && from <= to);
  time_ += to - from;
  worst_ = std::max(worst_, to);
  while (from < to) {
    const size_t bucket = BucketOf(from);
    const int64_t edge = std::min(UpperEdge(bucket), to);
    if (nanos_.size() <= bucket) nanos_.resize(bucket + 1);
    nanos_[bucket] += edge - from;
    from = edge;
  }
}

int64_t LagHistogram::Percentile(int64_t per_mille) const {
  const int64_t wanted = time_ / 1000 * per_mille + time_ % 1000 * per_mille / 1000;
  int64_t passed = 0;
  for (size_t bucket = 0; bucket < nanos_.size(); ++bucket) {
    passed += nanos_[bucket];
    if (passed >= wanted && passed > 0) return std::min(UpperEdge(bucket), worst_);
  }
  return worst_;
}

}  // namespace tidemark
