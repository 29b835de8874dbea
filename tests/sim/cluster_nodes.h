// The processes of the simulated cluster: real sites and real agents, which die and start again.
#ifndef TIDEMARK_TESTS_SIM_CLUSTER_NODES_H_
#define TIDEMARK_TESTS_SIM_CLUSTER_NODES_H_

#include <list>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "agent/agent.h"
#include "agent/site/site_server.h"
#include "tests/sim/fake_index.h"
#include "tests/sim/lag_watch.h"
#include "tests/sim/sim_world.h"
#include "tests/sim/workload.h"

namespace tidemark {

inline constexpr char kSimStorePath[] = "/store";

// One life of a site's process.
class SiteProcess {
 public:
  SiteProcess(SimIo* io, SiteOptions options, std::unique_ptr<ChannelFactory> channels,
              const SigningKey* key);
  SimIo* io() const { return io_; }
  void Stop();
  bool serving() const { return server_ != nullptr && !run_.done(); }
  bool ended() const { return run_.done(); }
  bool stopping() const { return stopping_; }
  const absl::Status& result() const { return result_; }

 private:
  Task<> Run();
  SimIo* io_;
  SiteOptions options_;
  const SigningKey* key_;
  std::unique_ptr<ChannelFactory> channels_;
  std::unique_ptr<SiteServer> server_;
  bool stopping_ = false;
  absl::Status result_;
  Task<> run_;  // last: its frame uses all of the above
};

// What all agents of a cluster share.
struct AgentShared {
  const ClusterOptions* options = nullptr;
  Workload* workload = nullptr;
  Findings* findings = nullptr;
  LagWatch* lag = nullptr;
  const SimWorld* world = nullptr;
  const SigningKey* key = nullptr;
  const KeyEncryptionKey* kek = nullptr;
  VaultId vault;
  std::vector<Agent::Site> sites;
  std::vector<bool> liars;  // sites that once said what is not so
  uint64_t evidence_losses_before = 0;
};

// One life of an agent's process, with those who push to it and restore from it.
class AgentProcess {
 public:
  AgentProcess(SimIo* io, SimDisk* disk, uint32_t number, uint64_t life, const AgentShared* shared,
               std::unique_ptr<ChannelFactory> channels, ChunkIndex* index);
  SimIo* io() const { return io_; }
  void Stop();
  bool ended() const { return run_.done(); }
  // And those who pushed and restored have gone too.
  bool settled() const { return ended() && stories_.running() == 0; }
  bool stopping() const { return stopping_; }
  Agent* agent() { return agent_.get(); }
  Vault* vault() { return agent_->vaults().front().get(); }
  // False: there was none.
  bool CancelOnePush(SimRandom* random);
  // Asked for after the chaos: every version, the sites in turn.
  void StartAudit();
  bool auditing() const { return audit_ != nullptr; }
  bool audited() const { return audit_ != nullptr && audit_->done(); }
  uint64_t restored() const { return restored_; }
  // verify --deep of all sites, asked for once; its outcome once it is there. It dies with the
  // process: whoever waits asks the next one.
  void StartVerify();
  bool verifying() const { return verify_ != nullptr; }
  const std::optional<absl::StatusOr<VerifyReport>>& verified() const { return verified_; }

 private:
  struct Caller : Call {
    void Note(const std::string&) override {}
    void Progress(uint64_t, uint64_t) override {}
  };
  Task<> PushLoop();
  Task<> PushOne(WorkItem* item);
  Task<> RestoreLoop(uint64_t seed);
  Task<absl::StatusOr<std::string>> RestoreOne(std::string name, uint64_t version,
                                               std::string from);
  Task<> Audit();
  Task<> VerifyDeep();
  Task<> CheckProof();
  Task<> AuditVersion(std::string name, uint64_t version, uint32_t site);

  SimIo* io_;
  SimDisk* disk_;
  uint32_t number_;
  const AgentShared* shared_;
  std::unique_ptr<ChannelFactory> channels_;
  std::unique_ptr<Agent> agent_;
  bool stopping_ = false;
  uint64_t outputs_ = 0, restored_ = 0;
  uint32_t audited_versions_ = 0;
  std::list<Caller*> pushing_;
  Task<> run_;
  std::optional<absl::StatusOr<VerifyReport>> verified_;
  std::unique_ptr<Task<>> audit_, verify_;
  TaskGroup stories_;  // last: its frames use all of the above
};

}  // namespace tidemark
#endif  // TIDEMARK_TESTS_SIM_CLUSTER_NODES_H_
