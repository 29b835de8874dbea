// The agent: links to the sites, vaults, and what it does for its callers. Knows no config file, no
// TLS and no RocksDB: daemon.h brings those, the simulated cluster brings its own.
#ifndef TIDEMARK_AGENT_AGENT_H_
#define TIDEMARK_AGENT_AGENT_H_

#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "agent/io/pool.h"
#include "agent/proof/proof_keeper.h"
#include "agent/report/outlook.h"
#include "agent/service.h"
#include "agent/source/site_link.h"
#include "agent/source/vault.h"

namespace tidemark {

class Agent : public AgentService {
 public:
  struct Site {
    SiteAddress address;
    bool is_primary = true;
    uint32_t connections = 1;
  };
  struct VaultSetup {
    Vault::Options options;       // window.primaries and window.sites are filled in from `sites`
    ChunkIndex* index = nullptr;  // outlives the agent
    bool compress = true;
    std::string data_class = "general", tier;  // for status; design section 2
    bool tier_enforced = false;
  };
  struct Options {
    std::string name, software;
    std::vector<Site> sites;  // primaries first
    std::vector<VaultSetup> vaults;
    uint32_t record_buffers = 32;
    uint32_t span_buffers = 20;
    bool allow_same_host = false;
    SiteLink::Options link;  // times only
    absl::Duration watch_interval = absl::Milliseconds(200);
    // Evidence: its directory (empty: none is kept), how long and how much of it.
    EvidenceJournal::Options proof;
    std::string certificates_pem;  // the authority's and the agent's, for exports
  };
  Agent(Io* io, const Options& options, ChannelFactory* channels, const SigningKey* identity,
        const KeyEncryptionKey* kek);
  ~Agent() override;
  Io* io() const { return io_; }

  // Until Stop; then everything has ended in order.
  Task<> Run();
  void Stop();
  // For start-up: every site connected and every vault open.
  bool ready() const;
  BufferPool* records() { return &records_; }
  BufferPool* spans() { return &spans_; }
  const std::vector<std::unique_ptr<Vault>>& vaults() const { return vaults_; }
  const std::vector<std::unique_ptr<SiteLink>>& links() const { return links_; }

  Task<absl::StatusOr<PushReport>> Push(PushCall call, Call* events) override;
  Task<absl::StatusOr<RestoreReport>> Restore(RestoreCall call, Call* events) override;
  Task<absl::StatusOr<VerifyReport>> Verify(VerifyCall call, Call* events) override;
  absl::StatusOr<ReplaceReport> Replace(ReplaceCall call) override;
  absl::StatusOr<std::vector<ListedVersion>> List(const std::string& vault,
                                                  const std::string* name) override;
  StatusReport Status() override;
  // Adds to every report what it knows; null: nobody. Outlives the agent's use of it.
  void SetObserver(StatusObserver* observer) { observer_ = observer; }
  Task<absl::StatusOr<RpoReport>> Rpo(RpoCall call, Call* events) override;
  // Null when no evidence is kept.
  ProofKeeper* proof() { return proof_.get(); }

 private:
  // One call that waits: what it waits for, and since when nothing moved.
  struct Watch {
    Vault* vault = nullptr;
    class Push* push = nullptr;  // null before the vault is open
    tidemark::Call* events = nullptr;
    absl::Duration timeout;
    absl::Time opened;       // on the lag clock
    absl::Status interrupt;  // not OK: give up
    bool for_all = false;    // committed; the other sites are waited for
    bool done = false;
    Op* sleep = nullptr;
  };
  Task<absl::Status> WaitReadable(Vault* vault);
  SourceList StripedSources() const;
  // agent_verify.cc
  struct VersionsCheck {
    RecordSource* source = nullptr;
    Vault* vault = nullptr;
    uint64_t upto = 0;                                     // versions of later records are left out
    std::set<std::pair<uint64_t, uint32_t>> watched = {};  // record and block: who needs it?
    std::set<std::string> checked = {};
    std::vector<std::string> bad = {};
    std::map<std::pair<uint64_t, uint32_t>, std::vector<std::string>> standing_in = {};
    bool interrupted = false;
  };
  Task<> VerifySites(Vault* vault, VerifyReport* report, tidemark::Call* events);
  Task<> VerifyDeep(Vault* vault, VerifyReport* report, tidemark::Call* events);
  Task<> CheckVersions(VersionsCheck* check);
  // agent_proof.cc
  void AttachProof();
  Task<> OpenProof();
  Task<> SampleRpo();
  Task<absl::Status> WriteExport(class RpoExport* from, const RpoCall* call, RpoReport* report,
                                 tidemark::Call* events);
  void AddProof(StatusReport* report) const;
  Task<> WatchCall(Watch* watch);
  Task<> EndWatch(Watch* watch, Task<>* watching);
  Task<absl::StatusOr<PushReport>> PushWhenOpen(const PushCall* call, Watch* watch);
  Task<absl::Status> WaitForAll(Vault* vault, uint64_t sequence, Watch* watch);
  std::string WaitReason(const Vault& vault, bool for_all) const;
  absl::StatusOr<Vault*> FindVault(const std::string& name) const;
  // agent_status.cc
  SiteStatus StatusOf(const SiteLink& link) const;
  VaultStatus StatusOf(size_t vault_index) const;
  VaultSiteStatus StatusOf(const SiteLink& link, Vault* vault) const;
  bool HoldsCopy(const SiteLink& link, Vault* vault) const;

  // Constant after construction.
  Io* io_;
  Options options_;
  const SigningKey* identity_;
  // Owned by the loop thread.
  BufferPool records_, spans_;
  std::vector<std::unique_ptr<RecordSource>> sources_;
  std::vector<std::unique_ptr<SiteLink>> links_;
  std::vector<LogWriter*> logs_;  // as vaults_
  std::vector<std::unique_ptr<Vault>> vaults_;
  std::unique_ptr<ProofKeeper> proof_;
  Op* sample_sleep_ = nullptr;
  uint64_t pushes_running_ = 0;
  struct Restored {
    uint64_t bytes = 0, running = 0;
    TokenBucket reads;  // where the tier is enforced
  };
  Restored* RestoredOf(const Vault* vault);
  std::vector<Restored> restored_;  // as vaults_, since the start
  Outlook outlook_;
  StatusObserver* observer_ = nullptr;
  bool stopping_ = false;
  TaskGroup tasks_;
};

}  // namespace tidemark
#endif  // TIDEMARK_AGENT_AGENT_H_
