// A throw-away Tidemark: an agent and three sites of this same binary as child processes, in a
// directory of its own. Nothing stays: the destructor ends the processes and removes the directory.
#ifndef TIDEMARK_AGENT_CLI_BENCH_LAB_H_
#define TIDEMARK_AGENT_CLI_BENCH_LAB_H_

#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "agent/cli/interrupt.h"

namespace tidemark {

class BenchLab {
 public:
  // Serves when it returns. `directory` exists; the lab's own is made in it.
  static absl::StatusOr<std::unique_ptr<BenchLab>> Start(const std::string& directory,
                                                         const Interrupt& interrupt);
  ~BenchLab();
  BenchLab(const BenchLab&) = delete;
  std::string socket() const { return directory_ + "/agent.sock"; }
  const std::string& directory() const { return directory_; }
  // User and system time of all four so far.
  double CpuSeconds() const;

 private:
  explicit BenchLab(std::string directory) : directory_(std::move(directory)) {}
  absl::Status SetUp();
  absl::Status RunToEnd(const std::vector<std::string>& words);
  absl::Status Launch(const std::vector<std::string>& words, const std::string& log);
  absl::Status WaitReady(const Interrupt& interrupt);
  std::string directory_;
  std::vector<int> children_;
};

}  // namespace tidemark
#endif  // TIDEMARK_AGENT_CLI_BENCH_LAB_H_
