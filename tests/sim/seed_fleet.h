// Plays seeds in child processes, several at once: an assertion of the product ends a child and is
// a finding of its seed; the others go on.
#ifndef TIDEMARK_TESTS_SIM_SEED_FLEET_H_
#define TIDEMARK_TESTS_SIM_SEED_FLEET_H_

#include <functional>
#include <string>
#include <vector>

#include "tests/sim/cluster_options.h"
#include "tests/sim/measures.h"

namespace tidemark {

struct FleetOptions {
  uint64_t first = 1, count = 1;
  uint32_t jobs = 1;
  std::vector<std::string> settings;  // ClusterOptions::Set of each
  // Lines of SeedRecord: seeds that stand there already are not played again, new ones are added.
  std::string results_path;  // empty: none
  bool keep_going = false;   // after a finding
};

// Calls `heard` with each record as it comes, those of results_path first.
Measures PlayFleet(const FleetOptions& options,
                   const std::function<void(const SeedRecord&)>& heard);

// Draws the seed's options and changes them; dies when a setting is none.
ClusterOptions OptionsOf(uint64_t seed, const std::vector<std::string>& settings);
// In this process.
SeedRecord PlayRecorded(const ClusterOptions& options, std::ostream* trace = nullptr);
// In a child. Empty: all is well.
std::string FindingInChild(const ClusterOptions& options);

// Makes a failing seed smaller while it fails in any way: faults go one by one, then loads halve.
// `said` hears of each step. Gives the settings that are left, for --set.
std::vector<std::string> Shrink(const ClusterOptions& failing,
                                const std::function<void(const std::string&)>& said);

}  // namespace tidemark
#endif  // TIDEMARK_TESTS_SIM_SEED_FLEET_H_
