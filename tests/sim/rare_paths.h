// The rare paths (crypto/rare_path.h) that seeds must have taken between them.
#ifndef TIDEMARK_TESTS_SIM_RARE_PATHS_H_
#define TIDEMARK_TESTS_SIM_RARE_PATHS_H_

#include <cstdint>
#include <string>
#include <vector>

namespace tidemark {

// Their names, in a fixed order.
const std::vector<std::string>& RarePathNames();
// Not taken by seeds, but by a test: the test's name; else empty.
std::string TestOfRarePath(const std::string& name);
// How often this process has come by each, in that order. Dies when a path is not in the table.
std::vector<uint64_t> RarePathHits();
// How often the agent lost evidence, so far in this process: more came than its disk took, or it
// died while its disk failed. It says so (PROOF_NOT_KEPT), and an export lacks receipts.
uint64_t EvidenceLosses();

}  // namespace tidemark
#endif  // TIDEMARK_TESTS_SIM_RARE_PATHS_H_
