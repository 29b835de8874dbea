// A control connection: mutual TLS 1.3 over a socket, whole protobuf messages in and out.
//
//   Handshake (Send | Receive)* Finish
// Sends are queued and leave in order, by a task of the connection's own; Receive has one caller at
// a time. Heartbeats, acks and receipts travel here and never queue behind data.
#ifndef TIDEMARK_AGENT_LINK_CONTROL_CONNECTION_H_
#define TIDEMARK_AGENT_LINK_CONTROL_CONNECTION_H_

#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "agent/io/sync.h"
#include "crypto/channel.h"
#include "replicator/wire.h"

namespace tidemark {

// A peer that does not read what it is told is cut off at this much.
inline constexpr size_t kControlQueueBytesMax = 8 * 1024 * 1024;

class ControlConnection {
 public:
  // Takes the socket. `name` says who is at the other end, for messages.
  ControlConnection(Io* io, Fd fd, std::unique_ptr<SecureChannel> channel, std::string name);
  ControlConnection(const ControlConnection&) = delete;
  Io* io() const { return io_; }

  // Until both sides are authenticated, within `limit`. kUnauthenticated says what was wrong with
  // the certificate. From then on the connection ends when nothing arrives for `idle_limit`.
  Task<absl::Status> Handshake(absl::Duration limit, absl::Duration idle_limit);
  // Queues a message; dropped after an error, which the next Receive returns.
  void Send(const wire::Control& message);
  // kUnavailable: the other end went away or fell silent.
  Task<absl::StatusOr<wire::Control>> Receive();
  // Ends both directions; a pending Receive returns. Safe to call often.
  void Close();
  // Closes, waits until the connection's tasks have ended, gives the socket back. Await once before
  // destruction, except when the whole Io is torn down.
  Task<> Finish();
  // Waits until what was queued has left (or cannot).
  Task<> Flush();

  bool closed() const { return closed_; }
  const PartyName& peer() const { return channel_->peer(); }
  std::string peer_certificate_pem() const { return channel_->peer_certificate_pem(); }
  const std::string& name() const { return name_; }
  Secret32 ExportKey(std::string_view label, ByteSpan context) const {
    return channel_->ExportKey(label, context);
  }

 private:
  void StartSending();
  void Break(absl::Status why);
  Task<> SendQueued();
  Task<> Watch(absl::Duration handshake_limit, absl::Duration idle_limit);
  Task<> ShutDownSocket();
  Task<absl::Status> PumpOnce();

  // Constant after construction.
  Io* io_;
  std::string name_;
  // Owned by the loop thread.
  Fd fd_;
  std::unique_ptr<SecureChannel> channel_;
  ControlParser parser_;
  std::string outgoing_;
  std::vector<std::byte> incoming_;
  bool sending_ = false, closed_ = false;
  absl::Status broken_;
  uint64_t arrivals_ = 0;
  Op* watch_sleep_ = nullptr;
  Event idle_;       // sending ended
  TaskGroup tasks_;  // last: its frames use all of the above
};

}  // namespace tidemark
#endif  // TIDEMARK_AGENT_LINK_CONTROL_CONNECTION_H_
