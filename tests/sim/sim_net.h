// The simulated network: TCP-shaped connections between machines, and unix sockets within one.
//
// Bytes arrive in order, after a latency, in arbitrary pieces, through a bounded window: a sender
// waits when its reader does not read. A blocked path holds bytes back (they arrive after it is
// healed) until the silence timeout ends the connection; a lossy one breaks the connections that
// use it. What an operation cannot do yet is parked here and tried again by its SimIo.
#ifndef TIDEMARK_TESTS_SIM_SIM_NET_H_
#define TIDEMARK_TESTS_SIM_SIM_NET_H_

#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "agent/io/op.h"
#include "tests/sim/sim_disk.h"
#include "tests/sim/sim_random.h"

namespace tidemark {

class SimWorld;

// A parked operation: which SimIo, which of its operations.
struct SimWaiter {
  uint32_t io = 0;
  uint64_t token = 0;
};
// An open file on its way through a unix socket.
struct SimPassedFile {
  SimInodeRef inode;
  uint32_t flags = 0;
};

// Given back by an operation that has to wait; never a result.
inline constexpr int32_t kParked = INT32_MIN;

class SimNet {
 public:
  using SocketId = uint32_t;  // 0: none

  SimNet(SimWorld* world, uint64_t seed) : world_(world), seed_(seed), sockets_(1) {}

  // --- for SimIo. Results as Op says, or kParked. A port of 0 is chosen.
  int32_t Listen(uint32_t machine, std::string_view address, SocketId* made);
  int32_t Connect(uint32_t machine, std::string_view address, SocketId* made);
  int32_t Accept(SocketId listener, SimWaiter waiter, SocketId* made);
  int32_t Send(SocketId id, ByteSpan from, SimWaiter waiter);
  int32_t Receive(SocketId id, MutableByteSpan into, SimWaiter waiter, SimPassedFile* passed);
  int32_t Shutdown(SocketId id);
  void Close(SocketId id);
  // As a machine does that loses power: the peer hears nothing (silent), or of a reset.
  void Abandon(SocketId id, bool silent);
  void AttachFile(SocketId id, SimPassedFile file);
  uint16_t port(SocketId id) const { return sockets_[id]->port; }

  // --- for SimWorld
  void Pump(SocketId sender);
  void SilenceTimeout(SocketId sender, uint32_t blocked_since);
  void Block(uint32_t from, uint32_t to, bool lossy);
  void Heal(uint32_t from, uint32_t to);
  void MachineDown(uint32_t machine, bool silent) { down_[machine] = silent; }
  void MachineUp(uint32_t machine);
  void ResetBetween(uint32_t a, uint32_t b);
  size_t sockets() const { return live_; }

 private:
  struct Segment {
    int64_t due = 0;
    std::vector<std::byte> bytes;
    bool end = false, reset = false;
    SimPassedFile file;
  };
  struct Socket {
    explicit Socket(uint64_t seed) : random(seed) {}
    uint32_t machine = 0;
    bool listening = false, closed = false, vanished = false;
    // a listener
    std::string key;
    uint16_t port = 0;
    std::deque<SocketId> backlog;
    std::deque<SimWaiter> accepting;
    // a connection; what is sent waits in the sender's flight until it is due
    SocketId peer = 0;
    bool checked = false;  // what it carries is checked by its ends
    bool is_unix = false, shut = false, end_received = false;
    int32_t error = 0;  // reported once, as the kernel does
    bool dead = false;  // reset or timed out
    std::deque<Segment> flight;
    uint64_t outstanding = 0;  // bytes in flight and unread at the peer
    int64_t busy_until = 0;
    bool pumping = false, blocked = false, broken = false;
    uint64_t blocked_since = 0;
    SimPassedFile attached;
    SimRandom random;
    std::deque<Segment> received;
    size_t head_taken = 0;
    uint64_t unread = 0;
    std::deque<SimWaiter> receiving, sending;
  };

  Socket* Get(SocketId id) { return sockets_[id].get(); }
  SocketId Make(uint32_t machine, uint64_t seed);
  void Free(SocketId id);
  size_t TakeReceived(Socket* socket, MutableByteSpan into, SimPassedFile* passed);
  void FreeWhenBothClosed(SocketId id);
  int32_t Locate(uint32_t machine, std::string_view address, uint32_t* at, std::string* key) const;
  bool Passable(uint32_t from, uint32_t to) const;
  void Enqueue(SocketId id, Segment segment);
  void StartPump(SocketId id, int64_t due);
  void Hold(SocketId id);
  void Deliver(SocketId to, Segment segment);
  void Die(SocketId id, int32_t error);
  void WakeOne(std::deque<SimWaiter>* waiters, int64_t delay);
  void WakeAll(Socket* socket);
  int64_t Latency(Socket* socket);
  void Unblock(SocketId id);
  bool Silent(uint32_t machine) const;

  SimWorld* world_;
  uint64_t seed_;
  std::vector<std::unique_ptr<Socket>> sockets_;
  size_t live_ = 0;
  std::map<std::pair<uint32_t, std::string>, SocketId> listeners_;
  std::map<std::pair<uint32_t, uint32_t>, bool> blocked_;  // path -> lossy
  std::map<uint32_t, bool> down_;                          // machine -> silent
  std::map<uint32_t, uint16_t> next_port_;
  std::map<std::pair<uint32_t, uint32_t>, uint64_t> connections_;  // made so far, for seeds
};

}  // namespace tidemark
#endif  // TIDEMARK_TESTS_SIM_SIM_NET_H_
