// The agent's link to one site: it connects for ever, keeps heartbeats going, asks for promises,
// sends what the log windows say, and takes acks and receipts in. It feeds all vaults of the agent.
//
//   Run: (connect, hello; receive | heartbeat | send until something breaks; wait)*
// Which vault is first is decided by replicator/serve_order.h.
#ifndef TIDEMARK_AGENT_SOURCE_SITE_LINK_H_
#define TIDEMARK_AGENT_SOURCE_SITE_LINK_H_

#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "agent/link/control_connection.h"
#include "agent/link/data_connection.h"
#include "agent/recover/site_source.h"
#include "agent/source/linked_vault.h"
#include "agent/source/receipt_hooks.h"
#include "agent/source/store_rates.h"
#include "replicator/receipt.h"
#include "replicator/serve_order.h"

namespace tidemark {

inline constexpr int kBadListedMax = 10000;  // of a site's verify

enum class LinkState : uint8_t {
  kConnecting,
  kStreaming,
  kCatchingUp,
  kDown,
  kDamaged,
  kFenced,
  kFull,
  kUnknown
};
const char* LinkStateName(LinkState state);

class SiteLink {
 public:
  struct Options {
    SiteAddress address;
    bool is_primary = true;
    SiteIndex index = 0;
    uint32_t connections = 1;  // for appends; as many as the site takes
    std::string agent_name, software;
    absl::Duration heartbeat_interval = absl::Milliseconds(250);
    absl::Duration checkpoint_interval = absl::Milliseconds(50);
    absl::Duration idle_limit = absl::Seconds(3);
    absl::Duration handshake_limit = absl::Seconds(5);
    absl::Duration retry_min = absl::Milliseconds(100), retry_max = absl::Seconds(1);
  };
  SiteLink(Io* io, const Options& options, ChannelFactory* channels);
  Io* io() const { return io_; }
  // Before Run. Links and vaults outlive each other's use of them: the daemon owns both.
  void Attach(LinkedVault* vault) { vaults_.push_back(vault); }
  void SetPeers(std::vector<SiteLink*> links) { links_ = std::move(links); }

  Task<> Run();
  void Stop();
  // Bytes a second for the site, from here and from the peers that it fetches from; 0: no limit.
  void SetRate(uint64_t bytes_per_second);
  uint64_t rate() const { return pacer_.rate(); }
  void Nudge() { work_.WakeAll(); }  // a vault wants something new (a promise, a feed)

  // What a session found. Valid while up().
  bool up() const { return session_up_; }
  const Options& options() const { return options_; }
  const std::string& name() const { return options_.address.name; }
  std::optional<uint64_t> PromisedEpoch(const VaultId& vault) const;
  std::optional<Position> HelloTail(const VaultId& vault) const;
  uint64_t HelloLogBytes(const VaultId& vault) const;
  // The newest checkpoint of ours that the site showed when it was greeted. nullopt: none, or away.
  std::optional<Position> HelloCheckpoint(const VaultId& vault, const PublicKey& agent) const;
  const PublicKey& site_key() const { return site_key_; }
  // Secret; of no other session, whatever this machine's generator gives: half of it is the site's.
  Secret32 SessionMark() const { return control_->ExportKey("EXPORTER-tidemark-mark", {}); }
  // Asks the site to fetch up to a checkpoint from a peer; the outcome once it reports finished.
  Task<absl::StatusOr<Position>> Fetch(VaultId vault, SiteAddress peer,
                                       SignedCheckpoint checkpoint);
  // The site re-reads all it holds of a vault and heals what is bad; kBadListedMax are listed.
  Task<absl::StatusOr<wire::VerifyReport>> Verify(VaultId vault);

  struct View {  // for status
    LinkState state = LinkState::kConnecting;
    std::string last_error;
    absl::Time since;
    bool ever_up = false;
    StoreId store;
    Digest host;
    std::string role;
    std::optional<double> ack_p50_seconds, ack_p99_seconds, clock_skew_seconds;
    std::optional<StoreRates::Rates> site_rates, vault_rates;  // of the store; of the vault there
    uint64_t store_bytes = 0, store_free_bytes = 0, store_disk_bytes = 0;  // 0: not told yet
    std::optional<wire::ScrubState> scrub;
  };
  View view(const VaultId& vault) const;
  LinkState StateFor(const VaultId& vault) const;
  const std::string& last_error() const { return last_error_; }
  // Newest receipt, verified; empty when none.
  const std::vector<std::byte>& newest_receipt() const { return newest_receipt_; }
  void RestoreNewestReceipt(std::vector<std::byte> receipt);
  bool receipts_forgotten() const { return receipts_forgotten_ && newest_receipt_.empty(); }
  void KeepReceipts(ReceiptHooks hooks) { receipts_ = std::move(hooks); }
  // The store that signed last; another one that is shown in its place, and refused. Empty: none.
  const StoreId& known_store() const { return known_store_; }
  const StoreId& strange_store() const { return strange_store_; }
  // The operator's word: the known one is lost, with what it signed; the other takes its place.
  void ReplaceStore();
  bool SharesHostOrStore(const SiteLink& other, bool* same_store) const;

