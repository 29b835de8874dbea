// Which vault a site is served first, where several want it at once: by time left to breach.
//
// Vaults whose commits wait for the site come in turn. The others, all of them at a witness in
// strict mode, share one turn. Within it comes first who can still keep its RPO target, least time
// left first; then who has missed it, shortest target first, so that what can be made good soon is
// made good first. Pure; times are differences.
#ifndef TIDEMARK_REPLICATOR_SERVE_ORDER_H_
#define TIDEMARK_REPLICATOR_SERVE_ORDER_H_

#include <cstddef>
#include <optional>
#include <vector>

#include "absl/time/time.h"

namespace tidemark {

// What one vault asks of a site.
struct ServeClaim {
  enum class Want { kNothing, kRecords, kFetch };  // from the agent's window; from a peer
  Want want = Want::kNothing;
  bool commits_wait = false;                  // commits wait for this site
  absl::Duration target;                      // of its RPO
  std::optional<absl::Duration> rpo, behind;  // RPO and lag there now; nullopt: unknown
};

class ServeOrder {
 public:
  // Of those that share a turn and have missed their targets, one is served after so many of the
  // others: nothing stands still while the site cannot keep up.
  static constexpr int kMissedTurn = 4;

  // The vault whose next record is sent; nullopt: none wants to. The same claims in the same order
  // each time.
  std::optional<size_t> NextToSend(const std::vector<ServeClaim>& claims);

 private:
  size_t turn_ = 0;  // who was served last; the number of claims: those that share a turn
  int missed_waits_ = 0;
};

// The one vault that may fetch from a peer now; nullopt: none, also while a vault that is fed from
// the window and would come first has used up half of its target: it needs the site's bandwidth.
std::optional<size_t> WhoMayFetch(const std::vector<ServeClaim>& claims);

}  // namespace tidemark
#endif  // TIDEMARK_REPLICATOR_SERVE_ORDER_H_
