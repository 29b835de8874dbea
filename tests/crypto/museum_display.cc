// In the museum build: puts the bug that TIDEMARK_MUSEUM_BUG names on display before a test's main.
#include <cstdlib>

#include "crypto/museum.h"

namespace tidemark {
namespace {

[[maybe_unused]] const bool displayed = [] {
  const char* bug = std::getenv("TIDEMARK_MUSEUM_BUG");
  if (bug != nullptr) museum_bug_on_display = bug;
  return bug != nullptr;
}();

}  // namespace
}  // namespace tidemark
