#include "agent/io/io.h"

#include <algorithm>
#include <cassert>

namespace tidemark {
namespace {

// Coroutines that run before the world is looked at again, so that a chain of hand-overs cannot
// starve the sockets.
constexpr size_t kTurnCoroutinesMax = 256;
constexpr absl::Duration kStall = absl::Milliseconds(20);

}  // namespace

void Io::Run() {
  stopped_ = false;
  while (!stopped_) {
    if (!ready_.empty()) {
      const absl::Duration start = Monotonic();
      for (size_t ran = 0; ran < kTurnCoroutinesMax && !ready_.empty() && !stopped_; ++ran) {
        const std::coroutine_handle<> handle = ready_.front();
        ready_.pop_front();
        handle.resume();
      }
      NoteAway(Monotonic() - start);
      if (stopped_) return;
    }
    const bool alive = Poll(/*may_wait=*/ready_.empty());
    if (!alive && ready_.empty()) return;
  }
}

void Io::NoteAway(absl::Duration away) {
  longest_stall_ = std::max(longest_stall_, away);
  if (away > kStall) ++stalls_;
}

Op Io::Make(Op::Kind kind, Fd fd) {
  Op op;
  op.kind = kind;
  op.fd = fd;
  op.io = this;
  return op;
}

Op Io::Memory(Op::Kind kind, Fd fd, const std::byte* memory, uint64_t length, uint64_t offset) {
  Op op = Make(kind, fd);
  op.memory = const_cast<std::byte*>(memory);
  op.length = length;
  op.offset = offset;
  return op;
}

Op Io::Path(Op::Kind kind, std::string path) {
  Op op = Make(kind, -1);
  op.path = std::move(path);
  return op;
}

Op Io::Open(std::string path, uint32_t flags) {
  Op op = Path(Op::Kind::kOpen, std::move(path));
  op.flags = flags;
  return op;
}

Op Io::Close(Fd fd) { return Make(Op::Kind::kClose, fd); }

Op Io::Read(Fd fd, MutableByteSpan into, uint64_t offset) {
  return Memory(Op::Kind::kRead, fd, into.data(), into.size(), offset);
}

Op Io::Write(Fd fd, ByteSpan from, uint64_t offset) {
  return Memory(Op::Kind::kWrite, fd, from.data(), from.size(), offset);
}

Op Io::Sync(Fd fd) { return Make(Op::Kind::kSync, fd); }

Op Io::SyncDirectory(std::string path) { return Path(Op::Kind::kSyncDirectory, std::move(path)); }

Op Io::Allocate(Fd fd, uint64_t offset, uint64_t length) {
  return Memory(Op::Kind::kAllocate, fd, nullptr, length, offset);
}

Op Io::Punch(Fd fd, uint64_t offset, uint64_t length) {
  return Memory(Op::Kind::kPunch, fd, nullptr, length, offset);
}

Op Io::Truncate(Fd fd, uint64_t length) {
  return Memory(Op::Kind::kTruncate, fd, nullptr, length, 0);
}

Op Io::Rename(std::string from, std::string to) {
  Op op = Path(Op::Kind::kRename, std::move(from));
  op.path2 = std::move(to);
  return op;
}

Op Io::RenameNew(std::string from, std::string to) {
  Op op = Path(Op::Kind::kRenameNew, std::move(from));
  op.path2 = std::move(to);
  return op;
}

Op Io::Unlink(std::string path) { return Path(Op::Kind::kUnlink, std::move(path)); }

Op Io::MakeDirectory(std::string path) { return Path(Op::Kind::kMakeDirectory, std::move(path)); }

Op Io::List(std::string path, std::vector<DirectoryEntry>* entries) {
  Op op = Path(Op::Kind::kList, std::move(path));
  op.entries = entries;
  return op;
}

Op Io::Stat(std::string path, FileStat* stat) {
  Op op = Path(Op::Kind::kStat, std::move(path));
  op.stat = stat;
  return op;
}

Op Io::Stat(Fd fd, FileStat* stat) {
  Op op = Make(Op::Kind::kStat, fd);
  op.stat = stat;
  return op;
}

Op Io::NextData(Fd fd, uint64_t offset, uint64_t* begin, uint64_t* end) {
  Op op = Memory(Op::Kind::kNextData, fd, nullptr, 0, offset);
  op.extent_begin = begin;
  op.extent_end = end;
  return op;
}

Op Io::Lock(Fd fd) { return Make(Op::Kind::kLock, fd); }

Op Io::Listen(std::string address, uint32_t unix_mode) {
  Op op = Path(Op::Kind::kListen, std::move(address));
  op.flags = unix_mode;
  return op;
}

Op Io::Accept(Fd fd) { return Make(Op::Kind::kAccept, fd); }

Op Io::Connect(std::string address) { return Path(Op::Kind::kConnect, std::move(address)); }

Op Io::Send(Fd fd, ByteSpan from) {
  return Memory(Op::Kind::kSend, fd, from.data(), from.size(), 0);
}

Op Io::SendMany(Fd fd, std::span<const Piece> from) {
  assert(from.size() <= kPiecesMax);
  Op op = Make(Op::Kind::kSend, fd);
  op.pieces = from.data();
  op.piece_count = from.size();
  for (const Piece& piece : from) op.length += piece.length;
  return op;
}

Op Io::Recv(Fd fd, MutableByteSpan into) {
  return Memory(Op::Kind::kRecv, fd, into.data(), into.size(), 0);
}

Op Io::RecvWithFd(Fd fd, MutableByteSpan into, Fd* passed) {
  Op op = Memory(Op::Kind::kRecvWithFd, fd, into.data(), into.size(), 0);
  op.passed_fd = passed;
  return op;
}

Op Io::Shutdown(Fd fd) { return Make(Op::Kind::kShutdown, fd); }

Op Io::Sleep(absl::Duration duration) {
  Op op = Make(Op::Kind::kSleep, -1);
  op.duration = duration;
  return op;
}

Op Io::Compute(void (*work)(void*), void* context) {
  Op op = Make(Op::Kind::kCompute, -1);
  op.work = work;
  op.context = context;
  return op;
}

}  // namespace tidemark
