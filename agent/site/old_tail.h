// What stands in a site's log and not in the agent's, since an epoch began without this site
// (replicator/truncation.h): found by comparing heads with a peer, and given up before a fetch.
//
// The peer is not trusted. The agent signed the record that begins the newer epoch and with it the
// position before it; from there the heads' digests lead back to the last record that both hold.
#ifndef TIDEMARK_AGENT_SITE_OLD_TAIL_H_
#define TIDEMARK_AGENT_SITE_OLD_TAIL_H_

#include "agent/site/peer_session.h"
#include "agent/site/site.h"
#include "crypto/identity.h"

namespace tidemark {

class OldTail {
 public:
  // All outlive it. `peer` is open. `checkpoint`: of the agent, whose key is `agent`.
  OldTail(Site* site, SiteVault* vault, PeerSession* peer, AppendRight right, Position checkpoint,
          PublicKey agent);
  OldTail(const OldTail&) = delete;
  Io* io() const { return site_->io(); }
  // OK: what the vault holds now is a prefix of the checkpoint's log, or is longer and newer.
  // kDataLoss: the logs have diverged, nothing was changed; kUnavailable: not now.
  Task<absl::Status> GiveUp();

 private:
  Task<absl::StatusOr<CanonicalHeader>> OwnHead(uint64_t sequence);
  Task<absl::StatusOr<CanonicalHeader>> PeerHead(uint64_t sequence);
  Task<absl::StatusOr<std::vector<std::byte>>> PeerPayload(const CanonicalHeader* header);
  Task<absl::StatusOr<bool>> IsShared(uint64_t sequence);
  Task<absl::StatusOr<Parting>> FindParting(uint64_t own_last);
  Task<absl::StatusOr<CanonicalHeader>> FindEpochStart(const Parting* parting);
  Task<absl::Status> CheckMayGo(const Parting* parting);

  Site* site_;
  SiteVault* vault_;
  PeerSession* peer_;
  AppendRight right_;
  Position checkpoint_;
  PublicKey agent_;
  BufferPool page_;
  uint32_t request_ = 1000;  // apart from the fetch's
};

}  // namespace tidemark
#endif  // TIDEMARK_AGENT_SITE_OLD_TAIL_H_
