// One session of this site with another one, as role "peer": control and read connection.
//
//   Open, then messages to control() and answers from data(), Finish
#ifndef TIDEMARK_AGENT_SITE_PEER_SESSION_H_
#define TIDEMARK_AGENT_SITE_PEER_SESSION_H_

#include <memory>
#include <string>

#include "agent/link/control_connection.h"
#include "agent/link/data_connection.h"
#include "agent/site/pause.h"
#include "agent/site/site_server.h"

namespace tidemark {

struct PeerAddress {
  std::string name;     // that its certificate must have
  std::string address;  // of its control port
  friend bool operator==(const PeerAddress&, const PeerAddress&) = default;
};

class PeerSession {
 public:
  // All but `peer` outlive it.
  PeerSession(Io* io, const SiteOptions* own, ChannelFactory* channels, PeerAddress peer);
  PeerSession(const PeerSession&) = delete;
  Io* io() const { return io_; }
  const PeerAddress& peer() const { return peer_; }

  // Connected, greeted, kept alive. After an error only Finish follows.
  Task<absl::Status> Open();
  void Send(const wire::Control& message) { control_->Send(message); }
  DataConnection* data() { return data_.get(); }
  // What the peer last said was wrong; OK: nothing yet. Told beside the data, so perhaps a moment
  // later than the answer ends.
  const absl::Status& error() const { return error_; }
  void ForgetError() { error_ = absl::OkStatus(); }
  // Everything that is under way ends soon.
  void Stop();
  bool ended() const { return ended_ || stopped_; }
  // Await once, before destruction in an orderly stop.
  Task<> Finish();

 private:
  Task<absl::Status> ConnectTo(std::string address, Fd* fd);
  Task<> CutConnect(Pause* limit, Op* connect);
  Task<absl::Status> Greet(uint32_t* data_port);
  Task<absl::Status> OpenData(uint32_t port);
  Task<> Listen();
  Task<> KeepAlive();

  Io* io_;
  const SiteOptions* own_;
  ChannelFactory* channels_;
  PeerAddress peer_;
  SessionId session_;
  std::unique_ptr<ControlConnection> control_;
  std::unique_ptr<DataConnection> data_;
  absl::Status error_;
  Op* connecting_ = nullptr;
  bool stopped_ = false, ended_ = false;
  Pause alive_;
  TaskGroup tasks_;  // last: its frames use all of the above
};

absl::Status PeerError(const std::string& peer, const std::string& why);

}  // namespace tidemark
#endif  // TIDEMARK_AGENT_SITE_PEER_SESSION_H_
