// Take-over: which tail does a new epoch adopt, and who must be brought up to it (law 4)?
#ifndef TIDEMARK_REPLICATOR_TAKE_OVER_H_
#define TIDEMARK_REPLICATOR_TAKE_OVER_H_

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "replicator/receipt.h"

namespace tidemark {

// The epoch to ask promises for: above everything seen. 0, which every site refuses: none is left.
uint64_t NextEpoch(uint64_t own_last_epoch, const std::vector<uint64_t>& promised_epochs);

struct PrimaryPromise {
  std::string site;
  SignedPromise promise;
};
struct TakeOverPlan {
  Position base;       // the adopted tail
  std::string source;  // a site that holds it
  // Primaries that must fetch up to base before anything is appended. The fetch proves that what
  // they hold is a prefix of it.
  std::vector<std::string> behind;
  bool fresh = false;  // no primary holds a record: the vault starts with genesis
};
// Strict: needs the promise of every primary, all for the same vault, epoch and nonce, signatures
// checked. kFailedPrecondition: not enough or unequal promises; kDataLoss: equal sequences,
// different digests, or a primary longer than the base in sequence (diverged logs: names both
// sites, appends nothing).
absl::StatusOr<TakeOverPlan> PlanTakeOver(const std::vector<PrimaryPromise>& promises,
                                          size_t primaries);

}  // namespace tidemark
#endif  // TIDEMARK_REPLICATOR_TAKE_OVER_H_
