#include "tests/sim/invariants.h"

namespace tidemark {

const char* InvariantName(Invariant invariant) {
  static constexpr const char* kNames[] = {
      "durability", "no hole, no ghost", "honest receipts", "no equivocation",
      "fencing",    "truthful lag",      "bounded",         "key uniqueness",
      "canaries",   "isolation",         "byte identity",   "liveness",
      "purge",      "retention",         "determinism",     "no leak"};
  return kNames[static_cast<size_t>(invariant)];
}

}  // namespace tidemark