 private:
  enum class VaultPhase : uint8_t { kNone, kAsked, kPromised, kFeeding, kFetching, kRefused };
  struct VaultSession {
    VaultPhase phase = VaultPhase::kNone;
    uint64_t asked_epoch = 0;
    SessionId asked_nonce;
    Position durable;
    uint64_t promised_epoch = 0, log_bytes = 0, repaired_to = ~uint64_t{0};
    absl::Status fetch_result;
    std::optional<Position> fetched;
    bool fetch_running = false, repairing = false, wants_fetch = false, fetch_stopped = false;
  };

  Task<absl::Status> RunSession();
  Task<absl::Status> OpenControl();
  Task<> GuardOpening();
  void CutOpening();
  Task<absl::Status> OpenData(uint32_t data_port, uint32_t connections);
  Task<absl::StatusOr<Fd>> ConnectTo(std::string address);
  Task<absl::StatusOr<wire::HelloReply>> SayHello();
  Task<> ReceiveLoop();
  Task<> HeartbeatLoop();
  Task<> CheckpointLoop();
  Task<> SendLoop(DataConnection* data);
  Task<> WatchLoop(DataConnection* data);
  Task<> FetchForFeed(LinkedVault* vault);
  Task<bool> WaitForFetchTurn(LinkedVault* vault);
  Task<absl::Status> FetchOnce(LinkedVault* vault);
  bool MayFetch(LinkedVault* vault);
  void ReviewFetches();
  std::vector<ServeClaim> Claims();
  Task<> Repair(LinkedVault* vault);
  Task<absl::Status> RepairOnce(LinkedVault* vault);
  absl::Status CheckStore();
  void NoteLoss(LinkedVault* vault, const Position& durable);
  void Advance(LinkedVault* vault, VaultSession* session);
  void StartFeed(LinkedVault* vault, VaultSession* session);
  void Dispatch(const wire::Control& message);
  void OnPromiseReply(const wire::PromiseReply& reply);
  void OnHeartbeatReply(const wire::HeartbeatReply& reply);
  void OnAck(const wire::Ack& ack);
  void OnReceiptNote(const wire::ReceiptNote& note);
  void NoteNewest(const SignedReceipt& receipt);
  void AskForReceipts();
  void OnReceiptsTold(const wire::ReceiptsTold& told);
  void OnFetchReport(const wire::FetchReport& report);
  void OnAppendRefused(const wire::AppendRefused& refused);
  void TellPeers();
  void TellRate();
  void OnVerifyReport(const wire::VerifyReport& report);
  void EndSession(absl::Status why);
  void SetState(LinkState state, const std::string& error);
  LinkedVault* VaultOf(const std::string& id);
  VaultSession& SessionOf(LinkedVault* vault) { return sessions_[vault->log()->vault()]; }
  SiteLink* PeerFor(const VaultId& vault, uint64_t sequence);

  // Constant after the start.
  Io* io_;
  Options options_;
  ChannelFactory* channels_;
  std::vector<LinkedVault*> vaults_;
  std::vector<SiteLink*> links_;
  ReceiptHooks receipts_;
  // Of the present session.
  std::unique_ptr<ControlConnection> control_;
  std::vector<std::unique_ptr<DataConnection>> data_;
  uint64_t rate_told_ = 0;
  bool tells_receipts_ = false;
  std::optional<ReceiptAudit::Gap> asked_receipts_;
  SessionId session_id_;
  bool opening_ = false, session_up_ = false, stopping_ = false, receipts_forgotten_ = false;
  Op* guard_sleep_ = nullptr;
  absl::Status session_end_;
  std::map<VaultId, VaultSession> sessions_;
  ServeOrder order_;
  LinkedVault* fetching_ = nullptr;  // at a witness: whose turn it is
  uint32_t verify_request_ = 0;
  std::map<uint32_t, wire::VerifyReport> verifying_;  // as far as they were told
  PublicKey site_key_;
  // Over sessions.
  LinkState state_ = LinkState::kConnecting;
  std::string last_error_;
  absl::Time state_since_;
  bool ever_up_ = false;
  StoreId store_, known_store_, strange_store_, newest_store_;
  Digest host_;
  std::string role_;
  std::vector<std::string> hello_checkpoints_;
  std::vector<std::byte> newest_receipt_;
  uint64_t newest_number_ = 0;
  std::map<VaultId, int64_t> checkpointed_;  // when the one was made that the site was told last
  std::map<VaultId, std::map<uint64_t, absl::Duration>> sent_at_;    // sequence -> when it left
  std::deque<std::pair<absl::Duration, absl::Duration>> ack_times_;  // (when, how long)
  StoreRates rates_;
  Pacer pacer_;
  std::optional<double> clock_skew_seconds_;
  uint64_t store_bytes_ = 0, store_free_bytes_ = 0, store_disk_bytes_ = 0;
  std::optional<wire::ScrubState> scrub_;
  Op* interruptible_ = nullptr;  // what Stop cancels: a wait for the next try, a slow connect
  Event work_, changed_;
  TaskGroup tasks_;
};

}  // namespace tidemark
#endif  // TIDEMARK_AGENT_SOURCE_SITE_LINK_H_
