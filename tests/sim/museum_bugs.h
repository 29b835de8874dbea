// The exhibits of the bug museum (crypto/museum.h), as far as the simulated cluster must find them;
// README.md has the plaques.
#ifndef TIDEMARK_TESTS_SIM_MUSEUM_BUGS_H_
#define TIDEMARK_TESTS_SIM_MUSEUM_BUGS_H_

#include <cstdint>
#include <string>
#include <vector>

namespace tidemark {

const std::vector<std::string>& MuseumBugs();
// Each is found within so many seeds.
inline constexpr uint64_t kMuseumSeedsMax = 10000;

// Exhibits that so many seeds do not find: what must come together is too rare by chance. A test
// that brings it together finds each.
struct CornerBug {
  std::string bug, test, filter;  // the test's target, and which of its cases
};
const std::vector<CornerBug>& CornerBugs();

}  // namespace tidemark
#endif  // TIDEMARK_TESTS_SIM_MUSEUM_BUGS_H_
