#include "tests/sim/sim_world.h"

#include <algorithm>
#include <cassert>
#include <ostream>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"

namespace tidemark {
namespace {

constexpr std::string_view kMachinePrefix = "10.0.0.";

const char* KindName(Op::Kind kind) {
  static constexpr const char* kNames[] = {
      "none",     "open",  "close",        "read",     "write",      "sync",   "sync-directory",
      "allocate", "punch", "truncate",     "rename",   "rename-new", "unlink", "make-directory",
      "list",     "stat",  "next-data",    "lock",     "listen",     "accept", "connect",
      "send",     "recv",  "recv-with-fd", "shutdown", "sleep",      "compute"};
  return kNames[static_cast<size_t>(kind)];
}

}  // namespace

SimWorld::SimWorld(uint64_t seed, FaultOptions faults)
    : seed_(seed),
      faults_(faults),
      random_(MixSeeds(seed, HashText("test"))),
      chaos_(MixSeeds(seed, HashText("chaos"))),
      net_(this, MixSeeds(seed, HashText("net"))),
      trace_(HashText("trace")) {}

SimWorld::~SimWorld() = default;

int SimWorld::AddNode(std::string_view name, int machine_of) {
  Node node;
  node.name = std::string(name);
  if (machine_of >= 0) {
    node.machine = nodes_[machine_of].machine;
  } else {
    node.machine = static_cast<uint32_t>(machines_.size());
    SimRandom random(MixSeeds(seed_, HashText(name)));
    auto machine = std::make_unique<Machine>();
    machine->name = node.name;
    machine->disk = std::make_unique<SimDisk>(random.Next());
    machine->disk->set_capacity(faults_.capacity_bytes);
    machine->booted = now_;
    const uint64_t offset_us = random.Between(0, 2 * faults_.clock_offset_us_max);
    machine->clock_offset =
        (static_cast<int64_t>(offset_us) - static_cast<int64_t>(faults_.clock_offset_us_max)) *
        1000;
    machine->drift_ppm = static_cast<int64_t>(random.Between(0, 2 * faults_.clock_drift_ppm_max)) -
                         static_cast<int64_t>(faults_.clock_drift_ppm_max);
    machines_.push_back(std::move(machine));
  }
  nodes_.push_back(std::move(node));
  Start(static_cast<int>(nodes_.size()) - 1);
  return static_cast<int>(nodes_.size()) - 1;
}

void SimWorld::Start(int at) {
  Node& node = nodes_[at];
  const uint64_t start = node.starts++;
  const uint64_t seed = MixSeeds(seed_, MixSeeds(HashText(node.name), start));
  const uint64_t cloned = MixSeeds(seed_, HashText(node.name));
  const uint64_t entropy = MixSeeds(node.entropy == Entropy::kCloned ? cloned : seed, 7);
  ios_.push_back(
      std::make_unique<SimIo>(this, at, static_cast<uint32_t>(ios_.size()), seed, entropy));
  node.io = ios_.back().get();
  node.paused_until = 0;
}

void SimWorld::set_faults(const FaultOptions& faults) {
  faults_ = faults;
  for (const auto& machine : machines_) machine->disk->set_capacity(faults.capacity_bytes);
}

void SimWorld::Push(int64_t time, EventKind kind, uint32_t target, uint64_t token) {
  queue_.push_back(Event{time, sequence_++, kind, target, token});
  std::push_heap(queue_.begin(), queue_.end());
}

void SimWorld::Schedule(absl::Duration after, std::function<void()> act) {
  acts_.emplace(sequence_, std::move(act));
  const uint64_t id = sequence_;
  Push(now_ + absl::ToInt64Nanoseconds(after), EventKind::kAct, 0, id);
}

void SimWorld::RunReady() {
  for (bool again = true; again;) {
    again = false;
    for (size_t at = 0; at < nodes_.size(); ++at) {
      SimIo* io = nodes_[at].io;
      if (io == nullptr || nodes_[at].paused_until > now_ || !io->CanRun()) continue;
      io->RunWhatIsReady();
      again = true;
    }
  }
}

bool SimWorld::Step() {
  RunReady();
  if (queue_.empty()) return false;
  std::pop_heap(queue_.begin(), queue_.end());
  const Event event = queue_.back();
  queue_.pop_back();
  now_ = std::max(now_, event.time);
  ++events_;
  Handle(event);
  RunReady();
  return true;
}

void SimWorld::Handle(const Event& event) {
  switch (event.kind) {
    case EventKind::kOp: {
      SimIo* io = ios_[event.target].get();
      Node& node = nodes_[io->node_];
      if (node.io != io) return;  // of a process that has died
      if (node.paused_until <= now_ && Strikes(&chaos_, faults_.pause_ppm)) {
        node.paused_until =
            now_ + 1000 * static_cast<int64_t>(chaos_.Below(faults_.pause_us_max + 1));
      }
      if (node.paused_until > now_) {
        Push(node.paused_until, event.kind, event.target, event.token);
        return;
      }
      return io->OnEvent(event.token);
    }
    case EventKind::kPump:
      return net_.Pump(static_cast<SimNet::SocketId>(event.token));
    case EventKind::kSilence:
      return net_.SilenceTimeout(static_cast<SimNet::SocketId>(event.token), event.target);
    case EventKind::kAct: {
      const auto found = acts_.find(event.token);
      const std::function<void()> act = std::move(found->second);
      acts_.erase(found);
      act();
      return;
    }
  }
}

bool SimWorld::Run(const std::function<bool()>& done, absl::Duration at_most) {
  const int64_t limit =
      at_most == absl::InfiniteDuration() ? INT64_MAX : now_ + absl::ToInt64Nanoseconds(at_most);
  RunReady();
  while (!done || !done()) {
    if (queue_.empty() || queue_.front().time > limit) {
      if (limit != INT64_MAX && (!done || !queue_.empty())) now_ = std::max(now_, limit);
      return false;
    }
    Step();
  }
  return true;
}

void SimWorld::Note(int node, const Op& op, int32_t result) {
  if (op.kind != Op::Kind::kSleep && op.kind != Op::Kind::kCompute) ++io_events_;
  for (const uint64_t word :
       {sequence_, static_cast<uint64_t>(node) << 8 | static_cast<uint64_t>(op.kind),
        static_cast<uint64_t>(static_cast<uint32_t>(result)), static_cast<uint64_t>(now_)}) {
    trace_ = (trace_ ^ word) * 0x9e3779b97f4a7c15u;
    trace_ ^= trace_ >> 31;
  }
  if (text_ == nullptr) return;
  *text_ << absl::StrCat(now_ / 1000, "us ", nodes_[node].name, " ", KindName(op.kind), " -> ",
                         result, " fd=", op.fd, " offset=", static_cast<int64_t>(op.offset),
                         " length=", op.length, op.path.empty() ? "" : " ", op.path,
                         op.path2.empty() ? "" : " to ", op.path2, "\n");
}

bool SimWorld::Strikes(SimRandom* random, uint32_t per_million) {
  const bool struck = random->Chance(per_million);
  if (struck) ++failures_;
  return struck;
}

int SimWorld::MachineByHost(std::string_view host) const {
  for (size_t at = 0; at < machines_.size(); ++at) {
    if (machines_[at]->name == host) return static_cast<int>(at);
  }
  for (const Node& node : nodes_) {
    if (node.name == host) return static_cast<int>(node.machine);
  }
  if (host.substr(0, kMachinePrefix.size()) != kMachinePrefix) return -1;
  uint32_t number = 0;
  const std::string digits(host.substr(kMachinePrefix.size()));
  if (!absl::SimpleAtoi(digits, &number) || number == 0 || number > machines_.size()) return -1;
  return static_cast<int>(number) - 1;
}

void SimWorld::Crash(int node) {
  const uint32_t at = nodes_[node].machine;
  Machine& machine = *machines_[at];
  assert(machine.up);
  machine.up = false;
  const bool silent = chaos_.Chance(faults_.silent_crash_ppm);
  net_.MachineDown(at, silent);
  for (Node& other : nodes_) {
    if (other.machine != at || other.io == nullptr) continue;
    other.io->Abandon(/*power=*/true, silent);
    other.io = nullptr;
  }
  machine.disk->LosePower(faults_.torn_garbage_ppm);
}

void SimWorld::Kill(int node) {
  assert(alive(node));
  nodes_[node].io->Abandon(/*power=*/false, /*silent=*/false);
  nodes_[node].io = nullptr;
}

void SimWorld::Restart(int node) {
  assert(!alive(node));
  Machine& machine = *machines_[nodes_[node].machine];
  if (!machine.up) {
    machine.up = true;
    machine.booted = now_;
    machine.hung_until = 0;
    net_.MachineUp(nodes_[node].machine);
  }
  Start(node);
}

void SimWorld::Pause(int node, absl::Duration duration) {
  nodes_[node].paused_until = now_ + absl::ToInt64Nanoseconds(duration);
  Schedule(duration, [] {});  // so that something happens when it ends
}

void SimWorld::HangDisk(int node, absl::Duration duration) {
  machines_[nodes_[node].machine]->hung_until = now_ + absl::ToInt64Nanoseconds(duration);
}

void SimWorld::FailDisk(int node, absl::Duration duration) {
  machines_[nodes_[node].machine]->fails_until = now_ + absl::ToInt64Nanoseconds(duration);
}

void SimWorld::JumpClock(int node, absl::Duration by) {
  machines_[nodes_[node].machine]->clock_offset += absl::ToInt64Nanoseconds(by);
}

void SimWorld::SetEntropy(int node, Entropy entropy) {
  nodes_[node].entropy = entropy;
  if (entropy != Entropy::kCloned || !alive(node)) return;
  nodes_[node].io->entropy_ = SimRandom(MixSeeds(MixSeeds(seed_, HashText(nodes_[node].name)), 7));
}

void SimWorld::BlockOneWay(int from, int to, bool lossy) {
  net_.Block(nodes_[from].machine, nodes_[to].machine, lossy);
}

void SimWorld::Block(int a, int b, bool lossy) {
  BlockOneWay(a, b, lossy);
  BlockOneWay(b, a, lossy);
}

void SimWorld::Heal(int a, int b) {
  net_.Heal(nodes_[a].machine, nodes_[b].machine);
  net_.Heal(nodes_[b].machine, nodes_[a].machine);
}

void SimWorld::HealAll() {
  for (uint32_t a = 0; a < machines_.size(); ++a) {
    for (uint32_t b = 0; b < machines_.size(); ++b) net_.Heal(a, b);
  }
}

void SimWorld::ResetConnections(int a, int b) {
  net_.ResetBetween(nodes_[a].machine, nodes_[b].machine);
}

}  // namespace tidemark
