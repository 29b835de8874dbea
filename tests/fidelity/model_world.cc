// The model's side: the same script in the simulated world, which says what a cut may leave.
#include <algorithm>

#include "absl/strings/str_format.h"
#include "tests/fidelity/fidelity.h"
#include "tests/sim/sim_world.h"

namespace tidemark {
namespace {

class Judge : public ScriptWatcher {
 public:
  Judge(const std::vector<Step>* script, const RealPlay* play, const SimDisk* disk)
      : script_(script), play_(play), disk_(disk) {}

  void Before(size_t step, Fd) override {
    if (step == 0) JudgeCuts(0);
  }
  void After(size_t step, int32_t result) override {
    if (result != play_->results[step]) {
      wrong_.push_back(absl::StrFormat("step %d, %s: the model gives %d, the kernel %d", step,
                                       (*script_)[step].Text(), result, play_->results[step]));
    }
    JudgeCuts(step + 1);
  }
  std::vector<std::string> TakeWrong() { return std::move(wrong_); }
  uint64_t lost() const { return lost_; }

 private:
  void JudgeCuts(size_t steps) {
    for (const CutResult& cut : play_->cuts) {
      if (cut.steps != steps) continue;
      if (cut.found != TreeOf(*disk_)) ++lost_;
      std::string why;
      if (disk_->Allows(cut.found, &why)) continue;
      wrong_.push_back(
          absl::StrFormat("cut at moment %d, with %d steps done: %s", cut.moment, steps, why));
    }
  }

  const std::vector<Step>* script_;
  const RealPlay* play_;
  const SimDisk* disk_;
  std::vector<std::string> wrong_;
  uint64_t lost_ = 0;
};

void AddTree(const SimDisk& disk, const std::string& directory, FoundTree* tree) {
  std::vector<DirectoryEntry> entries;
  disk.List(directory.empty() ? "/" : directory, &entries);
  for (const DirectoryEntry& entry : entries) {
    const std::string path = directory + "/" + entry.name;
    (*tree)[path] = disk.ReadFile(path);  // of a directory: nothing
    if (entry.is_directory) AddTree(disk, path, tree);
  }
}

}  // namespace

FoundTree TreeOf(const SimDisk& disk) {
  FoundTree tree;
  AddTree(disk, "", &tree);
  return tree;
}

std::vector<std::string> CompareWithModel(uint64_t seed, const std::vector<Step>& script,
                                          const RealPlay& play, uint64_t* lost) {
  FaultOptions faults;
  faults.short_transfer_ppm = 0;
  SimWorld world(seed, faults);
  const int node = world.AddNode("a");
  SimDisk* disk = world.disk(node);
  for (const char* directory : kScriptDirectories) disk->MakeDirectories(directory);
  Judge judge(&script, &play, disk);
  Task<> story = PlayScript(world.io(node), "", &script, &judge);
  story.Start();
  const bool done = world.Run([&story] { return story.done(); });
  std::vector<std::string> wrong = judge.TakeWrong();
  if (!done) wrong.push_back("the script does not end in the model");
  if (done && TreeOf(*disk) != play.end) wrong.push_back("at the end the two do not read alike");
  *lost += judge.lost();
  return wrong;
}

}  // namespace tidemark
