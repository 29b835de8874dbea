// When may a site give up durable records (law 4)?
//
// With `ack = quorum` an epoch may begin without one of the three sites. What only that site held
// is then not in the log that the epoch adopted: no two sites ever held it, so it was never
// committed. When the site is back it compares its log with the agent's, and gives up what stands
// behind the newest record that both hold, once the agent's log shows it an epoch that is newer
// than all it gives up and for which two sites promised without stating any of it. Raft drops such
// entries on the leader's word (Ongaro, Ousterhout 2014, section 5.3); here the signed promises are
// looked at, what is given up is kept aside, and a TRUNCATED receipt says so.
#ifndef TIDEMARK_REPLICATOR_TRUNCATION_H_
#define TIDEMARK_REPLICATOR_TRUNCATION_H_

#include "replicator/control_record.h"

namespace tidemark {

struct Parting {
  Position last_shared;  // the newest record that stands in both logs; position 0: none does
  std::vector<Position> beyond;  // all that the site's log holds behind it, in order; never empty
};
// `header` and `start`: an epoch-start of the agent's log behind last_shared, or its genesis, whose
// payload the agent signed and whose place in its log was checked. kDataLoss: no reason to give
// anything up, the logs have diverged.
absl::Status MayTruncate(const StoreId& store, const Parting& parting,
                         const CanonicalHeader& header, const EpochStart& start);

}  // namespace tidemark
#endif  // TIDEMARK_REPLICATOR_TRUNCATION_H_
