// The story of one control connection at a site: handshake, hello, then whatever its role may ask.
//
// Its data connections belong to it: they end with it, and it ends with any that carries appends.
#ifndef TIDEMARK_AGENT_SITE_SITE_SESSION_H_
#define TIDEMARK_AGENT_SITE_SITE_SESSION_H_

#include <functional>
#include <map>
#include <memory>
#include <string>

#include "agent/link/control_connection.h"
#include "agent/link/data_connection.h"
#include "agent/site/append_stream.h"
#include "agent/site/peer_fetch.h"
#include "agent/site/read_service.h"
#include "agent/site/site.h"
#include "agent/site/verify_service.h"

namespace tidemark {

class SiteSession;
// Sessions that have said hello, by the id that data connections name.
using SessionTable = std::map<SessionId, SiteSession*>;

// Requests of one session that are being answered at the same time; one more ends the session.
inline constexpr size_t kSessionTasksMax = 64;

class SiteSession : public SiteListener {
 public:
  // Takes the socket. `site` and `table` outlive it.
  SiteSession(Site* site, SessionTable* table, Fd fd, uint16_t data_port);
  SiteSession(const SiteSession&) = delete;
  Io* io() const { return site_->io(); }
  // From the handshake to the end; afterwards nothing of it runs. Await once.
  Task<> Run();
  // Run ends soon.
  void Close() { control_.Close(); }
  // A data connection whose preface named this session. False: not wanted, the socket is not taken.
  bool TakeData(Fd fd, uint8_t connection);

  void OnDurable(SiteVault* vault) override;
  void OnDropped(SiteVault* vault, uint64_t sequence, const wire::Failure& why) override;
  void OnReceipt(const std::string& signed_receipt) override;

 private:
  Task<absl::Status> Greet();
  wire::Failure CheckHello(const wire::Hello& hello);
  Task<> Serve();
  bool Handle(const wire::Control& message);  // false: not allowed, or not known
  bool HandleAgent(const wire::Control& message);
  bool HandleRead(const wire::Control& message);
  Task<> AnswerPromise(wire::PromiseRequest request);
  Task<absl::Status> Promise(const wire::PromiseRequest* request, wire::PromiseReply* reply);
  bool TakeCheckpoint(const std::string& bytes);
  Task<> Fetch(wire::FetchOrder order);
  bool TellReceipts(const wire::ReceiptsWanted& wanted);
  void TakePeers(const wire::PeerList& list);
  bool Verify(const wire::VerifyOrder& order);
  void Find(const wire::FindRecord& request);
  Task<> RunAppends(DataConnection* data);
  void CloseAppends();
  Task<> RunReads();
  Task<> End();
  bool Promised(const SiteVault& vault) const;
  void Send(wire::Control message) { control_.Send(message); }

  Site* site_;
  SessionTable* table_;
  uint16_t data_port_;
  ControlConnection control_;
  Role role_ = Role::kReader;
  SessionId id_;
  bool listed_ = false;  // in the table
  AppendSession appending_;
  uint64_t receipts_told_ = 0;  // all up to this number were told in this session
  std::map<uint8_t, std::unique_ptr<DataConnection>> appends_;  // by number
  std::unique_ptr<DataConnection> reads_;
  ReadService read_service_;
  VerifyService verify_service_;
  std::map<VaultId, PeerFetch*> fetches_;  // running
  Pacer fetch_pacer_;                      // for all of them
  Pause grace_;
  TaskGroup tasks_;  // last: its frames use all of the above
};

}  // namespace tidemark
#endif  // TIDEMARK_AGENT_SITE_SITE_SESSION_H_
