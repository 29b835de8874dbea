// tidemark_fidelity: is the simulated disk as unkind as a real one?
//
//   tidemark_fidelity --fs=ext4|xfs --scripts=N [--first=N] [--cuts=N] [--lies] [--keep-going]
//   tidemark_fidelity --fs=ext4|xfs --script=N [--cuts=N]     that one, with its steps
//
// --lies: the disk keeps no promise of a flush; then there must be findings. Needs root, /dev/fuse
// and loop devices. Exits 1 when there was a finding, 77 when it cannot run here.
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <string>

#include "tests/fidelity/fidelity.h"

namespace tidemark {
namespace {

constexpr int kCannotRun = 77;

struct Arguments {
  std::string kind;
  uint64_t first = 1, count = 1;
  uint32_t cuts = 4;
  bool one = false, lies = false, keep_going = false;
};

bool ReadArguments(int argc, char** argv, Arguments* arguments) {
  for (int i = 1; i < argc; ++i) {
    const std::string text = argv[i];
    const std::string value = text.substr(std::min(text.find('=') + 1, text.size()));
    const uint64_t number = std::strtoull(value.c_str(), nullptr, 10);
    if (text.starts_with("--fs=")) {
      arguments->kind = value;
    } else if (text.starts_with("--scripts=")) {
      arguments->count = number;
    } else if (text.starts_with("--script=")) {
      arguments->one = true;
      arguments->first = number;
    } else if (text.starts_with("--first=")) {
      arguments->first = number;
    } else if (text.starts_with("--cuts=")) {
      arguments->cuts = static_cast<uint32_t>(number);
    } else if (text == "--lies") {
      arguments->lies = true;
    } else if (text == "--keep-going") {
      arguments->keep_going = true;
    } else {
      return false;
    }
  }
  return arguments->kind == "ext4" || arguments->kind == "xfs";
}

struct Sums {
  uint64_t scripts = 0, steps = 0, cuts = 0, lost = 0, findings = 0;
};

int PlayAll(RealWorld* world, const Arguments& arguments) {
  Sums sums;
  for (uint64_t seed = arguments.first; seed < arguments.first + arguments.count; ++seed) {
    const std::vector<Step> script = DrawScript(seed);
    const absl::StatusOr<RealPlay> play = world->Play(seed, script, arguments.cuts, arguments.lies);
    std::vector<std::string> wrong = {play.ok() ? "" : play.status().ToString()};
    if (play.ok()) wrong = CompareWithModel(seed, script, *play, &sums.lost);
    for (const std::string& each : wrong) {
      std::fprintf(stderr, "script %llu on %s: %s\n", static_cast<unsigned long long>(seed),
                   arguments.kind.c_str(), each.c_str());
    }
    for (size_t i = 0; (arguments.one || !wrong.empty()) && i < script.size(); ++i) {
      std::fprintf(stderr, "%4zu %s%s\n", i, script[i].Text().c_str(),
                   play.ok() && play->results[i] < 0 ? " (fails)" : "");
    }
    ++sums.scripts;
    sums.steps += script.size();
    sums.cuts += play.ok() ? play->cuts.size() : 0;
    sums.findings += wrong.empty() ? 0 : 1;
    // After a failure of the world itself its file system may still be mounted.
    if (!play.ok() || (!wrong.empty() && !arguments.keep_going)) break;
  }
  const auto print = [](const char* what, uint64_t count) {
    std::printf("%s: %llu\n", what, static_cast<unsigned long long>(count));
  };
  std::printf("file system: %s\n", arguments.kind.c_str());
  print("scripts", sums.scripts);
  print("steps", sums.steps);
  print("power cuts", sums.cuts);
  print("power cuts that lost something", sums.lost);
  print("scripts outside the model", sums.findings);
  return sums.findings == 0 ? 0 : 1;
}

int Main(int argc, char** argv) {
  Arguments arguments;
  if (!ReadArguments(argc, argv, &arguments)) {
    std::fprintf(stderr,
                 "tidemark_fidelity --fs=ext4|xfs --scripts=N | --script=N [--first=N] "
                 "[--cuts=N] [--lies] [--keep-going]\n");
    return 64;
  }
  std::string directory = std::filesystem::temp_directory_path() / "tidemark-fidelity-XXXXXX";
  if (mkdtemp(directory.data()) == nullptr) return 74;
  int code = kCannotRun;
  absl::Status ready = EnterPrivateMounts();
  if (ready.ok()) {
    absl::StatusOr<std::unique_ptr<RealWorld>> world = RealWorld::Make(arguments.kind, directory);
    ready = world.status();
    if (ready.ok()) code = PlayAll(world->get(), arguments);
  }
  std::error_code ignored;
  std::filesystem::remove_all(directory, ignored);
  if (!ready.ok()) std::fprintf(stderr, "NOT RUN: %s\n", ready.ToString().c_str());
  return code;
}

}  // namespace
}  // namespace tidemark

int main(int argc, char** argv) { return tidemark::Main(argc, argv); }
