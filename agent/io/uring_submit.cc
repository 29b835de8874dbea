// From noted Ops to one batch for the kernel.
#include <fcntl.h>
#include <linux/falloc.h>
#include <linux/fs.h>
#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cassert>
#include <cstddef>

#include "agent/io/socket_flags.h"
#include "agent/io/uring_loop.h"

namespace tidemark {
namespace {

constexpr uint64_t kTransferBytesMax = uint64_t{1} << 30;  // of one Op: a result is an int32
constexpr absl::Duration kSleepMax = absl::Hours(24 * 365 * 10);

int OpenFlags(uint32_t flags) {
  int wanted = O_CLOEXEC | O_NOCTTY;
  if ((flags & kOpenWrite) != 0) {
    wanted |= (flags & kOpenRead) != 0 ? O_RDWR : O_WRONLY;
  } else {
    wanted |= O_RDONLY;
  }
  if ((flags & kOpenCreate) != 0) wanted |= O_CREAT;
  if ((flags & kOpenExclusive) != 0) wanted |= O_EXCL;
  if ((flags & kOpenTruncate) != 0) wanted |= O_TRUNC;
  return wanted;
}

int SendFlags(const Op& op) {
  return MSG_NOSIGNAL | MSG_WAITALL | ((op.flags & kSendMore) != 0 ? MSG_MORE : 0);
}

bool RunsOnWorker(Op::Kind kind) {
  switch (kind) {
    case Op::Kind::kCompute:
    case Op::Kind::kSyncDirectory:
    case Op::Kind::kTruncate:
    case Op::Kind::kList:
    case Op::Kind::kStat:
    case Op::Kind::kNextData:
    case Op::Kind::kLock:
    case Op::Kind::kListen:
      return true;
    default:
      return false;
  }
}

Workers::Kind QueueOf(Op::Kind kind) {
  return kind == Op::Kind::kCompute ? Workers::kCompute : Workers::kBlocking;
}

void RunSlot(WorkerJob* job) {
  Slot* slot = static_cast<Slot*>(job);
  Op* op = slot->op;
  if (op->kind == Op::Kind::kCompute) {
    op->work(op->context);
    op->result = 0;
  } else if (op->kind == Op::Kind::kConnect) {
    op->result = ResolveAddress(op->path, &slot->connect->addresses);
  } else {
    op->result = RunBlocking(*op);
  }
}

}  // namespace

void UringLoop::Submit(Op* op) {
  Slot* slot = nullptr;
  if (free_slots_.empty()) {
    slot = &slots_.emplace_back();
    slot->index = static_cast<uint32_t>(slots_.size());
  } else {
    slot = free_slots_.back();
    free_slots_.pop_back();
  }
  ++outstanding_;
  slot->op = op;
  slot->run = RunSlot;
  op->held_by = this;
  op->token = (uint64_t{slot->index} << 32) | slot->generation;
  Note(slot);
}

void UringLoop::Note(Slot* slot) {
  slot->stage = Slot::kNoted;
  noted_.push_back(slot);
}

void UringLoop::Cancel(Op* op) {
  Slot* slot = Find(op->token);
  if (slot != nullptr && slot->op == op) EndEarly(slot);
}

void UringLoop::EndEarly(Slot* slot) {
  // A close that is not done would leak its descriptor.
  if (slot->op->kind == Op::Kind::kClose) return;
  slot->cancelled = true;
  if (slot->stage == Slot::kInRing || slot->stage == Slot::kPolling) {
    cancels_.push_back(slot->op->token);
  } else if (slot->stage == Slot::kOnWorker && workers_->Remove(QueueOf(slot->op->kind), slot)) {
    --on_worker_;
    Resume(slot, -ECANCELED);
  }
}

void UringLoop::FlushNoted() {
  // Only what is there now: a try-again that is noted meanwhile waits for the next turn.
  for (size_t left = noted_.size(); left > 0; --left) {
    Slot* slot = noted_.front();
    noted_.pop_front();
    Begin(slot);
  }
  for (size_t i = 0; i < cancels_.size(); ++i) {
    io_uring_sqe* entry = NextEntry();
    io_uring_prep_cancel64(entry, cancels_[i], 0);
    io_uring_sqe_set_data64(entry, kNobodysToken);
  }
  cancels_.clear();
  if (on_worker_ > 0 && !wake_armed_) ArmWake();
}

void UringLoop::Begin(Slot* slot) {
  const Op& op = *slot->op;
  if (slot->cancelled) {
    return Resume(slot, -ECANCELED);
  }
  // Only a turn of the loop; a timer of the kernel costs 15 us here.
  if (op.kind == Op::Kind::kSleep && op.duration <= absl::ZeroDuration()) return Resume(slot, 0);
  const bool resolves = op.kind == Op::Kind::kConnect && slot->connect == nullptr;
  if (resolves) slot->connect = std::make_unique<ConnectState>();
  if (resolves || RunsOnWorker(op.kind)) {
    slot->op->result = -ECANCELED;
    slot->stage = Slot::kOnWorker;
    ++on_worker_;
    workers_->Add(QueueOf(op.kind), slot);
  } else if (op.kind == Op::Kind::kConnect) {
    BeginConnect(slot);
  } else {
    BeginInRing(slot);
  }
}

void UringLoop::BeginInRing(Slot* slot) {
  io_uring_sqe* entry = NextEntry();
  slot->stage = slot->wants_poll ? Slot::kPolling : Slot::kInRing;
  Prepare(slot, entry);
  io_uring_sqe_set_data64(entry, slot->op->token);
}

void UringLoop::ArmWake() {
  io_uring_sqe* entry = NextEntry();
  io_uring_prep_read(entry, wake_, &wake_count_, sizeof(wake_count_), 0);
  io_uring_sqe_set_data64(entry, kWakeToken);
  wake_armed_ = true;
}

io_uring_sqe* UringLoop::NextEntry() {
  while (true) {
    io_uring_sqe* entry = io_uring_get_sqe(&ring_);
    if (entry != nullptr) return entry;
    Enter(/*wait=*/false);
  }
}

int UringLoop::RegisteredIndex(const Op& op) const {
  for (size_t i = 0; i < registered_.size(); ++i) {
    const Registered& entry = registered_[i];
    if (entry.length > 0 && op.memory >= entry.begin &&
        op.memory + op.length <= entry.begin + entry.length) {
      return static_cast<int>(i);
    }
  }
  return -1;
}

void UringLoop::Prepare(Slot* slot, io_uring_sqe* sqe) {
  const Op& op = *slot->op;
  const bool writes = op.kind == Op::Kind::kWrite || op.kind == Op::Kind::kSend;
  if (slot->wants_poll) return io_uring_prep_poll_add(sqe, op.fd, writes ? POLLOUT : POLLIN);
  switch (op.kind) {
    case Op::Kind::kOpen:
      return io_uring_prep_openat(sqe, AT_FDCWD, op.path.c_str(), OpenFlags(op.flags), 0600);
    case Op::Kind::kClose:
      return io_uring_prep_close(sqe, op.fd);
    case Op::Kind::kSync:
      return io_uring_prep_fsync(sqe, op.fd, IORING_FSYNC_DATASYNC);
    case Op::Kind::kAllocate:
      return io_uring_prep_fallocate(sqe, op.fd, 0, static_cast<off_t>(op.offset),
                                     static_cast<off_t>(op.length));
    case Op::Kind::kPunch:
      return io_uring_prep_fallocate(sqe, op.fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE,
                                     static_cast<off_t>(op.offset), static_cast<off_t>(op.length));
    case Op::Kind::kAccept:
      return io_uring_prep_accept(sqe, op.fd, nullptr, nullptr, SOCK_CLOEXEC);
    case Op::Kind::kShutdown:
      return io_uring_prep_shutdown(sqe, op.fd, SHUT_RDWR);
    case Op::Kind::kSleep: {
      const timespec time = absl::ToTimespec(std::min(op.duration, kSleepMax));
      slot->time = {time.tv_sec, time.tv_nsec};
      return io_uring_prep_timeout(sqe, &slot->time, 0, 0);
    }
    case Op::Kind::kRename:
    case Op::Kind::kRenameNew:
    case Op::Kind::kUnlink:
    case Op::Kind::kMakeDirectory:
      return PrepareName(slot, sqe);
    case Op::Kind::kConnect: {
      const SocketAddress& address = slot->connect->addresses.back();
      return io_uring_prep_connect(sqe, slot->connect->socket,
                                   reinterpret_cast<const sockaddr*>(&address.storage),
                                   address.length);
    }
    case Op::Kind::kRecvWithFd:
      return PrepareMessage(slot, sqe);
    default:
      return PrepareTransfer(slot, sqe);
  }
}

void UringLoop::PrepareTransfer(Slot* slot, io_uring_sqe* sqe) {
  const Op& op = *slot->op;
  const auto length = static_cast<unsigned>(std::min(op.length, kTransferBytesMax));
  switch (op.kind) {
    case Op::Kind::kSend:
      if (op.pieces != nullptr) return PrepareGather(slot, sqe);
      return io_uring_prep_send(sqe, op.fd, op.memory, length, SendFlags(op));
    case Op::Kind::kRecv:
      return io_uring_prep_recv(sqe, op.fd, op.memory, length,
                                op.flags & kRecvWhole ? MSG_WAITALL : 0);
    case Op::Kind::kRead:
    case Op::Kind::kWrite:
      break;
    default:
      assert(!"an Op of no kind");
  }
  const int index = RegisteredIndex(op);
  if (op.kind == Op::Kind::kRead) {
    if (index < 0) return io_uring_prep_read(sqe, op.fd, op.memory, length, op.offset);
    return io_uring_prep_read_fixed(sqe, op.fd, op.memory, length, op.offset, index);
  }
  if (index < 0) return io_uring_prep_write(sqe, op.fd, op.memory, length, op.offset);
  io_uring_prep_write_fixed(sqe, op.fd, op.memory, length, op.offset, index);
}

void UringLoop::PrepareName(Slot* slot, io_uring_sqe* sqe) {
  const Op& op = *slot->op;
  const char* path = op.path.c_str();
  switch (op.kind) {
    case Op::Kind::kRename:
      return io_uring_prep_renameat(sqe, AT_FDCWD, path, AT_FDCWD, op.path2.c_str(), 0);
    case Op::Kind::kRenameNew:
      return io_uring_prep_renameat(sqe, AT_FDCWD, path, AT_FDCWD, op.path2.c_str(),
                                    RENAME_NOREPLACE);
    case Op::Kind::kUnlink:
      return io_uring_prep_unlinkat(sqe, AT_FDCWD, path, 0);
    default:
      io_uring_prep_mkdirat(sqe, AT_FDCWD, path, 0700);
  }
}

void UringLoop::PrepareGather(Slot* slot, io_uring_sqe* sqe) {
  static_assert(sizeof(Piece) == sizeof(iovec) &&
                offsetof(Piece, length) == offsetof(iovec, iov_len));
  const Op& op = *slot->op;
  if (slot->message == nullptr) slot->message = std::make_unique<MessageState>();
  msghdr& header = slot->message->header;
  header = {};
  header.msg_iov = reinterpret_cast<iovec*>(const_cast<Piece*>(op.pieces));
  header.msg_iovlen = op.piece_count;
  io_uring_prep_sendmsg(sqe, op.fd, &header, SendFlags(op));
}

void UringLoop::PrepareMessage(Slot* slot, io_uring_sqe* sqe) {
  if (slot->message == nullptr) slot->message = std::make_unique<MessageState>();
  MessageState* message = slot->message.get();
  message->memory = {slot->op->memory, std::min(slot->op->length, kTransferBytesMax)};
  message->header = {};
  message->header.msg_iov = &message->memory;
  message->header.msg_iovlen = 1;
  message->header.msg_control = message->control;
  message->header.msg_controllen = sizeof(message->control);
  io_uring_prep_recvmsg(sqe, slot->op->fd, &message->header, MSG_CMSG_CLOEXEC);
}

}  // namespace tidemark
