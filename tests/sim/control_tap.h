// Listens where secrets still are in clear: between a party and its secure channel. Hands out each
// control message at the instant at which the party says it, real TLS or not.
#ifndef TIDEMARK_TESTS_SIM_CONTROL_TAP_H_
#define TIDEMARK_TESTS_SIM_CONTROL_TAP_H_

#include <cstdint>
#include <memory>
#include <vector>

#include "crypto/channel.h"
#include "replicator/wire.h"

namespace tidemark {

class ControlListener {
 public:
  virtual ~ControlListener() = default;
  // A party says something; `connection` is a number never used again. What it appends to `more`
  // is said too; true: `*message` was changed, and the changed one is said.
  virtual bool OnSaid(int party, uint64_t connection, wire::Control* message,
                      std::vector<wire::Control>* more) = 0;
  // A message has reached a party; `from`: whose certificate the other end showed.
  virtual void OnHeard(int party, const PartyName& from, const wire::Control& message) = 0;
};

// Channels of `party` that tell `listener`, which outlives them; of what it hears too if `hears`.
// `connections` counts them.
std::unique_ptr<ChannelFactory> Tapped(std::unique_ptr<ChannelFactory> inner, int party, bool hears,
                                       uint64_t* connections, ControlListener* listener);

}  // namespace tidemark
#endif  // TIDEMARK_TESTS_SIM_CONTROL_TAP_H_
