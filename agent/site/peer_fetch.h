// Catching up: pulls records of one vault from another site, up to a checkpoint of the agent.
// This site comes as role "peer", with its own certificate.
#ifndef TIDEMARK_AGENT_SITE_PEER_FETCH_H_
#define TIDEMARK_AGENT_SITE_PEER_FETCH_H_

#include <memory>
#include <string>

#include "agent/site/old_tail.h"
#include "agent/site/site.h"

namespace tidemark {

struct FetchTarget {
  AppendRight right;  // of the session that orders it
  PeerAddress peer;
  Position checkpoint;  // signed by the agent; checked by the caller
  PublicKey agent;
};

class PeerFetch {
 public:
  // Reports go to `control`, the session that ordered it; `pacer` has its rate. All outlive it.
  PeerFetch(Site* site, ControlConnection* control, Pacer* pacer, SiteVault* vault,
            FetchTarget target);
  PeerFetch(const PeerFetch&) = delete;
  Io* io() const { return site_->io(); }
  // Once; ends with the last report. What came is kept, also when it fails.
  Task<> Run();
  // Run ends soon.
  void Stop();
  bool done() const { return done_; }

 private:
  Task<absl::Status> GiveUpOldTail();
  Task<absl::Status> Pull();
  Task<absl::Status> ReceiveRecords();
  Task<absl::Status> TakeRecord(DataConnection::Arrival* arrival);
  void Report(bool finished, const absl::Status& status);

  Site* site_;
  ControlConnection* control_;
  Pacer* pacer_;
  SiteVault* vault_;
  FetchTarget target_;
  PeerSession peer_;
  bool opened_ = false, stopped_ = false, done_ = false;
};

}  // namespace tidemark
#endif  // TIDEMARK_AGENT_SITE_PEER_FETCH_H_
