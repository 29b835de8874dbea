// The real side: the kernel's file system above a disk that loses power.
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>

#include "tests/fidelity/fidelity.h"

namespace tidemark {

// Notes the moments at which steps begin and end, and is the kernel's impatience between them.
class RealWorld::Watcher : public ScriptWatcher {
 public:
  Watcher(const std::vector<Step>* script, FuseDisk* disk, std::string point)
      : script_(script), disk_(disk), point_(std::move(point)), first_(disk->Moment()) {}

  void Before(size_t step, Fd open) override {
    Nudge((*script_)[step].nudge, open);
    begun_.push_back(disk_->Moment());
  }
  void After(size_t, int32_t result) override {
    results_.push_back(result);
    ended_.push_back(disk_->Moment());
  }
  std::vector<int32_t> TakeResults() { return std::move(results_); }

  // Anywhere, or where a step has just ended: there a flush's promise is fresh.
  uint64_t DrawMoment(SimRandom* random) const {
    if (random->Coin()) return random->Between(first_, ended_.back());
    return ended_[random->Below(ended_.size())];
  }
  // How many steps the model must have done. One that was under way may have happened; a flush
  // that was under way has promised nothing.
  size_t StepsAt(uint64_t moment) const {
    size_t steps = 0;
    while (steps < ended_.size() && ended_[steps] <= moment) ++steps;
    const bool under_way = steps < ended_.size() && begun_[steps] < moment;
    return under_way && !(*script_)[steps].promises() ? steps + 1 : steps;
  }

 private:
  // What the kernel may do by itself at any time, only sooner.
  void Nudge(Step::Nudge nudge, Fd open) const {
    if (nudge == Step::Nudge::kWriteBack && open >= 0) {
      sync_file_range(open, 0, 0, SYNC_FILE_RANGE_WRITE | SYNC_FILE_RANGE_WAIT_AFTER);
    }
    if (nudge != Step::Nudge::kSyncOther && nudge != Step::Nudge::kSyncAll) return;
    const int other = ::open((point_ + kOtherFile).c_str(), O_WRONLY | O_CLOEXEC);
    const char byte = 'x';
    if (nudge == Step::Nudge::kSyncAll) {
      syncfs(other);
    } else if (pwrite(other, &byte, 1, 0) == 1) {
      fsync(other);  // commits the journal, and so other files' names and sizes
    }
    close(other);
  }

  const std::vector<Step>* script_;
  FuseDisk* disk_;
  std::string point_;
  uint64_t first_;
  std::vector<uint64_t> begun_, ended_;
  std::vector<int32_t> results_;
};

absl::StatusOr<std::unique_ptr<RealWorld>> RealWorld::Make(const std::string& kind,
                                                           const std::string& directory) {
  std::unique_ptr<RealWorld> world(new RealWorld);
  world->kind_ = kind;
  world->point_ = directory + "/mounted";
  const std::string image = directory + "/image";
  if (mkdir(world->point_.c_str(), 0700) != 0) return absl::ErrnoToStatus(errno, directory);
  absl::Status made = MakeImage(kind, image, world->point_);
  if (!made.ok()) return made;
  absl::StatusOr<std::unique_ptr<FuseDisk>> disk = FuseDisk::Start(image, directory + "/disk");
  unlink(image.c_str());  // whoever has mapped it keeps it
  if (!disk.ok()) return disk.status();
  world->disk_ = *std::move(disk);
  absl::StatusOr<std::unique_ptr<LoopDevice>> loop = LoopDevice::Start(directory + "/disk");
  if (!loop.ok()) return loop.status();
  world->loop_ = *std::move(loop);
  absl::StatusOr<std::unique_ptr<UringIo>> io = UringIo::Create({});
  if (!io.ok()) return io.status();
  world->io_ = *std::move(io);
  return world;
}

absl::Status RealWorld::Leave() {
  absl::Status left = Unmount(point_);
  return left.ok() ? loop_->DropCache() : left;
}

absl::StatusOr<RealPlay> RealWorld::Play(uint64_t seed, const std::vector<Step>& script,
                                         uint32_t cuts, bool lies) {
  disk_->Reset();
  absl::Status mounted = Mount(kind_, loop_->path(), point_);
  if (!mounted.ok()) return mounted;
  RealPlay play;
  Watcher watcher(&script, disk_.get(), point_);
  {
    Task<> story = PlayScript(io_.get(), point_, &script, &watcher);
    story.Start();
    io_->Run();
    if (!story.done()) return absl::InternalError("the script does not end");
  }
  play.results = watcher.TakeResults();
  absl::StatusOr<FoundTree> end = ReadTree(point_);
  absl::Status left = Leave();
  if (!end.ok() || !left.ok()) return end.ok() ? left : end.status();
  play.end = *std::move(end);
  for (uint32_t i = 0; i < cuts; ++i) {
    absl::StatusOr<CutResult> cut = Cut(watcher, MixSeeds(seed, i), lies);
    if (!cut.ok()) return cut.status();
    play.cuts.push_back(*std::move(cut));
  }
  std::sort(play.cuts.begin(), play.cuts.end(),
            [](const CutResult& a, const CutResult& b) { return a.steps < b.steps; });
  return play;
}

absl::StatusOr<CutResult> RealWorld::Cut(const Watcher& watcher, uint64_t seed, bool lies) {
  SimRandom random(seed);
  CutResult cut;
  cut.moment = watcher.DrawMoment(&random);
  cut.steps = watcher.StepsAt(cut.moment);
  disk_->CutPower(cut.moment, random.Next(), lies);
  absl::Status mounted = Mount(kind_, loop_->path(), point_);
  if (!mounted.ok()) return mounted;
  absl::StatusOr<FoundTree> found = ReadTree(point_);
  absl::Status left = Leave();
  if (!found.ok() || !left.ok()) return found.ok() ? left : found.status();
  cut.found = *std::move(found);
  return cut;
}

}  // namespace tidemark
