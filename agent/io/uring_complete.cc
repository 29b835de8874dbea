// From completions to ready coroutines.
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <unistd.h>

#include <algorithm>
#include <cassert>
#include <cstring>
#include <utility>

#include "agent/io/uring_loop.h"

namespace tidemark {
namespace {

bool GivesDescriptor(Op::Kind kind) {
  return kind == Op::Kind::kOpen || kind == Op::Kind::kAccept || kind == Op::Kind::kConnect ||
         kind == Op::Kind::kListen;
}

bool WorthPolling(Op::Kind kind) {
  return kind == Op::Kind::kRead || kind == Op::Kind::kWrite || kind == Op::Kind::kSend ||
         kind == Op::Kind::kRecv || kind == Op::Kind::kRecvWithFd || kind == Op::Kind::kAccept;
}

// Small frames must not wait for the acknowledgement of earlier ones. A connection whose packets
// vanish (a firewall forgot it) is given up within a minute, also when it is idle: by itself TCP
// takes a quarter of an hour for the one and for ever for the other. Refused by unix sockets.
void SetUpTcp(Fd socket) {
  const int on = 1, idle_seconds = 20, interval_seconds = 10, probes = 4;
  const unsigned silence_milliseconds = 60'000;
  setsockopt(socket, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
  setsockopt(socket, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof(on));
  setsockopt(socket, IPPROTO_TCP, TCP_KEEPIDLE, &idle_seconds, sizeof(idle_seconds));
  setsockopt(socket, IPPROTO_TCP, TCP_KEEPINTVL, &interval_seconds, sizeof(interval_seconds));
  setsockopt(socket, IPPROTO_TCP, TCP_KEEPCNT, &probes, sizeof(probes));
  setsockopt(socket, IPPROTO_TCP, TCP_USER_TIMEOUT, &silence_milliseconds,
             sizeof(silence_milliseconds));
}

// The first descriptor that came along, or -1; any others are closed, nobody asked for them.
Fd TakeDescriptor(MessageState* message) {
  Fd taken = -1;
  for (cmsghdr* header = CMSG_FIRSTHDR(&message->header); header != nullptr;
       header = CMSG_NXTHDR(&message->header, header)) {
    if (header->cmsg_level != SOL_SOCKET || header->cmsg_type != SCM_RIGHTS) continue;
    const size_t count = (header->cmsg_len - CMSG_LEN(0)) / sizeof(Fd);
    for (size_t i = 0; i < count; ++i) {
      Fd passed;
      std::memcpy(&passed, CMSG_DATA(header) + i * sizeof(Fd), sizeof(Fd));
      if (taken < 0) {
        taken = passed;
      } else {
        close(passed);
      }
    }
  }
  return taken;
}

int32_t FinishResult(Slot* slot, int32_t result) {
  Op* op = slot->op;
  if (slot->cancelled && (result == -EINTR || result == -EAGAIN)) return -ECANCELED;
  switch (op->kind) {
    case Op::Kind::kSleep:
      return result == -ETIME ? 0 : result;
    case Op::Kind::kClose:
      return result == -EINTR ? 0 : result;  // Linux has closed it all the same
    case Op::Kind::kOpen:
      // Where the file system refuses direct I/O, the page cache serves. Asked for afterwards,
      // because an exclusive create that fails on O_DIRECT leaves its file behind.
      if (result >= 0 && (op->flags & kOpenDirect) != 0) fcntl(result, F_SETFL, O_DIRECT);
      return result;
    case Op::Kind::kAccept:
      if (result >= 0) SetUpTcp(result);
      return result;
    case Op::Kind::kRecvWithFd:
      *op->passed_fd = result >= 0 ? TakeDescriptor(slot->message.get()) : -1;
      return result;
    default:
      return result;
  }
}

}  // namespace

bool UringLoop::Poll(bool may_wait) {
  FlushNoted();
  if (outstanding_ == 0) return has_ready();
  Enter(may_wait && !has_ready());
  Reap();
  return true;
}

void UringLoop::Enter(bool wait) {
  int result = 0;
  if (wait) {
    result = io_uring_submit_and_wait(&ring_, 1);
  } else {
    const uint32_t flags = IO_URING_READ_ONCE(*ring_.sq.kflags);
    const bool owes = (flags & (IORING_SQ_TASKRUN | IORING_SQ_CQ_OVERFLOW)) != 0;
    if (io_uring_sq_ready(&ring_) > 0 || owes) result = io_uring_submit_and_get_events(&ring_);
  }
  // -EBUSY, -EAGAIN: the kernel wants completions reaped, or memory, first.
  assert(result >= 0 || result == -EINTR || result == -EAGAIN || result == -EBUSY ||
         result == -ETIME);
  if (result == -EBUSY || result == -EAGAIN) Reap();
}

void UringLoop::Reap() {
  bool woken = false;
  unsigned head = 0;
  unsigned count = 0;
  io_uring_cqe* cqe = nullptr;
  io_uring_for_each_cqe(&ring_, head, cqe) {
    ++count;
    if (cqe->user_data == kNobodysToken) continue;
    if (cqe->user_data == kWakeToken) {
      woken = true;
      continue;
    }
    Slot* slot = Find(cqe->user_data);
    assert(slot != nullptr);
    CompleteInRing(slot, cqe->res);
  }
  io_uring_cq_advance(&ring_, count);
  if (!woken) return;
  wake_armed_ = false;
  workers_->TakeDone(&done_);
  for (WorkerJob* job : done_) CompleteOnWorker(static_cast<Slot*>(job));
}

void UringLoop::CompleteInRing(Slot* slot, int32_t result) {
  Op* op = slot->op;
  if (slot->stage == Slot::kPolling) {
    slot->wants_poll = false;
    if (result < 0 && result != -EINTR) return Resume(slot, result);
    return Note(slot);
  }
  if (!slot->cancelled && WorthPolling(op->kind) && (result == -EAGAIN || result == -EINTR)) {
    slot->wants_poll = result == -EAGAIN;
    return Note(slot);
  }
  if (!slot->cancelled && result == -EINTR && op->kind != Op::Kind::kClose &&
      op->kind != Op::Kind::kConnect) {
    return Note(slot);
  }
  if (op->kind == Op::Kind::kConnect) {
    ConnectState* connect = slot->connect.get();
    if (result == 0) return Resume(slot, std::exchange(connect->socket, -1));
    close(std::exchange(connect->socket, -1));
    connect->addresses.pop_back();
    connect->error = result;
    if (!slot->cancelled && !connect->addresses.empty()) return Note(slot);
  }
  Resume(slot, FinishResult(slot, result));
}

void UringLoop::CompleteOnWorker(Slot* slot) {
  --on_worker_;
  const int32_t result = slot->op->result;
  if (slot->op->kind == Op::Kind::kConnect && result >= 0) return Note(slot);
  Resume(slot, result);
}

void UringLoop::BeginConnect(Slot* slot) {
  ConnectState* connect = slot->connect.get();
  while (!connect->addresses.empty()) {
    const int family = connect->addresses.back().storage.ss_family;
    connect->socket = socket(family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (connect->socket >= 0) {
      SetUpTcp(connect->socket);
      return BeginInRing(slot);
    }
    connect->error = -errno;
    connect->addresses.pop_back();
  }
  Resume(slot, connect->error);
}

void UringLoop::Resume(Slot* slot, int32_t result) {
  Op* op = slot->op;
  op->result = result;
  op->held_by = nullptr;
  op->token = 0;
  if (slot->forgotten) {
    if (result >= 0 && GivesDescriptor(op->kind)) close(result);
    if (op->kind == Op::Kind::kRecvWithFd && *op->passed_fd >= 0) close(*op->passed_fd);
  } else {
    Ready(op->waiter);
  }
  Release(slot);
}

void UringLoop::Release(Slot* slot) {
  --outstanding_;
  slot->op = nullptr;
  slot->stage = Slot::kFree;
  ++slot->generation;
  slot->wants_poll = slot->cancelled = slot->forgotten = false;
  slot->connect.reset();
  slot->message.reset();
  free_slots_.push_back(slot);
}

Slot* UringLoop::Find(uint64_t token) {
  const uint64_t index = token >> 32;
  if (index == 0 || index > slots_.size()) return nullptr;
  Slot* slot = &slots_[index - 1];
  return slot->stage != Slot::kFree && slot->generation == static_cast<uint32_t>(token) ? slot
                                                                                        : nullptr;
}

void UringLoop::Forget(Op* op) {
  const uint64_t token = op->token;
  Slot* slot = Find(token);
  if (slot == nullptr) return;
  slot->forgotten = true;
  while (Find(token) != nullptr) {
    EndEarly(slot);
    WaitBriefly();
  }
}

// Somebody dies and stands still until the kernel and the workers have let go of its memory.
void UringLoop::WaitBriefly() {
  FlushNoted();
  if (outstanding_ == 0) return;
  __kernel_timespec patience{0, 50'000'000};
  io_uring_cqe* cqe = nullptr;
  io_uring_submit_and_wait_timeout(&ring_, &cqe, 1, &patience, nullptr);
  Reap();
}

}  // namespace tidemark
