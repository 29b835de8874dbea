// The clock of the lag book. Lag is a difference of two instants here, so it counts from some start
// and never jumps: an operator who sets the wall clock back must not make a site look fresh.
#ifndef TIDEMARK_AGENT_SOURCE_LAG_CLOCK_H_
#define TIDEMARK_AGENT_SOURCE_LAG_CLOCK_H_

#include "agent/io/io.h"
#include "crypto/museum.h"

namespace tidemark {

inline absl::Time LagTime(absl::Duration monotonic) { return absl::UnixEpoch() + monotonic; }
inline absl::Time LagNow(const Io* io) {
  return MUSEUM_BUG("lag-by-wall-clock") ? io->Now() : LagTime(io->Monotonic());
}

}  // namespace tidemark
#endif  // TIDEMARK_AGENT_SOURCE_LAG_CLOCK_H_
