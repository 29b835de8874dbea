// tidemark_sim: plays seeds of the simulated cluster.
//
//   tidemark_sim --seed=N [--trace]           one seed, in this process, with all that was drawn
//   tidemark_sim --seed=N --shrink            makes a failing seed smaller
//   tidemark_sim --seeds=N [--first=N] [--jobs=N] [--results=FILE] [--keep-going]
//                                             N seeds from --first on, in N processes
//   tidemark_sim --isolation [--seeds=N] [--first=N]
//                                             seeds with the witness alive, down and cut off
// --set=NAME=VALUE changes an option; --paths prints the rare paths; --hashes the traces' hashes;
// --bug=NAME puts an exhibit of the museum on display, --bugs lists them, --corner-bugs those that
// a test finds, with the test. Exits 1 when there was a finding.
#include <cstdio>
#include <cstdlib>
#include <iostream>
#include <map>
#include <string>

#include "absl/strings/str_cat.h"
#include "crypto/museum.h"
#include "tests/sim/isolation.h"
#include "tests/sim/museum_bugs.h"
#include "tests/sim/seed_fleet.h"

namespace tidemark {
namespace {

struct Arguments {
  FleetOptions fleet;
  bool one = false, trace = false, shrink = false, paths = false, hashes = false, bugs = false;
  bool isolation = false, corners = false;
  std::string bug;
};

bool ReadArguments(int argc, char** argv, Arguments* arguments) {
  for (int i = 1; i < argc; ++i) {
    const std::string text = argv[i];
    const std::string value = text.substr(std::min(text.find('=') + 1, text.size()));
    const uint64_t number = std::strtoull(value.c_str(), nullptr, 10);
    if (text.rfind("--seed=", 0) == 0) {
      arguments->one = true;
      arguments->fleet.first = number;
    } else if (text.rfind("--first=", 0) == 0) {
      arguments->fleet.first = number;
    } else if (text.rfind("--seeds=", 0) == 0) {
      arguments->fleet.count = number;
    } else if (text.rfind("--jobs=", 0) == 0) {
      arguments->fleet.jobs = static_cast<uint32_t>(number);
    } else if (text.rfind("--results=", 0) == 0) {
      arguments->fleet.results_path = value;
    } else if (text.rfind("--set=", 0) == 0) {
      arguments->fleet.settings.push_back(value);
    } else if (text.rfind("--bug=", 0) == 0) {
      arguments->bug = value;
    } else if (text == "--bugs") {
      arguments->bugs = true;
    } else if (text == "--corner-bugs") {
      arguments->corners = true;
    } else if (text == "--keep-going") {
      arguments->fleet.keep_going = true;
    } else if (text == "--trace") {
      arguments->trace = true;
    } else if (text == "--shrink") {
      arguments->shrink = true;
    } else if (text == "--paths") {
      arguments->paths = true;
    } else if (text == "--hashes") {
      arguments->hashes = true;
    } else if (text == "--isolation") {
      arguments->isolation = true;
    } else {
      return false;
    }
  }
  return true;
}

std::string Again(uint64_t seed, const std::vector<std::string>& settings,
                  const Arguments& arguments) {
  std::string command = absl::StrCat("tidemark_sim --seed=", seed);
  for (const std::string& setting : settings) absl::StrAppend(&command, " --set=", setting);
  if (!arguments.bug.empty()) absl::StrAppend(&command, " --bug=", arguments.bug);
  return command;
}

void TellFinding(const SeedRecord& record, const Arguments& arguments) {
  const ClusterOptions options = OptionsOf(record.seed, arguments.fleet.settings);
  std::fprintf(stderr, "seed %llu: %s\n  %s\n  again: %s --trace\n",
               static_cast<unsigned long long>(record.seed), record.finding.c_str(),
               options.Describe().c_str(),
               Again(record.seed, arguments.fleet.settings, arguments).c_str());
}

int PlayOne(const Arguments& arguments) {
  const ClusterOptions options = OptionsOf(arguments.fleet.first, arguments.fleet.settings);
  std::printf("%s\n", options.Describe().c_str());
  std::fflush(stdout);
  if (arguments.shrink) {
    const std::string finding = FindingInChild(options);
    std::printf("finding: %s\n", finding.empty() ? "none" : finding.c_str());
    if (finding.empty()) return 0;
    std::vector<std::string> settings = Shrink(options, [](const std::string& step) {
      std::printf("  %s\n", step.c_str());
      std::fflush(stdout);
    });
    settings.insert(settings.begin(), arguments.fleet.settings.begin(),
                    arguments.fleet.settings.end());
    const ClusterOptions left = OptionsOf(arguments.fleet.first, settings);
    std::printf("left: %s\nfinding: %s\nagain: %s\n", left.Describe().c_str(),
                FindingInChild(left).c_str(),
                Again(arguments.fleet.first, settings, arguments).c_str());
    return 1;
  }
  const SeedRecord record = PlayRecorded(options, arguments.trace ? &std::cout : nullptr);
  std::cout.flush();
  std::printf("%s\n", record.ToLine().c_str());
  if (record.finding.empty()) return 0;
  TellFinding(record, arguments);
  return 1;
}

int PlayMany(const Arguments& arguments) {
  std::map<uint64_t, uint64_t> hashes;
  const Measures measures = PlayFleet(arguments.fleet, [&](const SeedRecord& record) {
    if (!record.finding.empty()) TellFinding(record, arguments);
    if (arguments.hashes) hashes[record.seed] = record.trace;
  });
  for (const auto& [seed, hash] : hashes) {
    std::printf("%llu %016llx\n", static_cast<unsigned long long>(seed),
                static_cast<unsigned long long>(hash));
  }
  if (!arguments.hashes) std::printf("%s", measures.Text(arguments.paths).c_str());
  return measures.violations() == 0 ? 0 : 1;
}

int PlayIsolation(const Arguments& arguments) {
  Isolation isolation;
  uint64_t undone = 0;
  for (uint64_t i = 0; i < arguments.fleet.count; ++i) {
    const std::string finding = isolation.Add(Isolation::Options(arguments.fleet.first + i));
    if (finding.empty()) continue;
    ++undone;
    std::fprintf(stderr, "seed %llu: %s\n",
                 static_cast<unsigned long long>(arguments.fleet.first + i), finding.c_str());
  }
  std::printf("%s", isolation.Text().c_str());
  return undone == 0 && isolation.holds() ? 0 : 1;
}

int Main(int argc, char** argv) {
  Arguments arguments;
  if (!ReadArguments(argc, argv, &arguments)) {
    std::fprintf(stderr,
                 "usage: tidemark_sim --seed=N [--trace | --shrink] | --seeds=N [--first=N] "
                 "[--jobs=N] [--results=FILE] [--keep-going] [--paths | --hashes] | --isolation\n"
                 "  [--set=NAME=VALUE ...] [--bug=NAME]\n");
    return 64;
  }
#ifdef TIDEMARK_MUSEUM
  museum_bug_on_display = arguments.bug;
#else
  if (!arguments.bug.empty()) {
    std::fprintf(stderr, "--bug needs the museum build: cmake --preset museum\n");
    return 64;
  }
#endif
  if (arguments.bugs) {
    for (const std::string& bug : MuseumBugs()) std::printf("%s\n", bug.c_str());
    return 0;
  }
  if (arguments.corners) {
    for (const CornerBug& bug : CornerBugs())
      std::printf("%s %s %s\n", bug.bug.c_str(), bug.test.c_str(), bug.filter.c_str());
    return 0;
  }
  if (arguments.isolation) return PlayIsolation(arguments);
  return arguments.one ? PlayOne(arguments) : PlayMany(arguments);
}

}  // namespace
}  // namespace tidemark

int main(int argc, char** argv) { return tidemark::Main(argc, argv); }
