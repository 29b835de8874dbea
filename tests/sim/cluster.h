// Three sites, one or two agents, and everything that can happen to them, from one seed:
//
//   chaos -> heal -> all pushes are done and all sites hold the same -> rot, verify --deep heals ->
//   audit -> orderly stop
// The real object files run on a SimWorld; the checkers look on. Play or PlayIsolated once.
#ifndef TIDEMARK_TESTS_SIM_CLUSTER_H_
#define TIDEMARK_TESTS_SIM_CLUSTER_H_

#include <iosfwd>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "tests/sim/cluster_nodes.h"
#include "tests/sim/control_tap.h"
#include "tests/sim/isolation.h"
#include "tests/sim/measures.h"

namespace tidemark {

class Cluster : private SimObserver, private ControlListener {
 public:
  explicit Cluster(const ClusterOptions& options);
  ~Cluster() override;
  SeedRecord Play();
  // Only the load: what the primaries' acks take while the witness is like that.
  AckTimes PlayIsolated(Witness witness);
  void TraceTo(std::ostream* out);

 private:
  static constexpr int kSites = 3, kAgents = 2;
  struct SiteNode {
    std::string name;
    int node = 0;
    std::unique_ptr<SigningKey> key;
    ChannelIdentity identity;              // with real TLS
    std::unique_ptr<SiteProcess> process;  // null: down
  };
  struct AgentNode {
    int node = 0;
    uint64_t lives = 0;
    std::unique_ptr<FakeIndex> index;
    std::unique_ptr<AgentProcess> process;
  };
  // A bit of a stored record that is wrong until the heal.
  struct Rot {
    int site = -1;
    std::string path;
    uint64_t offset = 0;
    uint8_t mask = 0;
    uint8_t is = 0;  // the byte as it reads now
  };

  // cluster.cc: the first phase.
  void MakeIdentities(EntropySource* entropy);
  void Chaos();
  bool RunUntil(const std::function<bool()>& done, absl::Duration at_most);

  // cluster_end.cc: the phases after it.
  void Heal();
  bool Converge();
  bool Converged();
  std::string WhyNotConverged();
  void Audit();
  void StopAll();

  // cluster_rot.cc
  void RotAndHeal();

  // cluster_chaos.cc: what happens to the nodes.
  void DoAct();
  bool Do(Act act);
  void BringUpLater(absl::Duration after, int site, int agent);
  void DisturbStart(int index);
  void SweepEnded();
  void StartSite(int site);
  void DropSite(int site, bool power);
  void StartAgent(int agent);
  void DropAgent(int agent, bool power);
  bool DropRandomSite(bool power);
  bool DropRunningAgent(bool power);
  bool BlockSomewhere();
  bool TakeOver();
  bool RotSomewhere();
  void SpoilAgain(const Rot& rot);
  void MendRot();
  int AnyNode();
  absl::Duration DownTime();
  void Say(const std::string& what);
  std::unique_ptr<ChannelFactory> Channels(int node, const PartyName& own,
                                           const ChannelIdentity& identity);

  // cluster_watch.cc: what the checkers are told.
  void Look();
  void LookAtProof(int agent, uint32_t site, uint64_t held);
  void CheckWindow(Vault* vault);
  uint64_t HeldOf(const LogWindow& window, uint32_t site);
  void CheckBounds(const std::string& name, const SimIo& io);
  void CheckNothingLeft(const std::string& name, const SimIo& io);
  bool Lies(int site, wire::Control* message, std::vector<wire::Control>* more);
  static bool Knows(const AgentNode& agent, uint64_t sequence);
  bool AgentsKnow(uint64_t sequence) const;
  void LookForBelievedLie(const AgentNode& agent, const std::string& receipt);
  bool OnSaid(int party, uint64_t connection, wire::Control* message,
              std::vector<wire::Control>* more) override;
  void OnHeard(int party, const PartyName& from, const wire::Control& message) override;
  void OnSend(uint32_t socket, uint32_t from, uint32_t to, ByteSpan bytes) override;
  void OnWrite(int node, const std::string& path, ByteSpan bytes) override;
  void OnRead(int node, const std::string& path) override;

  const ClusterOptions options_;
  Findings findings_;
  SimRandom random_;
  SealWatch seals_;
  CanaryWatch canaries_;
  LagWatch lag_;
  SimWorld world_;
  VaultId vault_;
  KeyEncryptionKey kek_;
  std::unique_ptr<SigningKey> agent_key_;
  ChannelIdentity agent_identity_;
  SiteNode sites_[kSites];
  AgentNode agents_[kAgents];
  std::unique_ptr<LogLedger> ledger_;
  std::unique_ptr<Workload> workload_;
  AgentShared shared_;
  uint64_t connections_ = 0;
  bool chaos_ = true;
  absl::Duration calm_since_ = absl::InfiniteDuration();
  int operator_restarts_ = 2;
  int liar_ = -1;
  SimRandom lies_;
  std::set<std::string> told_lies_;  // receipts that say what is not so
  bool lie_believed_ = false;        // by an agent that could not compare it
  Rot rot_;
  uint64_t acts_ = 0, starts_ = 0, restored_ = 0, next_look_ = 0;
  std::ostream* text_ = nullptr;
};

}  // namespace tidemark
#endif  // TIDEMARK_TESTS_SIM_CLUSTER_H_
