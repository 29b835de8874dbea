// A whole world in one thread: machines with disks, clocks and a network, all from one seed.
//
//   SimWorld world(seed, FaultOptions::Draw(seed));
//   const int a = world.AddNode("a"), b = world.AddNode("b");
//   Site site(world.io(a), ...);                       // the real code, on the simulated waist
//   Task<> story = site.Run();  story.Start();         // it listens on "a:7000" (node name:port)
//   bool ok = world.Run([&] { return site.serving(); }, absl::Seconds(10));  // or gives up
//   world.Schedule(absl::Milliseconds(3), [&] { world.Block(a, b); });       // chaos, at a time
//   world.Crash(a);  // power loss; then destroy every object and Task of node a
//   world.Restart(a);  // a fresh io(a) on what the disk kept
//
// * Same seed, same calls: same trace(). Another compiler or optimisation level changes nothing.
// * Coroutines run only inside Run, RunFor or Step: after each event every node runs until nothing
//   is ready. Harness code may also call Ready, or change objects, between events.
// * Objects of a node must be destroyed after its Crash or Kill and before the world; while they
//   die they may still call Ready on their old Io, which never runs again.
// * Crash is a power loss of the machine (unsynced data is at risk, peers may hear nothing for a
//   while). Kill is kill -9 of one process: the page cache survives, the kernel closes the sockets.
// * Io::Stop on a node ends its "process": none of its coroutines runs any more. Kill it then.
// * Addresses: "a:7000", "10.0.0.1:7000" (the first machine added; .2 the second ...), or within a
//   machine "127.0.0.1:7000", "[::1]:7000", "0.0.0.0:7000" and "unix:/path".
// * Faults come from FaultOptions at their rates, from Inject for exact ones, and from the calls
//   below. set_faults(faults().Healed()) ends the random ones.
#ifndef TIDEMARK_TESTS_SIM_SIM_WORLD_H_
#define TIDEMARK_TESTS_SIM_SIM_WORLD_H_

#include <functional>
#include <iosfwd>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "tests/sim/sim_disk.h"
#include "tests/sim/sim_faults.h"
#include "tests/sim/sim_io.h"
#include "tests/sim/sim_net.h"
#include "tests/sim/sim_observer.h"

namespace tidemark {

class SimWorld {
 public:
  explicit SimWorld(uint64_t seed, FaultOptions faults = {});
  ~SimWorld();

  // A machine of its own, or with `machine_of` another process on that node's machine: same disk,
  // same clock, same loopback.
  int AddNode(std::string_view name, int machine_of = -1);
  SimIo* io(int node) { return nodes_[node].io; }
  SimDisk* disk(int node) { return machines_[nodes_[node].machine]->disk.get(); }
  const std::string& name(int node) const { return nodes_[node].name; }
  bool alive(int node) const { return nodes_[node].io != nullptr; }

  // Runs until `done` (looked at between events) or until `at_most` has passed or nothing is left
  // to happen; gives done(). An empty `done` is never true.
  bool Run(const std::function<bool()>& done, absl::Duration at_most = absl::Hours(24));
  void RunFor(absl::Duration duration) { Run(nullptr, duration); }
  // One event and what it made ready; false when nothing is left to happen.
  bool Step();
  // Calls `act` once, between events.
  void Schedule(absl::Duration after, std::function<void()> act);

  // --- what has happened
  absl::Duration time() const { return absl::Nanoseconds(now_); }
  uint64_t events() const { return events_; }
  uint64_t trace() const { return trace_; }
  uint64_t io_events() const { return io_events_; }  // operations on files and sockets that ended
  uint64_t failures() const { return failures_; }    // that faults() made, by chance
  void TraceTo(std::ostream* out) { text_ = out; }   // one line per event; nullptr: none
  void Observe(SimObserver* observer) { observer_ = observer; }
  size_t OutstandingOps(int node) const { return alive(node) ? nodes_[node].io->outstanding() : 0; }
  const FaultOptions& faults() const { return faults_; }
  void set_faults(const FaultOptions& faults);
  SimRandom* random() { return &random_; }  // for the test's own choices

  // --- processes and machines
  void Crash(int node);
  void Kill(int node);
  void Restart(int node);
  void Pause(int node, absl::Duration duration);  // SIGSTOP: the kernel goes on, the process not
  void HangDisk(int node, absl::Duration duration);
  void FailDisk(int node, absl::Duration duration);  // every other write and flush: -EIO
  void JumpClock(int node, absl::Duration by);       // wall clock only
  enum class Entropy { kSeeded, kStuck, kCloned };   // cloned: each start repeats the same bytes
  void SetEntropy(int node, Entropy entropy);

  // --- the network between two machines, both ways
  void Block(int a, int b, bool lossy = false);  // bytes wait; lossy: connections break on them
  void BlockOneWay(int from, int to, bool lossy = false);
  void Heal(int a, int b);
  void HealAll();
  void ResetConnections(int a, int b);

 private:
  friend class SimIo;
  friend class SimNet;
  enum class EventKind : uint32_t { kOp, kPump, kSilence, kAct };
  struct Event {
    int64_t time;
    uint64_t sequence;
    EventKind kind;
    uint32_t target;
    uint64_t token;
    bool operator<(const Event& other) const {  // for a heap with the earliest on top
      return time != other.time ? time > other.time : sequence > other.sequence;
    }
  };
  struct Machine {
    std::string name;
    std::unique_ptr<SimDisk> disk;
    int64_t booted = 0, clock_offset = 0, drift_ppm = 0, hung_until = 0, fails_until = 0;
    bool up = true;
  };
  struct Node {
    std::string name;
    uint32_t machine = 0;
    SimIo* io = nullptr;  // nullptr: down
    uint64_t starts = 0;
    int64_t paused_until = 0;
    Entropy entropy = Entropy::kSeeded;
  };

  void Push(int64_t time, EventKind kind, uint32_t target, uint64_t token);
  void Handle(const Event& event);
  void RunReady();
  void Start(int node);
  void Note(int node, const Op& op, int32_t result);
  // Whether a fault of that rate strikes now; counted.
  bool Strikes(SimRandom* random, uint32_t per_million);
  int MachineByHost(std::string_view host) const;

  uint64_t seed_;
  FaultOptions faults_;
  SimRandom random_, chaos_;
  SimNet net_;
  std::vector<std::unique_ptr<Machine>> machines_;
  std::vector<Node> nodes_;
  std::vector<std::unique_ptr<SimIo>> ios_;  // all that ever ran; the dead stay until the end
  std::vector<Event> queue_;
  std::map<uint64_t, std::function<void()>> acts_;
  int64_t now_ = 0;  // nanoseconds
  uint64_t sequence_ = 0, events_ = 0, trace_ = 0, next_lock_ = 0, io_events_ = 0, failures_ = 0;
  std::ostream* text_ = nullptr;
  SimObserver* observer_ = nullptr;
};

}  // namespace tidemark
#endif  // TIDEMARK_TESTS_SIM_SIM_WORLD_H_
