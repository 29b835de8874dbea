// How bytes travel, and how paths and machines fail under them.
#include <algorithm>
#include <cerrno>

#include "tests/sim/sim_world.h"

namespace tidemark {
namespace {

constexpr int64_t kMicrosecond = 1000;
constexpr uint64_t kLoopbackMicrosecondsMin = 3, kLoopbackMicrosecondsMax = 30;

}  // namespace

int64_t SimNet::Latency(Socket* socket) {
  const FaultOptions& faults = world_->faults_;
  const Socket* peer = Get(socket->peer);
  const bool loopback = peer != nullptr && peer->machine == socket->machine;
  const uint64_t us_min = loopback ? kLoopbackMicrosecondsMin : faults.net_us_min;
  const uint64_t us_max = loopback ? kLoopbackMicrosecondsMax : faults.net_us_max;
  return static_cast<int64_t>(socket->random.Between(us_min * 1000, us_max * 1000));
}

void SimNet::WakeOne(std::deque<SimWaiter>* waiters, int64_t delay) {
  while (!waiters->empty()) {
    const SimWaiter waiter = waiters->front();
    waiters->pop_front();
    // Operations that were canceled or whose process died left their places here.
    if (!world_->ios_[waiter.io]->Waits(waiter.token)) continue;
    world_->Push(world_->now_ + delay, SimWorld::EventKind::kOp, waiter.io, waiter.token);
    return;
  }
}

void SimNet::WakeAll(Socket* socket) {
  for (std::deque<SimWaiter>* waiters :
       {&socket->accepting, &socket->receiving, &socket->sending}) {
    while (!waiters->empty()) WakeOne(waiters, kMicrosecond);
  }
}

void SimNet::Enqueue(SocketId id, Segment segment) {
  Socket* socket = Get(id);
  const int64_t start = std::max(world_->now_, socket->busy_until);
  const uint64_t bytes = segment.bytes.size();
  socket->busy_until =
      start +
      static_cast<int64_t>(bytes * 1000 / std::max<uint64_t>(1, world_->faults_.net_bytes_per_us));
  segment.due = socket->busy_until + Latency(socket);
  if (!socket->flight.empty()) segment.due = std::max(segment.due, socket->flight.back().due);
  socket->outstanding += bytes;
  socket->flight.push_back(std::move(segment));
  if (!socket->pumping && !socket->blocked) StartPump(id, socket->flight.front().due);
}

void SimNet::StartPump(SocketId id, int64_t due) {
  Get(id)->pumping = true;
  world_->Push(due, SimWorld::EventKind::kPump, 0, id);
}

void SimNet::Pump(SocketId id) {
  Socket* socket = Get(id);
  if (socket == nullptr) return;
  socket->pumping = false;
  if (socket->blocked || socket->flight.empty()) return;
  const FaultOptions& faults = world_->faults_;
  Socket* peer = Get(socket->peer);
  if (!Passable(socket->machine, peer->machine) || Silent(peer->machine)) return Hold(id);
  if (world_->Strikes(&socket->random, faults.stall_ppm)) {
    return StartPump(id, world_->now_ + kMicrosecond * static_cast<int64_t>(socket->random.Below(
                                                           faults.stall_us_max + 1)));
  }
  if (!socket->is_unix && world_->Strikes(&socket->random, faults.reset_ppm)) {
    const SocketId other = socket->peer;
    Die(id, -ECONNRESET);
    return Die(other, -ECONNRESET);
  }
  if (peer->closed || peer->dead) {
    const bool only_the_end = socket->flight.size() == 1 && socket->flight.front().end;
    if (!only_the_end) return Die(id, -ECONNRESET);
    socket->flight.clear();
    return;
  }
  while (!socket->flight.empty() && socket->flight.front().due <= world_->now_) {
    Segment segment = std::move(socket->flight.front());
    socket->flight.pop_front();
    Deliver(socket->peer, std::move(segment));
  }
  if (!socket->flight.empty()) StartPump(id, socket->flight.front().due);
}

void SimNet::Deliver(SocketId to, Segment segment) {
  Socket* socket = Get(to);
  if (segment.reset) return Die(to, -ECONNRESET);
  if (segment.end) {
    socket->end_received = true;
    while (!socket->receiving.empty()) WakeOne(&socket->receiving, kMicrosecond);
    return;
  }
  socket->unread += segment.bytes.size();
  socket->received.push_back(std::move(segment));
  WakeOne(&socket->receiving, static_cast<int64_t>(socket->random.Between(500, 5000)));
}

void SimNet::Hold(SocketId id) {
  Socket* socket = Get(id);
  const auto path = blocked_.find({socket->machine, Get(socket->peer)->machine});
  socket->blocked = true;
  socket->broken = socket->broken || (path != blocked_.end() && path->second);
  // Its sequence number, so that a later silence has a timeout of its own.
  socket->blocked_since = world_->sequence_;
  const int64_t timeout = kMicrosecond * static_cast<int64_t>(world_->faults_.silence_timeout_us);
  world_->Push(world_->now_ + timeout, SimWorld::EventKind::kSilence,
               static_cast<uint32_t>(socket->blocked_since), id);
}

void SimNet::SilenceTimeout(SocketId id, uint32_t blocked_since) {
  Socket* socket = Get(id);
  if (socket == nullptr || !socket->blocked) return;
  if (static_cast<uint32_t>(socket->blocked_since) != blocked_since) return;
  socket->blocked = false;
  Die(id, -ETIMEDOUT);
}

// The connection is over for this end; what has arrived can still be read, then the error once.
void SimNet::Die(SocketId id, int32_t error) {
  Socket* socket = Get(id);
  if (socket->dead) return;
  socket->dead = true;
  socket->error = error;
  socket->flight.clear();
  WakeAll(socket);
}

void SimNet::Abandon(SocketId id, bool silent) {
  Socket* socket = Get(id);
  if (socket->listening) {
    for (const SocketId waiting : std::exchange(socket->backlog, {})) Abandon(waiting, silent);
    return Close(id);
  }
  // Of what was under way some had left the machine.
  if (!socket->flight.empty()) {
    socket->flight.resize(socket->random.Below(socket->flight.size() + 1));
  }
  socket->closed = true;
  if (!silent && !socket->dead) {
    Segment reset;
    reset.reset = true;
    Enqueue(id, std::move(reset));
  }
  FreeWhenBothClosed(id);
}

void SimNet::Block(uint32_t from, uint32_t to, bool lossy) { blocked_[{from, to}] = lossy; }

void SimNet::Unblock(SocketId id) {
  Socket* socket = Get(id);
  const SocketId peer = socket->peer;
  if (socket->broken) {
    Die(id, -ECONNRESET);
    return Die(peer, -ECONNRESET);
  }
  socket->blocked = false;
  if (!socket->pumping && !socket->flight.empty()) StartPump(id, world_->now_ + Latency(socket));
}

void SimNet::Heal(uint32_t from, uint32_t to) {
  blocked_.erase({from, to});
  for (SocketId id = 1; id < sockets_.size(); ++id) {
    const Socket* socket = Get(id);
    if (socket == nullptr || !socket->blocked || socket->machine != from) continue;
    if (Get(socket->peer)->machine == to) Unblock(id);
  }
}

void SimNet::MachineUp(uint32_t machine) {
  down_.erase(machine);
  for (SocketId id = 1; id < sockets_.size(); ++id) {
    const Socket* socket = Get(id);
    if (socket == nullptr || !socket->blocked) continue;
    const uint32_t from = socket->machine;
    if (Get(socket->peer)->machine == machine && Passable(from, machine)) Unblock(id);
  }
}

void SimNet::ResetBetween(uint32_t a, uint32_t b) {
  for (SocketId id = 1; id < sockets_.size(); ++id) {
    const Socket* socket = Get(id);
    if (socket == nullptr || socket->listening) continue;
    const uint32_t from = socket->machine, to = Get(socket->peer)->machine;
    if ((from == a && to == b) || (from == b && to == a)) Die(id, -ECONNRESET);
  }
}

void SimNet::AttachFile(SocketId id, SimPassedFile file) { Get(id)->attached = std::move(file); }

}  // namespace tidemark
