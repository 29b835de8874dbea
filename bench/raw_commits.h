// What a commit cannot beat: direct writes of 4 KiB with a flush each on preallocated, once written
// files, and a 4 KiB echo over loopback.
#ifndef TIDEMARK_BENCH_RAW_COMMITS_H_
#define TIDEMARK_BENCH_RAW_COMMITS_H_

#include <string>
#include <vector>

namespace tidemark {

struct Measured {
  double per_second = 0, p50_seconds = 0, p99_seconds = 0;
};

// One loop per directory, all at once, for so long; the rate is of one loop. Files are removed.
// Empty directories or a failing call: exits with a message.
Measured MeasureRawLoops(const std::vector<std::string>& directories, double seconds);
Measured MeasureEcho(double seconds);
// Of latencies in any order, that many in so many seconds.
Measured Summarize(std::vector<double> latencies, double seconds);

}  // namespace tidemark
#endif  // TIDEMARK_BENCH_RAW_COMMITS_H_
