// Catching up: pulls records of one vault from another site, up to a checkpoint of the agent.
// This site comes as role "peer", with its own certificate.
#ifndef TIDEMARK_AGENT_SITE_PEER_FETCH_H_
#define TIDEMARK_AGENT_SITE_PEER_FETCH_H_

#include <memory>
#include <string>

#include "agent/link/control_connection.h"
#include "agent/link/data_connection.h"
#include "agent/site/site.h"

namespace tidemark {

struct FetchTarget {
  AppendRight right;         // of the session that orders it
  std::string peer;          // the name its certificate must have
  std::string peer_address;  // of its control port
  Position checkpoint;       // signed by the agent; checked by the caller
};

class PeerFetch {
 public:
  // Reports go to `control`, the session that ordered it. All outlive it.
  PeerFetch(Site* site, ControlConnection* control, SiteVault* vault, FetchTarget target);
  PeerFetch(const PeerFetch&) = delete;
  Io* io() const { return site_->io(); }
  // Once; ends with the last report. What came is kept, also when it fails.
  Task<> Run();
  // Run ends soon.
  void Stop();
  bool done() const { return done_; }

 private:
  Task<absl::Status> Pull();
  Task<absl::Status> ConnectTo(std::string address, Fd* fd);
  Task<> CutConnect(Pause* limit, Op* connect);
  Task<absl::Status> Greet();
  Task<absl::Status> OpenData(uint32_t port);
  Task<absl::Status> ReceiveRecords();
  Task<absl::Status> TakeRecord(DataConnection::Arrival* arrival);
  Task<> ListenToPeer();
  Task<> KeepAlive();
  Task<> Disconnect();
  void Report(bool finished, const absl::Status& status);

  Site* site_;
  ControlConnection* control_;
  SiteVault* vault_;
  FetchTarget target_;
  SessionId session_;
  std::unique_ptr<ControlConnection> peer_;
  std::unique_ptr<DataConnection> data_;
  absl::Status peer_error_;  // what the peer said, if it said so
  Op* connecting_ = nullptr;
  bool stopped_ = false, done_ = false;
  Pause alive_;
  TaskGroup tasks_;  // last: its frames use all of the above
};

}  // namespace tidemark
#endif  // TIDEMARK_AGENT_SITE_PEER_FETCH_H_
