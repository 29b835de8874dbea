// Cluster: processes that end, and what follows the chaos.
#include "absl/strings/str_cat.h"
#include "tests/sim/cluster.h"

namespace tidemark {
namespace {

// Simulated. A cluster in which nothing fails any more is whole again well within this.
// Sessions that the chaos has broken are made again.
constexpr absl::Duration kRecovers = absl::Seconds(2);
constexpr absl::Duration kOperatorLooksAfter = absl::Seconds(10);
// The slowest links drawn take a quarter of an hour for the largest archives.
constexpr absl::Duration kConvergeLimit = absl::Minutes(20);
constexpr absl::Duration kAuditLimit = absl::Hours(1);
constexpr absl::Duration kStopLimit = absl::Seconds(30);
// What a supervisor waits before it starts a process again that ended by itself.
constexpr absl::Duration kRestartPause = absl::Milliseconds(200);

}  // namespace

// No faults any more; everything runs; one agent is the one.
void Cluster::Heal() {
  Say("heal");
  chaos_ = false;
  calm_since_ = world_.time() + kRecovers;
  liar_ = -1;
  MendRot();
  world_.set_faults(world_.faults().Healed());
  world_.HealAll();
  for (int node = 0; node < kSites + kAgents; ++node) world_.FailDisk(node, absl::ZeroDuration());
  const int last =
      options_.weight(Act::kTakeOver) > 0 ? static_cast<int>(random_.Below(kAgents)) : 0;
  for (AgentNode& agent : agents_) world_.SetEntropy(agent.node, SimWorld::Entropy::kSeeded);
  for (int i = 0; i < kAgents; ++i) {
    // An agent that was fenced, or gave up on damage, is restarted by whoever runs it.
    if (agents_[i].process == nullptr) continue;
    const bool stays = i == last && agents_[i].process->vault()->phase() != Vault::Phase::kFailed &&
                       !agents_[i].process->stopping() && random_.Coin() &&
                       !options_.breaks_entropy();
    if (!stays) DropAgent(i, random_.Coin());
  }
  const bool all = random_.Coin();
  for (int i = 0; i < kSites; ++i) {
    const bool stopping = sites_[i].process != nullptr && sites_[i].process->stopping();
    if (sites_[i].process != nullptr && (all || stopping)) DropSite(i, random_.Coin());
    if (sites_[i].process == nullptr) StartSite(i);
  }
  if (agents_[last].process == nullptr) StartAgent(last);
}

// Processes that have ended by themselves, or as they were told.
void Cluster::SweepEnded() {
  for (int i = 0; i < kSites; ++i) {
    if (sites_[i].process == nullptr || !sites_[i].process->ended()) continue;
    Say("site " + sites_[i].name + " ended: " + sites_[i].process->result().ToString());
    const bool as_told = sites_[i].process->stopping();
    if (as_told) CheckNothingLeft(sites_[i].name, *sites_[i].process->io());
    DropSite(i, false);
    if (chaos_) {
      BringUpLater(kRestartPause + DownTime(), i, -1);
    } else if (!as_told) {  // the last fault was still under way at the heal
      world_.Schedule(kRestartPause, [this, i] { StartSite(i); });
    }
  }
  for (int i = 0; i < kAgents; ++i) {
    AgentProcess* process = agents_[i].process.get();
    if (process == nullptr) continue;
    if (chaos_ && process->ended()) {
      DropAgent(i, false);
      BringUpLater(kRestartPause + DownTime(), -1, i);
    } else if (!chaos_ && !process->stopping() && absl::IsAborted(process->vault()->trouble()) &&
               operator_restarts_ > 0) {
      // Fenced by the agent that the heal took away: its operator starts it again.
      --operator_restarts_;
      DropAgent(i, false);
      StartAgent(i);
    }
  }
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

// False: it cannot be whole again, and for a reason.
bool Cluster::Converge() {
  bool converged = RunUntil([this] { return Converged(); }, kOperatorLooksAfter);
  if (!converged && findings_.ok()) {
    // A site that found its disk wanting says so, and waits for whoever replaces it: here, a
    // restart.
    for (int i = 0; i < kSites; ++i) {
      if (!ledger_->troubled(static_cast<uint32_t>(i)) || sites_[i].process == nullptr) continue;
      DropSite(i, false);
      StartSite(i);
    }
    converged = RunUntil([this] { return Converged(); }, kConvergeLimit);
  }
  // Only `site replace` helps against a site that its own signature convicts.
  if (!converged && lie_believed_) return false;
  if (!converged)
    findings_.Add(Invariant::kLiveness,
                  "the cluster does not become whole again: " + WhyNotConverged());
  return converged;
}

void Cluster::Audit() {
  Say("audit");
  for (AgentNode& agent : agents_) {
    if (agent.process == nullptr) continue;
    // One that was fenced after all is started again by its operator, and audits from the start.
    const auto audited = [this, &agent] {
      if (agent.process == nullptr) return false;
      if (!agent.process->auditing() && Converged()) agent.process->StartAudit();
      return agent.process->audited();
    };
    const bool done = RunUntil(audited, kAuditLimit);
    if (!done) findings_.Add(Invariant::kLiveness, "the audit's restores do not end");
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
          if (agent.process != nullptr && !agent.process->settled()) return false;
        }
        return true;
      },
      kStopLimit);
  if (!agents_ended) return findings_.Add(Invariant::kLiveness, "an agent does not stop");
  for (int i = 0; i < kAgents; ++i) {
    if (agents_[i].process == nullptr) continue;
    CheckNothingLeft(world_.name(agents_[i].node), *agents_[i].process->io());
    DropAgent(i, false);
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
  if (!sites_ended) findings_.Add(Invariant::kLiveness, "a site does not stop");
}

}  // namespace tidemark
