// A vault as the links to its sites see it.
#ifndef TIDEMARK_AGENT_SOURCE_LINKED_VAULT_H_
#define TIDEMARK_AGENT_SOURCE_LINKED_VAULT_H_

#include <optional>

#include "agent/source/log_writer.h"
#include "replicator/receipt.h"
#include "replicator/wire.h"

namespace tidemark {

class SiteLink;

class LinkedVault {
 public:
  virtual ~LinkedVault() = default;
  virtual LogWriter* log() = 0;
  virtual absl::Duration RpoTarget() const = 0;
  // The promise to ask this site for; nullopt while none is wanted.
  struct Wanted {
    uint64_t epoch = 0;
    SessionId nonce;
  };
  virtual std::optional<Wanted> WantedPromise() const = 0;
  // A promise was given (and checked against the site's key), or refused.
  virtual void OnPromise(SiteLink* link, const SignedPromise& promise) = 0;
  virtual void OnPromiseRefused(SiteLink* link, const wire::Failure& failure,
                                uint64_t promised_epoch) = 0;
};

}  // namespace tidemark
#endif  // TIDEMARK_AGENT_SOURCE_LINKED_VAULT_H_
