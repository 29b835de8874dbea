// What SimIo's socket operations do when their time has come.
#include <cerrno>

#include "tests/sim/sim_world.h"

namespace tidemark {
namespace {

// How long a connection attempt that got no answer waits before it asks again.
constexpr uint64_t kConnectAgainMicrosecondsMin = 50000, kConnectAgainMicrosecondsMax = 300000;

}  // namespace

int32_t SimIo::AttemptSocket(Slot* slot) {
  const Op& op = *slot->op;
  if (slot->injected != 0) return slot->injected;
  SimNet& net = world_->net_;
  const uint32_t machine = world_->nodes_[node_].machine;
  const SimWaiter waiter{index_, TokenOf(*slot)};
  if (op.kind == Op::Kind::kConnect) return AttemptConnect(slot);
  if (op.kind == Op::Kind::kListen) {
    if (DescriptorsUsedUp()) return -EMFILE;
    auto file = std::make_unique<File>();
    const int32_t result = net.Listen(machine, op.path, &file->socket);
    return result < 0 ? result : AddDescriptor(std::move(file));
  }
  if (slot->file == 0) return -EBADF;
  File* file = Get(slot->file);
  if (file->socket == 0) return -ENOTSOCK;
  switch (op.kind) {
    case Op::Kind::kAccept: {
      if (DescriptorsUsedUp()) return -EMFILE;
      auto accepted = std::make_unique<File>();
      const int32_t result = net.Accept(file->socket, waiter, &accepted->socket);
      return result < 0 ? result : AddDescriptor(std::move(accepted));
    }
    case Op::Kind::kSend:
    case Op::Kind::kWrite:
      if (op.pieces != nullptr) return SendGathered(op, file, waiter);
      return net.Send(file->socket, ByteSpan(op.memory, Shorten(op.length, false)), waiter);
    case Op::Kind::kRecv:
    case Op::Kind::kRead:
      return net.Receive(file->socket, MutableByteSpan(op.memory, op.length), waiter, nullptr);
    case Op::Kind::kRecvWithFd:
      return ReceiveWithFile(op, file, waiter);
    case Op::Kind::kShutdown:
      return net.Shutdown(file->socket);
    default:
      return -EINVAL;
  }
}

int32_t SimIo::AttemptConnect(Slot* slot) {
  if (DescriptorsUsedUp()) return -EMFILE;
  auto file = std::make_unique<File>();
  const uint32_t machine = world_->nodes_[node_].machine;
  const int32_t result = world_->net_.Connect(machine, slot->op->path, &file->socket);
  if (result == kParked) {
    if (world_->now_ >= slot->deadline) return -ETIMEDOUT;
    const int64_t again =
        world_->now_ + 1000 * static_cast<int64_t>(random_.Between(kConnectAgainMicrosecondsMin,
                                                                   kConnectAgainMicrosecondsMax));
    world_->Push(std::min(again, slot->deadline), SimWorld::EventKind::kOp, index_, TokenOf(*slot));
    return kParked;
  }
  return result < 0 ? result : AddDescriptor(std::move(file));
}

int32_t SimIo::SendGathered(const Op& op, const File* file, SimWaiter waiter) {
  std::vector<std::byte> gathered;
  gathered.reserve(op.length);
  for (size_t i = 0; i < op.piece_count; ++i) {
    const Piece& piece = op.pieces[i];
    gathered.insert(gathered.end(), piece.memory, piece.memory + piece.length);
  }
  const uint64_t length = Shorten(op.length, false);
  return world_->net_.Send(file->socket, ByteSpan(gathered).first(length), waiter);
}

int32_t SimIo::ReceiveWithFile(const Op& op, File* file, SimWaiter waiter) {
  SimPassedFile passed;
  const MutableByteSpan into(op.memory, op.length);
  const int32_t result = world_->net_.Receive(file->socket, into, waiter, &passed);
  if (result == kParked) return kParked;
  *op.passed_fd = -1;
  if (passed.inode != nullptr && !DescriptorsUsedUp()) {
    auto received = std::make_unique<File>();
    ++passed.inode->opens;
    received->inode = std::move(passed.inode);
    received->flags = passed.flags;
    *op.passed_fd = AddDescriptor(std::move(received));
  }
  return result;
}

}  // namespace tidemark
