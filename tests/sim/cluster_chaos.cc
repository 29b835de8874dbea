// Cluster: what happens to its nodes.
#include <ostream>

#include "absl/strings/str_cat.h"
#include "tests/sim/cluster.h"

namespace tidemark {
absl::Duration Cluster::DownTime() {
  return absl::Milliseconds(random_.Below(options_.down_ms_max + 1));
}

int Cluster::AnyNode() {
  const uint64_t agents = options_.weight(Act::kTakeOver) > 0 ? kAgents : 1;
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
      std::make_unique<SiteProcess>(world_.io(site.node), std::move(options),
                                    Channels(site.node, name, site.identity), site.key.get());
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
  if (!power) return;
  const bool is_rotten = rot_.site == index;
  const Rot rot = rot_;
  if (is_rotten) MendRot();  // what rotted was not lost in a power loss
  ledger_->OnPowerLoss(static_cast<uint32_t>(index));
  if (is_rotten) SpoilAgain(rot);
}

void Cluster::StartAgent(int index) {
  AgentNode& agent = agents_[index];
  if (agent.process != nullptr) return;
  if (!world_.alive(agent.node)) world_.Restart(agent.node);
  Say(absl::StrCat("start agent ", index));
  ++starts_;
  lag_.OnAgentStart(static_cast<uint32_t>(index));
  PartyName name;
  name.role = Role::kAgent;
  name.name = "agent";
  name.key = agent_key_->public_key();
  agent.process = std::make_unique<AgentProcess>(
      world_.io(agent.node), world_.disk(agent.node), static_cast<uint32_t>(index), agent.lives++,
      &shared_, Channels(agent.node, name, agent_identity_), agent.index.get());
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
  lag_.OnAgentEnd(static_cast<uint32_t>(index), world_.time());
  agent.process.reset();
  agent.index->Crash(&random_);
  workload_->AgentDied(static_cast<uint32_t>(index));
}

// Up again after a while, unless the chaos has ended before.
void Cluster::BringUpLater(absl::Duration after, int site, int agent) {
  world_.Schedule(after, [this, site, agent] {
    if (!chaos_) return;
    if (site >= 0) StartSite(site);
    if (site >= 0) DisturbStart(site);
    if (agent >= 0) StartAgent(agent);
  });
}

// What a start mends is cut short too, now and then.
void Cluster::DisturbStart(int index) {
  const uint32_t crashes = options_.weight(Act::kCrashSite);
  const uint32_t all = crashes + options_.weight(Act::kKillSite);
  const SiteProcess* started = sites_[index].process.get();
  if (all == 0 || started == nullptr || random_.Below(4) != 0) return;
  const bool power = random_.Below(all) < crashes;
  world_.Schedule(absl::Microseconds(1 << random_.Below(17)), [this, index, power, started] {
    if (!chaos_ || sites_[index].process.get() != started) return;
    ++acts_;
    DropSite(index, power);
    BringUpLater(DownTime(), index, -1);
  });
}

bool Cluster::DropRandomSite(bool power) {
  const int index = static_cast<int>(random_.Below(kSites));
  if (sites_[index].process == nullptr) return false;
  DropSite(index, power);
  BringUpLater(DownTime(), index, -1);
  return true;
}

bool Cluster::DropRunningAgent(bool power) {
  const int index = static_cast<int>(random_.Below(kAgents));
  if (agents_[index].process == nullptr) return false;
  DropAgent(index, power);
  BringUpLater(DownTime(), -1, index);
  return true;
}

bool Cluster::BlockSomewhere() {
  const int from = AnyNode(), to = AnyNode();
  if (from == to) return false;
  const bool lossy = random_.Coin();
  Say(absl::StrCat("block ", world_.name(from), " to ", world_.name(to)));
  if (random_.Coin()) {
    world_.BlockOneWay(from, to, lossy);
  } else {
    world_.Block(from, to, lossy);
  }
  world_.Schedule(DownTime(), [this, from, to] { world_.Heal(from, to); });
  return true;
}

// A second agent with the same keys: an operator's mistake, or a standby.
bool Cluster::TakeOver() {
  for (int i = 0; i < kAgents; ++i) {
    if (agents_[i].process != nullptr) continue;
    StartAgent(i);
    return true;
  }
  return false;
}

// One bit of one record that later records show to have been durable: it must be found, not cut
// off. One site at a time, so that the others can give it back.
bool Cluster::RotSomewhere() {
  if (rot_.site >= 0) return false;
  const int index = static_cast<int>(random_.Below(kSites));
  // A head is a small part of a record, and the newest records are what recovery decides on.
  const uint64_t chosen = random_.Coin() ? random_.Below(4) : random_.Next();
  const std::optional<Platter::Place> place =
      ledger_->PlaceWithEvidence(static_cast<uint32_t>(index), chosen);
  if (!place.has_value()) return false;
  Rot rot;
  rot.site = index;
  rot.path = place->path;
  rot.offset = place->offset + random_.Below(random_.Coin() ? kRecordHeaderBytes : place->bytes);
  if (random_.Below(8) == 0) rot.offset = random_.Below(kLogFileHeaderBytes);
  rot.mask = static_cast<uint8_t>(1u << random_.Below(8));
  SpoilAgain(rot);
  Say(absl::StrCat("rot at ", rot.offset, " of ", rot.path, " of site ", sites_[index].name));
  return true;
}

void Cluster::SpoilAgain(const Rot& rot) {
  SimDisk* disk = world_.disk(sites_[rot.site].node);
  const std::optional<std::string> content = disk->ReadFile(rot.path);
  if (!content.has_value() || content->size() <= rot.offset) return;
  disk->FlipByte(rot.path, rot.offset, rot.mask);
  rot_ = rot;
  rot_.is = static_cast<uint8_t>((*content)[rot.offset]) ^ rot.mask;
}

// Unless somebody wrote there since.
void Cluster::MendRot() {
  if (rot_.site < 0) return;
  world_.disk(sites_[rot_.site].node)->MendByte(rot_.path, rot_.offset, rot_.is, rot_.mask);
  ledger_->Reread(static_cast<uint32_t>(rot_.site));
  rot_ = Rot();
}

void Cluster::DoAct() {
  uint64_t total = 0;
  for (const uint32_t weight : options_.acts) total += weight;
  if (total == 0) return;
  uint64_t drawn = random_.Below(total);
  size_t act = 0;
  while (drawn >= options_.acts[act]) drawn -= options_.acts[act++];
  if (Do(static_cast<Act>(act))) ++acts_;
}

// False: there was nothing to do it to.
bool Cluster::Do(Act act) {
  const int node = AnyNode(), other = AnyNode();
  AgentNode& agent = agents_[random_.Below(kAgents)];
  SiteNode& site = sites_[random_.Below(kSites)];
  switch (act) {
    case Act::kCrashSite:
      return DropRandomSite(true);
    case Act::kKillSite:
      return DropRandomSite(false);
    case Act::kStopSite:
      if (site.process != nullptr) site.process->Stop();
      return site.process != nullptr;
    case Act::kCrashAgent:
      return DropRunningAgent(true);
    case Act::kKillAgent:
      return DropRunningAgent(false);
    case Act::kStopAgent:
      if (agent.process != nullptr) agent.process->Stop();
      return agent.process != nullptr;
    case Act::kBlock:
      return BlockSomewhere();
    case Act::kReset:
      world_.ResetConnections(node, other);
      return node != other;
    case Act::kPause:
      world_.Pause(node, DownTime());
      return true;
    case Act::kHangDisk:
      world_.HangDisk(node, DownTime());
      return true;
    case Act::kFailDisk:
      world_.FailDisk(node, DownTime());
      return true;
    case Act::kJumpClock: {
      // Two statements: compilers differ in which operand of one expression they draw first.
      const absl::Duration forward = DownTime() * 100;
      world_.JumpClock(node, forward - DownTime() * 100);
      return true;
    }
    case Act::kCancelPush:
      return agent.process != nullptr && agent.process->CancelOnePush(&random_);
    case Act::kStickEntropy:
      world_.SetEntropy(agent.node, SimWorld::Entropy::kStuck);
      world_.Schedule(DownTime(), [this, &agent] {
        world_.SetEntropy(agent.node, SimWorld::Entropy::kSeeded);
      });
      return true;
    case Act::kTakeOver:
      return TakeOver();
    case Act::kRot:
      return RotSomewhere();
    case Act::kLie:
      liar_ = static_cast<int>(random_.Below(kSites));
      shared_.liars[static_cast<size_t>(liar_)] = true;
      world_.Schedule(DownTime(), [this] { liar_ = -1; });
      return true;
    case Act::kCount:
      break;
  }
  return false;
}

}  // namespace tidemark
