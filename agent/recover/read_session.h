// One session of a reader with a site: control connection, read connection, requests in flight.
//
//   Connect -> (Send)* while Serve runs -> Serve returns once broken, after every request was
//   answered
// Requests carry numbers; answers come in the site's order and are told apart by them.
#ifndef TIDEMARK_AGENT_RECOVER_READ_SESSION_H_
#define TIDEMARK_AGENT_RECOVER_READ_SESSION_H_

#include <map>
#include <memory>
#include <optional>
#include <string>

#include "agent/link/data_connection.h"
#include "agent/recover/site_source.h"

namespace tidemark {

class ReadSession {
 public:
  // A question and its answer. Lives in the asker's frame.
  struct Request {
    explicit Request(Io* io) : done(io) {}
    // Asked for.
    enum class Kind : uint8_t { kHead, kBlocks, kFind, kStates } kind = Kind::kHead;
    VaultId vault;
    uint64_t sequence = 0;
    const CanonicalHeader* header = nullptr;  // kBlocks: of the record
    uint32_t first = 0, count = 0;
    MutableByteSpan into;
    // Answered.
    absl::Status status;
    std::optional<CanonicalHeader> head;
    uint32_t received = 0;  // blocks
    uint64_t found = 0;
    std::optional<Position> durable;
    bool ended = false;
    bool finished = false;
    Event done;
  };

  ReadSession(Io* io, SiteAddress site, std::string own_name);
  ReadSession(const ReadSession&) = delete;
  Io* io() const { return io_; }

  // kUnauthenticated: it is not the site that was expected. After an error only Serve follows.
  Task<absl::Status> Connect(ChannelFactory* channels);
  Task<> Serve();
  // Only while broken() is OK. The request is finished, and `done` woken, by the answer or by the
  // end of the session; the session may be gone by then.
  void Send(Request* request);
  // Ends the session; whoever waits gets `why`.
  void Break(absl::Status why);
  static absl::Status AsBroken(const absl::Status& why);
  const absl::Status& broken() const { return broken_; }

 private:
  Task<absl::Status> Establish(ChannelFactory* channels);
  Task<absl::StatusOr<Fd>> ConnectSocket(std::string address);
  Task<absl::StatusOr<uint32_t>> SayHello();
  Task<> Guard();
  Task<> ServeControl();
  Task<> ServeData();
  Task<> Beat();
  Task<absl::Status> TakeBlock(const FrameHeader* frame);
  absl::Status OnHead(DataConnection::Arrival* arrival);
  void OnControl(const wire::Control& message);
  void OnStates(const wire::HeartbeatReply& reply);
  void OnFailed(const wire::ReadFailed& failed);
  void FinishIfWhole(uint32_t number);
  void FinishRequest(uint32_t number);
  Request* Find(uint64_t number);

  // Constant after construction or Connect.
  Io* io_;
  SiteAddress site_;
  std::string own_name_;
  std::string name_;  // "site a"
  SessionId session_;
  std::unique_ptr<ControlConnection> control_;
  std::unique_ptr<DataConnection> data_;
  // Owned by the loop thread.
  absl::Status broken_;
  Op* connecting_ = nullptr;
  Op* guard_sleep_ = nullptr;
  Op* beat_sleep_ = nullptr;
  bool connected_ = false;
  uint32_t next_number_ = 1;
  uint64_t answers_ = 0;  // frames and control answers so far
  std::map<uint32_t, Request*> requests_;
  std::vector<std::byte> discarded_;  // blocks of answers that failed already
  TaskGroup tasks_;                   // last: its frames use all of the above
};

}  // namespace tidemark
#endif  // TIDEMARK_AGENT_RECOVER_READ_SESSION_H_
