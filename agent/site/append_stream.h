// Data connection 0: the agent's records. Frame -> check -> append; flush, ack and receipt follow
// in SiteVault and Site.
#ifndef TIDEMARK_AGENT_SITE_APPEND_STREAM_H_
#define TIDEMARK_AGENT_SITE_APPEND_STREAM_H_

#include <map>

#include "agent/link/data_connection.h"
#include "agent/site/site.h"

namespace tidemark {

// Rights of one session, by vault.
using AppendRights = std::map<VaultId, AppendRight>;

class AppendStream {
 public:
  // All outlive it.
  AppendStream(Site* site, ControlConnection* control, DataConnection* data,
               const AppendRights* rights)
      : site_(site), control_(control), data_(data), rights_(rights) {}
  Io* io() const { return site_->io(); }
  // Until the connection ends or a record is refused, which it tells on the control connection.
  Task<> Run();

 private:
  Task<absl::Status> TakeRecord(DataConnection::Arrival* arrival);
  AppendRight RightFor(const SiteVault* vault) const;
  Task<absl::StatusOr<PromiseBook::Offer>> MayAppend(SiteVault* vault, const RecordBuffer* record);
  void Refuse(const CanonicalHeader& header, const absl::Status& why);

  Site* site_;
  ControlConnection* control_;
  DataConnection* data_;
  const AppendRights* rights_;
};

}  // namespace tidemark
#endif  // TIDEMARK_AGENT_SITE_APPEND_STREAM_H_
