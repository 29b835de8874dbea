// What a push does to its bytes on one core, stage by stage: alone, and as the pipeline runs them.
#ifndef TIDEMARK_AGENT_CLI_BENCH_STAGES_H_
#define TIDEMARK_AGENT_CLI_BENCH_STAGES_H_

#include <string>
#include <vector>

#include "absl/status/statusor.h"

namespace tidemark {

struct StageFigure {
  std::string name;
  double alone_bytes_per_second = 0;  // over the whole input, nothing else running
  double pipeline_seconds = 0;        // spent in it on the way
};
struct StageFigures {
  std::vector<StageFigure> stages;
  uint64_t bytes = 0, chunks = 0;
  double pipeline_bytes_per_second = 0;  // page cache to finished packs
  double limit_bytes_per_second = 0;     // 1 / sum of the stages alone
  double known_bytes_per_second = 0;     // the same input again: read, cut, named, found
};

// All by processor time. `input`: a file, held in memory whole. Compression is off: it depends on
// the data only.
absl::StatusOr<StageFigures> MeasureStages(const std::string& input);

}  // namespace tidemark
#endif  // TIDEMARK_AGENT_CLI_BENCH_STAGES_H_
