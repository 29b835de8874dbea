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

struct SitePromise {
  std::string site;
  SignedPromise promise;
};
struct TakeOverPlan {
  Position base;       // the adopted tail
  std::string source;  // a site that holds it
  // Sites that promised and must fetch up to base before anything is appended. The fetch proves
  // that what they hold is a prefix of it, or drops what may be dropped (truncation.h).
  std::vector<std::string> behind;
  std::vector<SitePromise> promises;  // that it is made of
  bool fresh = false;                 // nobody holds a record: the vault starts with genesis
};
// Needs `needed` promises, all for the same vault, epoch and nonce, signatures checked: strict,
// of every primary; where quorum mode is possible, of any two sites. kFailedPrecondition: not
// enough or unequal promises; kDataLoss: two tails of one epoch that cannot be of one log (names
// both sites, appends nothing).
absl::StatusOr<TakeOverPlan> PlanTakeOver(const std::vector<SitePromise>& promises, size_t needed);

}  // namespace tidemark
#endif  // TIDEMARK_REPLICATOR_TAKE_OVER_H_
