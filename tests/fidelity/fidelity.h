// One script on a real file system, with cuts of its power, and the same script in the simulated
// world, which is asked whether it allows what each cut left.
#ifndef TIDEMARK_TESTS_FIDELITY_FIDELITY_H_
#define TIDEMARK_TESTS_FIDELITY_FIDELITY_H_

#include <memory>
#include <string>
#include <vector>

#include "agent/io/uring_io.h"
#include "tests/fidelity/file_system.h"
#include "tests/fidelity/fuse_disk.h"
#include "tests/fidelity/script.h"

namespace tidemark {

// What a power cut left behind that many finished steps (and a part of the next one).
struct CutResult {
  size_t steps = 0;
  uint64_t moment = 0;
  FoundTree found;
};

// What happened on the real file system.
struct RealPlay {
  std::vector<int32_t> results;  // of each step
  FoundTree end;                 // as it read when all steps were done
  std::vector<CutResult> cuts;
};

class RealWorld {
 public:
  // `directory`: an empty one. kUnavailable and the like: not on this machine, or not as this user.
  static absl::StatusOr<std::unique_ptr<RealWorld>> Make(const std::string& kind,
                                                         const std::string& directory);
  absl::StatusOr<RealPlay> Play(uint64_t seed, const std::vector<Step>& script, uint32_t cuts,
                                bool lies);

 private:
  class Watcher;
  RealWorld() = default;
  absl::StatusOr<CutResult> Cut(const Watcher& watcher, uint64_t seed, bool lies);
  absl::Status Leave();

  std::string kind_, point_;
  std::unique_ptr<FuseDisk> disk_;
  std::unique_ptr<LoopDevice> loop_;
  std::unique_ptr<UringIo> io_;
};

// What is wrong, in words: a step with another result, or a cut that the model does not allow.
// `lost`: how many cuts left something else than what was there at that moment.
std::vector<std::string> CompareWithModel(uint64_t seed, const std::vector<Step>& script,
                                          const RealPlay& play, uint64_t* lost);

// As it reads now.
FoundTree TreeOf(const SimDisk& disk);

}  // namespace tidemark
#endif  // TIDEMARK_TESTS_FIDELITY_FIDELITY_H_
