// The agent's records, over one of the session's connections for appends. Frame -> check -> append;
// flush, ack and receipt follow in SiteVault and Site.
//
// Over several connections records overtake each other. One that is early waits for its turn: with
// its payload in a buffer while more than half of the pool is free, else unread, so that those
// whose turn it is always find a buffer.
#ifndef TIDEMARK_AGENT_SITE_APPEND_STREAM_H_
#define TIDEMARK_AGENT_SITE_APPEND_STREAM_H_

#include <map>

#include "agent/link/data_connection.h"
#include "agent/site/site.h"

namespace tidemark {

// What one session may append, by vault, and whether over several connections.
struct AppendSession {
  std::map<VaultId, AppendRight> rights;
  bool has_several = false;
};

class AppendStream {
 public:
  // All outlive it.
  AppendStream(Site* site, ControlConnection* control, DataConnection* data,
               const AppendSession* session)
      : site_(site), control_(control), data_(data), session_(session) {}
  Io* io() const { return site_->io(); }
  // Until the connection ends or a record is refused, which it tells on the control connection.
  Task<> Run();

 private:
  Task<absl::Status> TakeRecord(DataConnection::Arrival* arrival);
  bool IsEarly(const SiteVault* vault, const CanonicalHeader& header) const;
  Task<absl::Status> WaitForTurn(SiteVault* vault, const CanonicalHeader* header);
  Task<absl::Status> TakeBuffer(SiteVault* vault, RecordBuffer* record);
  AppendRight RightFor(const SiteVault* vault) const;
  Task<absl::StatusOr<PromiseBook::Offer>> MayAppend(SiteVault* vault, const RecordBuffer* record);
  void Refuse(const CanonicalHeader& header, const absl::Status& why);

  Site* site_;
  ControlConnection* control_;
  DataConnection* data_;
  const AppendSession* session_;
};

}  // namespace tidemark
#endif  // TIDEMARK_AGENT_SITE_APPEND_STREAM_H_
