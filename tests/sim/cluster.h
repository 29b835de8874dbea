// Three sites, one or two agents, and everything that can happen to them, from one seed:
//
//   chaos -> heal -> all pushes are done and all sites hold the same -> rot, verify --deep heals ->
//   audit -> orderly stop
// The real object files run on a SimWorld; the checkers look on. Play once.
#ifndef TIDEMARK_TESTS_SIM_CLUSTER_H_
#define TIDEMARK_TESTS_SIM_CLUSTER_H_

#include <iosfwd>
#include <memory>
#include <string>
#include <vector>

#include "tests/sim/cluster_nodes.h"
#include "tests/sim/wire_tap.h"

namespace tidemark {

struct ClusterResult {
  std::string finding;  // empty: all is well
  uint64_t trace = 0, events = 0, records = 0, acts = 0, restored = 0, starts = 0, resumed = 0;
  absl::Duration simulated;
};

class Cluster : private SimObserver {
 public:
  explicit Cluster(const ClusterOptions& options);
  ~Cluster() override;
  ClusterResult Play();
  void TraceTo(std::ostream* out);

 private:
  static constexpr int kSites = 3, kAgents = 2;
  struct SiteNode {
    std::string name;
    int node = 0;
    std::unique_ptr<SigningKey> key;
    std::unique_ptr<SiteProcess> process;  // null: down
  };
  struct AgentNode {
    int node = 0;
    uint64_t lives = 0;
    std::unique_ptr<FakeIndex> index;
    std::unique_ptr<AgentProcess> process;
  };

  // cluster.cc: the phases.
  void Chaos();
  void Heal();
  void Converge();
  bool Converged();
  std::string WhyNotConverged();
  void Audit();
  void StopAll();
  bool RunUntil(const std::function<bool()>& done, absl::Duration at_most);

  // cluster_rot.cc
  void Rot();

  // cluster_chaos.cc: what happens to the nodes.
  void Act();
  void BringUpLater(absl::Duration after, int site, int agent);
  void SweepEnded();
  void StartSite(int site);
  void DropSite(int site, bool power);
  void StartAgent(int agent);
  void DropAgent(int agent, bool power);
  void DropRandomSite(bool power);
  void DropRunningAgent(bool power);
  void BlockSomewhere();
  void TakeOver();
  int AnyNode();
  absl::Duration DownTime();
  void Say(const std::string& what);

  // SimObserver.
  void OnSend(uint32_t socket, uint32_t from, uint32_t to, ByteSpan bytes) override;
  void OnWrite(int node, const std::string& path, ByteSpan bytes) override;

  const ClusterOptions options_;
  Findings findings_;
  SimRandom random_;
  SealWatch seals_;
  CanaryWatch canaries_;
  SimWorld world_;
  VaultId vault_;
  KeyEncryptionKey kek_;
  std::unique_ptr<SigningKey> agent_key_;
  SiteNode sites_[kSites];
  AgentNode agents_[kAgents];
  std::unique_ptr<LogLedger> ledger_;
  std::unique_ptr<Workload> workload_;
  std::unique_ptr<WireTap> tap_;
  AgentShared shared_;
  bool chaos_ = true;
  int operator_restarts_ = 2;
  uint64_t acts_ = 0, starts_ = 0, restored_ = 0;
  std::ostream* text_ = nullptr;
};

// Draws and plays a seed.
ClusterResult PlaySeed(uint64_t seed);

}  // namespace tidemark
#endif  // TIDEMARK_TESTS_SIM_CLUSTER_H_
