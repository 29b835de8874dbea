// Cluster: what happens to its nodes.
#include <ostream>

#include "absl/strings/str_cat.h"
#include "tests/sim/cluster.h"

namespace tidemark {

absl::Duration Cluster::DownTime() {
  return absl::Milliseconds(random_.Below(options_.down_ms_max + 1));
}

int Cluster::AnyNode() {
  const uint64_t agents = options_.take_over > 0 ? kAgents : 1;
  const uint64_t chosen = random_.Below(kSites + agents);
  return chosen < kSites ? sites_[chosen].node : agents_[chosen - kSites].node;
}

void Cluster::StartSite(int index) {
  SiteNode& site = sites_[index];
  if (site.process != nullptr) return;
  if (!world_.alive(site.node)) world_.Restart(site.node);
  Say("start site " + site.name);
  ++starts_;
  ledger_->OnStart(static_cast<uint32_t>(index));
  SiteOptions options;
  options.name = site.name;
  options.is_primary = index < 2;
  options.store_path = kSimStorePath;
  options.listen = "0.0.0.0:7000";
  options.data_listen = "0.0.0.0:7001";
  options.host = HashBytes(AsBytes(site.name));
  options.software = "simulated";
  options.record_buffers = options_.site_record_buffers;
  options.log_file_bytes_min = options_.log_file_bytes_min;
  options.log_file_bytes_max = options_.log_file_bytes_max;
  options.reserve_bytes = 1 << 20;
  options.receipt_interval = absl::Milliseconds(options_.receipt_interval_ms);
  PartyName name;
  name.role = Role::kSite;
  name.name = site.name;
  name.key = site.key->public_key();
  site.process =
      std::make_unique<SiteProcess>(world_.io(site.node), std::move(options), name, site.key.get());
}

void Cluster::DropSite(int index, bool power) {
  SiteNode& site = sites_[index];
  Say(absl::StrCat(power ? "crash" : "kill", " site ", site.name));
  if (power) {
    world_.Crash(site.node);
  } else {
    world_.Kill(site.node);
  }
  site.process.reset();
  if (power) ledger_->OnPowerLoss(static_cast<uint32_t>(index));
}

void Cluster::StartAgent(int index) {
  AgentNode& agent = agents_[index];
  if (agent.process != nullptr) return;
  if (!world_.alive(agent.node)) world_.Restart(agent.node);
  Say(absl::StrCat("start agent ", index));
  ++starts_;
  agent.process = std::make_unique<AgentProcess>(world_.io(agent.node), world_.disk(agent.node),
                                                 static_cast<uint32_t>(index), agent.lives++,
                                                 &shared_, agent.index.get());
}

void Cluster::DropAgent(int index, bool power) {
  AgentNode& agent = agents_[index];
  Say(absl::StrCat(power ? "crash" : "kill", " agent ", index));
  if (power) {
    world_.Crash(agent.node);
  } else {
    world_.Kill(agent.node);
  }
  restored_ += agent.process->restored();
  agent.process.reset();
  agent.index->Crash(&random_);
  workload_->AgentDied(static_cast<uint32_t>(index));
}

// Up again after a while, unless the chaos has ended before.
void Cluster::BringUpLater(absl::Duration after, int site, int agent) {
  world_.Schedule(after, [this, site, agent] {
    if (!chaos_) return;
    if (site >= 0) StartSite(site);
    if (agent >= 0) StartAgent(agent);
  });
}

// Processes that have ended by themselves, or as they were told.
void Cluster::SweepEnded() {
  for (int i = 0; i < kSites; ++i) {
    if (sites_[i].process == nullptr || !sites_[i].process->ended()) continue;
    Say("site " + sites_[i].name + " ended: " + sites_[i].process->result().ToString());
    DropSite(i, false);
    BringUpLater(DownTime(), i, -1);
  }
  for (int i = 0; i < kAgents; ++i) {
    AgentProcess* process = agents_[i].process.get();
    if (process == nullptr) continue;
    if (chaos_ && process->ended()) {
      DropAgent(i, false);
      BringUpLater(DownTime(), -1, i);
    } else if (!chaos_ && !process->stopping() && absl::IsAborted(process->vault()->trouble()) &&
               operator_restarts_ > 0) {
      // Fenced by the agent that the heal took away: its operator starts it again.
      --operator_restarts_;
      DropAgent(i, false);
      StartAgent(i);
    }
  }
}

void Cluster::DropRandomSite(bool power) {
  const int index = static_cast<int>(random_.Below(kSites));
  if (sites_[index].process == nullptr) return;
  DropSite(index, power);
  BringUpLater(DownTime(), index, -1);
}

void Cluster::DropRunningAgent(bool power) {
  const int index = static_cast<int>(random_.Below(kAgents));
  if (agents_[index].process == nullptr) return;
  DropAgent(index, power);
  BringUpLater(DownTime(), -1, index);
}

void Cluster::BlockSomewhere() {
  const int from = AnyNode(), to = AnyNode();
  if (from == to) return;
  const bool lossy = random_.Coin();
  Say(absl::StrCat("block ", world_.name(from), " to ", world_.name(to)));
  if (random_.Coin()) {
    world_.BlockOneWay(from, to, lossy);
  } else {
    world_.Block(from, to, lossy);
  }
  world_.Schedule(DownTime(), [this, from, to] { world_.Heal(from, to); });
}

// A second agent with the same keys: an operator's mistake, or a standby.
void Cluster::TakeOver() {
  for (int i = 0; i < kAgents; ++i) {
    if (agents_[i].process == nullptr) return StartAgent(i);
  }
}

void Cluster::Act() {
  const uint32_t weights[] = {options_.crash_site,    options_.kill_site,  options_.stop_site,
                              options_.crash_agent,   options_.kill_agent, options_.stop_agent,
                              options_.block,         options_.reset,      options_.pause,
                              options_.hang_disk,     options_.jump_clock, options_.cancel_push,
                              options_.stick_entropy, options_.take_over};
  uint64_t total = 0;
  for (const uint32_t weight : weights) total += weight;
  if (total == 0) return;
  uint64_t drawn = random_.Below(total);
  size_t act = 0;
  while (drawn >= weights[act]) drawn -= weights[act++];
  ++acts_;
  const int node = AnyNode();
  AgentNode& agent = agents_[random_.Below(kAgents)];
  SiteNode& site = sites_[random_.Below(kSites)];
  switch (act) {
    case 0:
      return DropRandomSite(true);
    case 1:
      return DropRandomSite(false);
    case 2: {
      if (site.process != nullptr) site.process->Stop();
      return;
    }
    case 3:
      return DropRunningAgent(true);
    case 4:
      return DropRunningAgent(false);
    case 5: {
      if (agent.process != nullptr) agent.process->Stop();
      return;
    }
    case 6:
      return BlockSomewhere();
    case 7:
      return world_.ResetConnections(node, AnyNode());
    case 8:
      return world_.Pause(node, DownTime());
    case 9:
      return world_.HangDisk(node, DownTime());
    case 10:
      return world_.JumpClock(node, DownTime() * 100 - DownTime() * 100);
    case 11: {
      if (agent.process != nullptr) agent.process->CancelOnePush(&random_);
      return;
    }
    case 12: {
      world_.SetEntropy(agent.node, SimWorld::Entropy::kStuck);
      world_.Schedule(DownTime(), [this, &agent] {
        world_.SetEntropy(agent.node, SimWorld::Entropy::kSeeded);
      });
      return;
    }
    default:
      return TakeOver();
  }
}

}  // namespace tidemark
