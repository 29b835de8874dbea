#include "tests/sim/sim_net.h"

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "absl/strings/numbers.h"
#include "tests/sim/sim_world.h"

namespace tidemark {
namespace {

constexpr size_t kBacklogMax = 128;
constexpr uint16_t kFirstChosenPort = 40000;
constexpr std::string_view kUnix = "unix:";

bool IsOwnHost(std::string_view host) {
  return host == "127.0.0.1" || host == "[::1]" || host == "localhost" || host == "0.0.0.0" ||
         host == "[::]";
}

}  // namespace

SimNet::SocketId SimNet::Make(uint32_t machine, uint64_t seed) {
  sockets_.push_back(std::make_unique<Socket>(seed));
  sockets_.back()->machine = machine;
  ++live_;
  return static_cast<SocketId>(sockets_.size() - 1);
}

void SimNet::Free(SocketId id) {
  sockets_[id] = nullptr;
  --live_;
}

void SimNet::FreeWhenBothClosed(SocketId id) {
  const SocketId peer = Get(id)->peer;
  if (!Get(id)->closed || !Get(peer)->closed) return;
  Free(id);
  Free(peer);
}

// Which machine an address is on, and the name of the listener there.
int32_t SimNet::Locate(uint32_t machine, std::string_view address, uint32_t* at,
                       std::string* key) const {
  *at = machine;
  if (address.substr(0, kUnix.size()) == kUnix) {
    *key = std::string(address);
    return address.size() > kUnix.size() ? 0 : -EINVAL;
  }
  const size_t colon = address.rfind(':');
  uint32_t port = 0;
  if (colon == std::string_view::npos) return -EINVAL;
  *key = std::string(address.substr(colon + 1));
  if (!absl::SimpleAtoi(*key, &port) || port > 65535) return -EINVAL;
  const std::string_view host = address.substr(0, colon);
  if (IsOwnHost(host)) return 0;
  const int found = world_->MachineByHost(host);
  if (found < 0) return -EHOSTUNREACH;
  *at = static_cast<uint32_t>(found);
  return 0;
}

int32_t SimNet::Listen(uint32_t machine, std::string_view address, SocketId* made) {
  uint32_t at = 0;
  std::string key;
  const int32_t error = Locate(machine, address, &at, &key);
  if (error != 0) return error;
  if (at != machine) return -EADDRNOTAVAIL;
  uint32_t port = 0;
  if (key[0] != 'u') {
    (void)absl::SimpleAtoi(key, &port);
    uint16_t& next = next_port_.try_emplace(machine, kFirstChosenPort).first->second;
    while (port == 0 || listeners_.contains({machine, key})) {
      if (key != "0") return -EADDRINUSE;
      port = next++;
      if (!listeners_.contains({machine, std::to_string(port)})) key = std::to_string(port);
    }
  }
  if (listeners_.contains({machine, key})) return -EADDRINUSE;
  *made = Make(machine, seed_);
  Socket* socket = Get(*made);
  socket->listening = true;
  socket->key = key;
  socket->port = static_cast<uint16_t>(port);
  listeners_[{machine, key}] = *made;
  return 0;
}

bool SimNet::Passable(uint32_t from, uint32_t to) const {
  return blocked_.empty() || !blocked_.contains({from, to});
}

bool SimNet::Silent(uint32_t machine) const {
  const auto down = down_.find(machine);
  return down != down_.end() && down->second;
}

int32_t SimNet::Connect(uint32_t machine, std::string_view address, SocketId* made) {
  uint32_t at = 0;
  std::string key;
  const int32_t error = Locate(machine, address, &at, &key);
  if (error != 0) return error;
  if (!Passable(machine, at) || !Passable(at, machine) || Silent(at)) return kParked;
  const auto found = listeners_.find({at, key});
  if (found == listeners_.end()) return key[0] == 'u' ? -ENOENT : -ECONNREFUSED;
  Socket* listener = Get(found->second);
  if (listener->shut) return -ECONNREFUSED;
  if (listener->backlog.size() >= kBacklogMax) return kParked;

  // A stream of chance for each connection of this pair of machines: others do not shift it.
  const uint64_t count = connections_[{machine, at}]++;
  const uint64_t seed = MixSeeds(MixSeeds(seed_, machine * 65536u + at), count);
  const SocketId client = Make(machine, MixSeeds(seed, 1)), server = Make(at, MixSeeds(seed, 2));
  Get(client)->peer = server;
  Get(server)->peer = client;
  Get(client)->is_unix = Get(server)->is_unix = key[0] == 'u';
  Get(client)->checked = Get(server)->checked = listener->port == kDataPort;
  listener->backlog.push_back(server);
  WakeOne(&listener->accepting, 1000);
  *made = client;
  return 0;
}

int32_t SimNet::Accept(SocketId id, SimWaiter waiter, SocketId* made) {
  Socket* listener = Get(id);
  if (!listener->listening || listener->shut) return -EINVAL;
  if (listener->backlog.empty()) {
    listener->accepting.push_back(waiter);
    return kParked;
  }
  *made = listener->backlog.front();
  listener->backlog.pop_front();
  if (!listener->backlog.empty()) WakeOne(&listener->accepting, 1000);
  return 0;
}

int32_t SimNet::Send(SocketId id, ByteSpan from, SimWaiter waiter) {
  Socket* socket = Get(id);
  if (socket->listening) return -ENOTCONN;
  if (socket->error != 0) return std::exchange(socket->error, 0);
  if (socket->dead || socket->shut) return -EPIPE;
  if (from.empty()) return 0;
  const uint64_t window = world_->faults_.send_window_bytes;
  if (socket->outstanding >= window) {
    socket->sending.push_back(waiter);
    return kParked;
  }
  from = from.first(std::min<uint64_t>(from.size(), window - socket->outstanding));
  if (world_->observer_ != nullptr) {
    world_->observer_->OnSend(id, socket->machine, Get(socket->peer)->machine, from);
  }
  Segment segment;
  segment.bytes.assign(from.begin(), from.end());
  if (socket->checked && world_->Strikes(&socket->random, world_->faults_.net_flip_ppm)) {
    segment.bytes[socket->random.Below(from.size())] ^=
        static_cast<std::byte>(1u << socket->random.Below(8));
  }
  segment.file = std::exchange(socket->attached, SimPassedFile{});
  Enqueue(id, std::move(segment));
  return static_cast<int32_t>(from.size());
}

size_t SimNet::TakeReceived(Socket* socket, MutableByteSpan into, SimPassedFile* passed) {
  size_t taken = 0;
  while (taken < into.size() && !socket->received.empty()) {
    Segment& head = socket->received.front();
    // A file marks the start of a read, as with SCM_RIGHTS.
    if (head.file.inode != nullptr && socket->head_taken == 0) {
      if (taken > 0) break;
      if (passed != nullptr) *passed = std::move(head.file);
      head.file = SimPassedFile{};
    }
    const size_t step = std::min(into.size() - taken, head.bytes.size() - socket->head_taken);
    std::memcpy(into.data() + taken, head.bytes.data() + socket->head_taken, step);
    taken += step;
    socket->head_taken += step;
    if (socket->head_taken == head.bytes.size()) {
      socket->received.pop_front();
      socket->head_taken = 0;
    }
  }
  socket->unread -= taken;
  return taken;
}

int32_t SimNet::Receive(SocketId id, MutableByteSpan into, SimWaiter waiter,
                        SimPassedFile* passed) {
  Socket* socket = Get(id);
  if (socket->listening) return -ENOTCONN;
  if (into.empty()) return 0;
  if (socket->unread > 0) {
    size_t most = std::min<uint64_t>(into.size(), socket->unread);
    if (most > 1 && socket->random.Chance(world_->faults_.split_recv_ppm)) {
      most = socket->random.Between(1, most);
    }
    const size_t taken = TakeReceived(socket, into.first(most), passed);
    if (Socket* peer = Get(socket->peer); peer != nullptr) {
      peer->outstanding -= std::min<uint64_t>(peer->outstanding, taken);
      if (!peer->sending.empty()) WakeOne(&peer->sending, Latency(socket));
    }
    if (socket->unread > 0) WakeOne(&socket->receiving, 1000);
    return static_cast<int32_t>(taken);
  }
  if (socket->error != 0) return std::exchange(socket->error, 0);
  if (socket->end_received || socket->shut || socket->dead) return 0;
  socket->receiving.push_back(waiter);
  return kParked;
}

int32_t SimNet::Shutdown(SocketId id) {
  Socket* socket = Get(id);
  if (!socket->listening) {
    if (socket->dead) return -ENOTCONN;
    if (!socket->shut) {
      Segment end;
      end.end = true;
      Enqueue(id, std::move(end));
    }
  }
  socket->shut = true;
  WakeAll(socket);
  return 0;
}

void SimNet::Close(SocketId id) {
  Socket* socket = Get(id);
  if (socket->listening) {
    listeners_.erase({socket->machine, socket->key});
    const std::deque<SocketId> refused = std::move(socket->backlog);
    Free(id);
    for (const SocketId waiting : refused) {
      Get(waiting)->unread = 1;  // nobody will read: the client sees a reset
      Close(waiting);
    }
    return;
  }
  socket->closed = true;
  if (!socket->dead && socket->unread > 0) {
    socket->flight.clear();
    Segment reset;
    reset.reset = true;
    Enqueue(id, std::move(reset));
  } else if (!socket->dead && !socket->shut) {
    Segment end;
    end.end = true;
    Enqueue(id, std::move(end));
  }
  FreeWhenBothClosed(id);
}

}  // namespace tidemark
