// tidemark_sim: plays seeds of the simulated cluster until one fails.
//
//   tidemark_sim --seed=N [--trace] [--bug=NAME]      one seed
//   tidemark_sim --seeds=N [--first=N] [--bug=NAME]   N seeds from --first on
// Exits 1 at the first finding, which it prints with the seed's options and how to play it again.
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <iostream>
#include <string>

#include "crypto/museum.h"
#include "tests/sim/cluster.h"

namespace tidemark {
namespace {

struct Arguments {
  uint64_t first = 1, count = 1;
  bool trace = false, options = false;
  std::string bug;
};

uint64_t playing_seed = 0;
const char* playing_bug = "";

// An assertion of the product is a finding too: it says which seed it was.
void OnAbort(int) {
  std::fprintf(stderr, "aborted in seed %llu; again: tidemark_sim --seed=%llu --trace%s%s\n",
               static_cast<unsigned long long>(playing_seed),
               static_cast<unsigned long long>(playing_seed), *playing_bug != '\0' ? " --bug=" : "",
               playing_bug);
}

bool ReadArguments(int argc, char** argv, Arguments* arguments) {
  for (int i = 1; i < argc; ++i) {
    const std::string text = argv[i];
    const std::string value = text.substr(std::min(text.find('=') + 1, text.size()));
    if (text.rfind("--seed=", 0) == 0) {
      arguments->first = std::strtoull(value.c_str(), nullptr, 10);
    } else if (text.rfind("--first=", 0) == 0) {
      arguments->first = std::strtoull(value.c_str(), nullptr, 10);
    } else if (text.rfind("--seeds=", 0) == 0) {
      arguments->count = std::strtoull(value.c_str(), nullptr, 10);
    } else if (text.rfind("--bug=", 0) == 0) {
      arguments->bug = value;
    } else if (text == "--trace") {
      arguments->trace = true;
    } else if (text == "--options") {
      arguments->options = true;
    } else {
      return false;
    }
  }
  return true;
}

int PlayAll(const Arguments& arguments) {
  uint64_t events = 0, records = 0, starts = 0, restored = 0;
  double simulated_seconds = 0;
  for (uint64_t seed = arguments.first; seed < arguments.first + arguments.count; ++seed) {
    playing_seed = seed;
    const ClusterOptions options = ClusterOptions::Draw(seed);
    if (arguments.options) std::printf("%s\n", options.Describe().c_str());
    Cluster cluster(options);
    if (arguments.trace) cluster.TraceTo(&std::cout);
    const ClusterResult result = cluster.Play();
    events += result.events;
    records += result.records;
    starts += result.starts;
    restored += result.restored;
    simulated_seconds += absl::ToDoubleSeconds(result.simulated);
    if (result.finding.empty()) continue;
    std::cout.flush();
    std::fprintf(stderr, "seed %llu: %s\n  %s\n  again: tidemark_sim --seed=%llu --trace%s%s\n",
                 static_cast<unsigned long long>(seed), result.finding.c_str(),
                 options.Describe().c_str(), static_cast<unsigned long long>(seed),
                 arguments.bug.empty() ? "" : " --bug=", arguments.bug.c_str());
    return 1;
  }
  std::printf(
      "%llu seeds: %llu events, %.0f simulated seconds, %llu records, %llu starts, %llu restores\n",
      static_cast<unsigned long long>(arguments.count), static_cast<unsigned long long>(events),
      simulated_seconds, static_cast<unsigned long long>(records),
      static_cast<unsigned long long>(starts), static_cast<unsigned long long>(restored));
  return 0;
}

int Main(int argc, char** argv) {
  Arguments arguments;
  if (!ReadArguments(argc, argv, &arguments)) {
    std::fprintf(stderr,
                 "usage: tidemark_sim --seed=N | --seeds=N [--first=N] [--trace] [--options] "
                 "[--bug=NAME]\n");
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
  playing_bug = arguments.bug.c_str();
  std::signal(SIGABRT, OnAbort);
  return PlayAll(arguments);
}

}  // namespace
}  // namespace tidemark

int main(int argc, char** argv) { return tidemark::Main(argc, argv); }
