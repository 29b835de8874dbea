#include "tests/sim/seed_fleet.h"

#include <malloc.h>
#include <poll.h>
#include <sys/mman.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <cassert>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <set>

#include "absl/strings/str_cat.h"
#include "tests/sim/cluster.h"
#include "tests/sim/rare_paths.h"

namespace tidemark {
namespace {

constexpr uint32_t kJobsMax = 256;
constexpr int kPollMs = 200;
// A coroutine that never waits again would run for ever.
constexpr time_t kHangsAfterSeconds = 100;
// A line must go into a pipe whole.
constexpr size_t kFindingBytesMax = 2000;

// Shared by the parent and its children.
struct Board {
  std::atomic<uint64_t> next{0};  // how many seeds were handed out
  std::atomic<bool> stop{false};
  std::atomic<uint64_t> playing[kJobsMax];  // 0: none
};

class Fleet {
 public:
  Fleet(const FleetOptions& options, const std::function<void(const SeedRecord&)>& heard)
      : options_(options), heard_(heard) {
    void* mapped =
        mmap(nullptr, sizeof(Board), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    assert(mapped != MAP_FAILED);
    board_ = new (mapped) Board;
    const int piped = pipe(pipe_);
    assert(piped == 0);
    (void)piped;
  }
  ~Fleet() {
    close(pipe_[0]);
    munmap(board_, sizeof(Board));
  }

  Measures Run() {
    ReadResults();
    if (!options_.results_path.empty()) {
      results_.open(options_.results_path, std::ios::app);
      if (!results_.is_open()) Die("cannot write " + options_.results_path);
    }
    children_.assign(std::min(options_.jobs, kJobsMax), 0);
    for (size_t job = 0; job < children_.size(); ++job) Spawn(job);
    while (AnyChild()) {
      pollfd wanted = {pipe_[0], POLLIN, 0};
      if (poll(&wanted, 1, kPollMs) > 0) ReadPipe();
      Reap();
    }
    close(pipe_[1]);
    while (ReadPipe()) {
    }
    return std::move(measures_);
  }

 private:
  [[noreturn]] static void Die(const std::string& why) {
    std::fprintf(stderr, "tidemark_sim: %s\n", why.c_str());
    std::exit(74);
  }

  void ReadResults() {
    std::ifstream file(options_.results_path);
    for (std::string line; std::getline(file, line);) {
      const std::optional<SeedRecord> record = SeedRecord::FromLine(line);
      if (!record.has_value() || !done_.insert(record->seed).second) continue;
      if (record->seed < options_.first || record->seed - options_.first >= options_.count)
        continue;
      Hear(*record);
    }
  }

  void Hear(const SeedRecord& record) {
    measures_.Add(record);
    heard_(record);
    if (!record.finding.empty() && !options_.keep_going) board_->stop = true;
  }

  void Spawn(size_t job) {
    std::fflush(nullptr);
    board_->playing[job] = 0;
    const pid_t child = fork();
    if (child < 0) Die("cannot fork");
    if (child == 0) PlayAsChild(job);
    children_[job] = child;
  }

  [[noreturn]] void PlayAsChild(size_t job) {
    // A world is made and thrown away every few milliseconds: its memory is kept for the next.
    mallopt(M_MMAP_THRESHOLD, 1 << 30);
    mallopt(M_TRIM_THRESHOLD, 1 << 30);
    while (!board_->stop) {
      const uint64_t at = board_->next++;
      if (at >= options_.count) break;
      const uint64_t seed = options_.first + at;
      if (done_.contains(seed)) continue;
      board_->playing[job] = seed;
      // Of its own time: on a busy machine every seed is slow.
      const itimerval limit = {{0, 0}, {kHangsAfterSeconds, 0}};
      setitimer(ITIMER_PROF, &limit, nullptr);
      SeedRecord record = PlayRecorded(OptionsOf(seed, options_.settings));
      record.finding.resize(std::min(record.finding.size(), kFindingBytesMax));
      const std::string line = record.ToLine() + "\n";
      if (write(pipe_[1], line.data(), line.size()) != static_cast<ssize_t>(line.size())) _exit(1);
      board_->playing[job] = 0;
    }
    _exit(0);
  }

  bool AnyChild() const {
    for (const pid_t child : children_) {
      if (child != 0) return true;
    }
    return false;
  }

  void Reap() {
    for (size_t job = 0; job < children_.size(); ++job) {
      int status = 0;
      if (children_[job] == 0 || waitpid(children_[job], &status, WNOHANG) != children_[job])
        continue;
      children_[job] = 0;
      const uint64_t seed = board_->playing[job];
      if (seed == 0) continue;
      SeedRecord record;
      record.seed = seed;
      record.finding = WIFSIGNALED(status) ? absl::StrCat("died of signal ", WTERMSIG(status))
                                           : absl::StrCat("ended with code ", WEXITSTATUS(status));
      Hear(record);
      if (results_.is_open()) results_ << record.ToLine() << std::endl;
      if (!board_->stop) Spawn(job);
    }
  }

  // False at the end.
  bool ReadPipe() {
    char bytes[4096];
    const ssize_t got = read(pipe_[0], bytes, sizeof(bytes));
    if (got <= 0) return false;
    text_.append(bytes, got);
    for (size_t end = text_.find('\n'); end != std::string::npos; end = text_.find('\n')) {
      const std::string line = text_.substr(0, end);
      text_.erase(0, end + 1);
      if (results_.is_open()) results_ << line << std::endl;
      const std::optional<SeedRecord> record = SeedRecord::FromLine(line);
      if (record.has_value()) Hear(*record);
    }
    return true;
  }

  FleetOptions options_;
  const std::function<void(const SeedRecord&)>& heard_;
  Board* board_;
  int pipe_[2];
  std::vector<pid_t> children_;
  std::set<uint64_t> done_;
  std::ofstream results_;
  std::string text_;
  Measures measures_;
};

}  // namespace

Measures PlayFleet(const FleetOptions& options,
                   const std::function<void(const SeedRecord&)>& heard) {
  Fleet fleet(options, heard);
  return fleet.Run();
}

ClusterOptions OptionsOf(uint64_t seed, const std::vector<std::string>& settings) {
  ClusterOptions options = ClusterOptions::Draw(seed);
  for (const std::string& setting : settings) {
    const absl::Status set = options.Set(setting);
    if (set.ok()) continue;
    std::fprintf(stderr, "tidemark_sim: %s\n", std::string(set.message()).c_str());
    std::exit(64);
  }
  return options;
}

SeedRecord PlayRecorded(const ClusterOptions& options, std::ostream* trace) {
  const std::vector<uint64_t> before = RarePathHits();
  SeedRecord record;
  {
    Cluster cluster(options);
    if (trace != nullptr) cluster.TraceTo(trace);
    record = cluster.Play();
  }
  const std::vector<uint64_t> after = RarePathHits();
  for (size_t i = 0; i < after.size(); ++i) {
    if (after[i] > before[i]) record.rare_paths[i] = after[i] - before[i];
  }
  return record;
}

std::string FindingInChild(const ClusterOptions& options) {
  int ends[2];
  const int piped = pipe(ends);
  assert(piped == 0);
  (void)piped;
  std::fflush(nullptr);
  const pid_t child = fork();
  if (child == 0) {
    const std::string finding = PlayRecorded(options).finding;
    const ssize_t put = write(ends[1], finding.data(), std::min(finding.size(), kFindingBytesMax));
    _exit(put >= 0 ? 0 : 1);
  }
  close(ends[1]);
  std::string finding;
  char bytes[4096];
  for (ssize_t got; (got = read(ends[0], bytes, sizeof(bytes))) > 0;) finding.append(bytes, got);
  close(ends[0]);
  int status = 0;
  waitpid(child, &status, 0);
  if (WIFSIGNALED(status)) return absl::StrCat("died of signal ", WTERMSIG(status));
  return finding;
}

std::vector<std::string> Shrink(const ClusterOptions& failing,
                                const std::function<void(const std::string&)>& said) {
  ClusterOptions now = failing;
  std::set<std::string> changed;
  const auto keep_if_failing = [&](const std::string& name, uint64_t value) {
    ClusterOptions tried = now;
    const absl::Status set = tried.Set(absl::StrCat(name, "=", value));
    if (!set.ok() || FindingInChild(tried).empty()) return false;
    now = tried;
    changed.insert(name);
    said(absl::StrCat("fails also with ", name, "=", value));
    return true;
  };
  for (bool again = true; again;) {
    again = false;
    for (const ClusterOptions::Field& field : now.Fields()) {
      if (field.calm == ClusterOptions::kNoCalm || field.value == field.calm) continue;
      again = keep_if_failing(field.name, field.calm) || again;
    }
  }
  for (const char* load :
       {"items", "pushers", "restorers", "names", "chaos_ms", "item_bytes_max"}) {
    while (true) {
      uint64_t value = 0;
      for (const ClusterOptions::Field& field : now.Fields()) {
        if (field.name == load) value = field.value;
      }
      if (value <= 1 || !keep_if_failing(load, value / 2)) break;
    }
  }
  std::vector<std::string> settings;
  for (const ClusterOptions::Field& field : now.Fields()) {
    if (changed.contains(field.name))
      settings.push_back(absl::StrCat(field.name, "=", field.value));
  }
  return settings;
}

}  // namespace tidemark
