#include "tests/sim/cluster.h"

#include <ostream>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"

namespace tidemark {
namespace {

constexpr const char* kSiteNames[] = {"a", "b", "w"};
constexpr const char* kAgentNames[] = {"agent", "agent2"};
// Simulated. A cluster in which nothing fails any more is whole again well within this.
constexpr absl::Duration kConvergeLimit = absl::Minutes(5);
constexpr absl::Duration kAuditLimit = absl::Minutes(20);
constexpr absl::Duration kStopLimit = absl::Seconds(30);

}  // namespace

Cluster::Cluster(const ClusterOptions& options)
    : options_(options),
      random_(MixSeeds(options.seed, HashText("chaos"))),
      seals_(&findings_),
      canaries_(&findings_),
      world_(options.seed, options.faults) {
  struct Entropy : EntropySource {
    explicit Entropy(SimRandom* from) : random(from) {}
    void Fill(MutableByteSpan out) override { random->Fill(out); }
    SimRandom* random;
  } entropy(&random_);
  vault_ = VaultId::Random(&entropy);
  kek_ = KeyEncryptionKey::Generate(&entropy);
  agent_key_ = std::make_unique<SigningKey>(SigningKey::Generate(&entropy));
  std::vector<LogLedger::SiteView> views;
  for (int i = 0; i < kSites; ++i) {
    SiteNode& site = sites_[i];
    site.name = kSiteNames[i];
    site.node = world_.AddNode(site.name);
    site.key = std::make_unique<SigningKey>(SigningKey::Generate(&entropy));
    views.push_back({site.name, world_.disk(site.node), i < 2, site.key->public_key()});
    shared_.sites.push_back({{site.name, site.name + ":7000"}, i < 2});
  }
  ledger_ = std::make_unique<LogLedger>(std::move(views), kSimStorePath, vault_, &findings_);
  workload_ = std::make_unique<Workload>(options_, ledger_.get(), &findings_);
  for (int i = 0; i < kAgents; ++i) {
    AgentNode& agent = agents_[i];
    agent.node = world_.AddNode(kAgentNames[i]);
    agent.index = std::make_unique<FakeIndex>(ledger_.get(), &findings_);
    SimDisk* disk = world_.disk(agent.node);
    workload_->WriteSources(disk);
    for (const char* directory : {"/state", "/restored"}) disk->MakeDirectories(directory);
    if (options_.agent_entropy_cloned) world_.SetEntropy(agent.node, SimWorld::Entropy::kCloned);
  }
  shared_.options = &options_;
  shared_.workload = workload_.get();
  shared_.findings = &findings_;
  shared_.key = agent_key_.get();
  shared_.kek = &kek_;
  shared_.vault = vault_;
  tap_ = std::make_unique<WireTap>(
      [this](uint32_t machine, uint32_t socket, const wire::Control& message) {
        if (text_ != nullptr)
          Say(absl::StrCat(world_.name(static_cast<int>(machine)), " says ",
                           message.ShortDebugString()));
        if (machine < kSites) ledger_->OnMessage(machine, socket, message);
      });
  world_.Observe(this);
}

Cluster::~Cluster() {
  world_.Observe(nullptr);
  // Every object of a node dies behind its node and before the world.
  for (AgentNode& agent : agents_) {
    if (agent.process != nullptr) world_.Kill(agent.node);
    agent.process.reset();
  }
  for (SiteNode& site : sites_) {
    if (site.process != nullptr) world_.Kill(site.node);
    site.process.reset();
  }
}

void Cluster::TraceTo(std::ostream* out) {
  text_ = out;
  world_.TraceTo(out);
}

void Cluster::Say(const std::string& what) {
  if (text_ != nullptr)
    *text_ << absl::ToInt64Microseconds(world_.time()) << "us -- " << what << "\n";
}

void Cluster::OnSend(uint32_t socket, uint32_t from, uint32_t, ByteSpan bytes) {
  canaries_.OnSend(socket, bytes);
  tap_->OnSend(socket, from, bytes);
}

void Cluster::OnWrite(int, const std::string& path, ByteSpan bytes) {
  if (path.rfind("/restored/", 0) != 0) canaries_.OnWrite(path, bytes);
}

bool Cluster::RunUntil(const std::function<bool()>& done, absl::Duration at_most) {
  const absl::Duration limit = world_.time() + at_most;
  while (findings_.ok() && world_.time() < limit) {
    if (done()) return true;
    // Looking is dear, and nothing converges within a few events.
    for (int i = 0; i < 16 && findings_.ok(); ++i) {
      if (!world_.Step()) {
        findings_.Add("nothing is left to happen");
        return false;
      }
    }
    SweepEnded();
  }
  return false;
}

ClusterResult Cluster::Play() {
  for (int i = 0; i < kSites; ++i) StartSite(i);
  StartAgent(0);
  Chaos();
  if (findings_.ok()) Heal();
  if (findings_.ok()) Converge();
  if (findings_.ok()) Rot();
  if (findings_.ok()) Audit();
  if (findings_.ok()) StopAll();
  if (findings_.ok()) ledger_->CheckAllEqual();
  ClusterResult result;
  result.finding = findings_.first();
  result.trace = world_.trace();
  result.events = world_.events();
  result.records = ledger_->committed();
  result.acts = acts_;
  result.starts = starts_;
  result.restored = restored_;
  result.resumed = workload_->resumed();
  result.simulated = world_.time();
  return result;
}

void Cluster::Chaos() {
  const absl::Duration end = world_.time() + absl::Milliseconds(options_.chaos_ms);
  uint64_t next_act = world_.events() + random_.Below(options_.events_between_acts + 1);
  while (findings_.ok() && world_.time() < end) {
    if (!world_.Step()) return findings_.Add("nothing is left to happen");
    SweepEnded();
    if (world_.events() < next_act) continue;
    next_act = world_.events() + random_.Below(options_.events_between_acts + 1);
    Act();
  }
}

// No faults any more; everything runs; one agent is the one.
void Cluster::Heal() {
  Say("heal");
  chaos_ = false;
  world_.set_faults(world_.faults().Healed());
  world_.HealAll();
  const int last = options_.take_over > 0 ? static_cast<int>(random_.Below(kAgents)) : 0;
  for (AgentNode& agent : agents_) world_.SetEntropy(agent.node, SimWorld::Entropy::kSeeded);
  for (int i = 0; i < kAgents; ++i) {
    // An agent that was fenced, or gave up on damage, is restarted by whoever runs it.
    if (agents_[i].process == nullptr) continue;
    const bool stays = i == last && agents_[i].process->vault()->phase() != Vault::Phase::kFailed &&
                       !agents_[i].process->stopping() && random_.Coin() &&
                       !options_.breaks_entropy();
    if (!stays) DropAgent(i, random_.Coin());
  }
  // A site that found its disk wanting waits for whoever replaces it: there, a restart.
  const bool all = options_.has_disk_faults() || random_.Coin();
  for (int i = 0; i < kSites; ++i) {
    const bool stopping = sites_[i].process != nullptr && sites_[i].process->stopping();
    if (sites_[i].process != nullptr && (all || stopping)) DropSite(i, random_.Coin());
    if (sites_[i].process == nullptr) StartSite(i);
  }
  if (agents_[last].process == nullptr) StartAgent(last);
}

bool Cluster::Converged() {
  if (!workload_->all_ok()) return false;
  for (const SiteNode& site : sites_) {
    if (site.process == nullptr || !site.process->serving()) return false;
  }
  for (AgentNode& agent : agents_) {
    if (agent.process == nullptr) continue;
    const Vault* vault = agent.process->vault();
    if (!agent.process->agent()->ready()) return false;
    const LogWriter* log = agent.process->vault()->log();
    if (vault->phase() != Vault::Phase::kOpen || !log->open()) return false;
    for (SiteIndex site = 0; site < kSites; ++site) {
      if (log->window().durable(site) != log->window().tail()) return false;
      if (ledger_->claimed(site) != log->window().tail().sequence) return false;
    }
  }
  return true;
}

std::string Cluster::WhyNotConverged() {
  std::string why;
  uint64_t open = 0;
  for (const WorkItem& item : workload_->items()) open += item.ok ? 0 : 1;
  absl::StrAppend(&why, open, " pushes not done");
  for (int i = 0; i < kSites; ++i) {
    absl::StrAppend(&why, "; site ", sites_[i].name, " claims ", ledger_->claimed(i));
  }
  for (AgentNode& agent : agents_) {
    if (agent.process == nullptr) continue;
    Vault* vault = agent.process->vault();
    absl::StrAppend(&why, "; agent in phase ", static_cast<int>(vault->phase()), " (",
                    vault->trouble().ToString(), ")");
    if (vault->log()->open()) {
      absl::StrAppend(&why, " committed ", vault->log()->committed_sequence(), " tail ",
                      vault->log()->window().tail().sequence);
    }
    for (const auto& link : agent.process->agent()->links()) {
      const SiteLink::View view = link->view(vault_);
      absl::StrAppend(&why, "; link ", link->name(), " ", LinkStateName(view.state), " ",
                      view.last_error);
    }
  }
  return why;
}

void Cluster::Converge() {
  const bool converged = RunUntil([this] { return Converged(); }, kConvergeLimit);
  if (!converged) findings_.Add("the cluster does not become whole again: " + WhyNotConverged());
}

void Cluster::Audit() {
  Say("audit");
  for (AgentNode& agent : agents_) {
    if (agent.process == nullptr) continue;
    agent.process->StartAudit();
    const bool done = RunUntil([&agent] { return agent.process->audited(); }, kAuditLimit);
    if (!done) findings_.Add("the audit's restores do not end");
  }
}

void Cluster::StopAll() {
  Say("stop");
  for (AgentNode& agent : agents_) {
    if (agent.process != nullptr) agent.process->Stop();
  }
  const bool agents_ended = RunUntil(
      [this] {
        for (AgentNode& agent : agents_) {
          if (agent.process != nullptr && !agent.process->ended()) return false;
        }
        return true;
      },
      kStopLimit);
  if (!agents_ended) return findings_.Add("an agent does not stop");
  for (int i = 0; i < kAgents; ++i) {
    if (agents_[i].process != nullptr) DropAgent(i, false);
  }
  for (SiteNode& site : sites_) {
    if (site.process != nullptr) site.process->Stop();
  }
  const bool sites_ended = RunUntil(
      [this] {
        for (SiteNode& site : sites_) {
          if (site.process != nullptr) return false;
        }
        return true;
      },
      kStopLimit);
  if (!sites_ended) findings_.Add("a site does not stop");
}

ClusterResult PlaySeed(uint64_t seed) {
  Cluster cluster(ClusterOptions::Draw(seed));
  return cluster.Play();
}

}  // namespace tidemark
