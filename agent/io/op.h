// One operation on the outside world. It lives in the awaiting coroutine's frame and is its own
// awaiter: no allocation. Results follow io_uring: >= 0 a count or a descriptor, < 0 -errno.
//
//   Op read = io->Read(fd, buffer, offset);
//   int32_t got = co_await read;          // one co_await per statement, see task.h
//
// Short counts, -EINTR and -EAGAIN are normal for the kernel; the Io retries EINTR and EAGAIN
// itself. Short counts reach the caller: transfer.h has the loops.
#ifndef TIDEMARK_AGENT_IO_OP_H_
#define TIDEMARK_AGENT_IO_OP_H_

#include <coroutine>
#include <cstdint>
#include <string>
#include <vector>

#include "absl/time/time.h"
#include "crypto/bytes.h"

namespace tidemark {

class Io;

// A file or socket of one Io. -1: none.
using Fd = int32_t;

struct DirectoryEntry {
  std::string name;
  bool is_directory = false;
};
struct FileStat {
  uint64_t size = 0;
  uint64_t allocated_bytes = 0;
  uint64_t inode = 0, device = 0;
  uint32_t mode = 0;
  absl::Time mtime, ctime;
  bool is_regular = false, is_directory = false;
  uint64_t free_bytes = 0, disk_bytes = 0;  // of the file system it is on (kStat only)
};

// Bytes that a send gathers.
struct Piece {
  const std::byte* memory = nullptr;
  uint64_t length = 0;
};
inline constexpr size_t kPiecesMax = 256;  // of one Op

struct Op {
  enum class Kind : uint8_t {
    kNone,
    // files; paths are absolute
    kOpen,           // path, flags (OpenFlag) -> Fd
    kClose,          // fd; Ops under way on it go on and keep it open: shut down or cancel first
    kRead,           // fd, memory, offset (kNoOffset: a stream) -> bytes, 0 at the end
    kWrite,          // fd, memory, offset -> bytes
    kSync,           // fd: fdatasync. Covers only writes completed before it was submitted
    kSyncDirectory,  // path: makes created, renamed and removed entries durable
    kAllocate,   // fd, offset, length: space that later writes cannot run out of (extends the size)
    kPunch,      // fd, offset, length
    kTruncate,   // fd, length
    kRename,     // path -> path2, replacing
    kRenameNew,  // path -> path2, -EEXIST when path2 exists
    kUnlink,     // path
    kMakeDirectory,  // path, mode 0700
    kList,           // path -> entries sorted by name
    kStat,           // path, or fd when path is empty -> *stat
    kNextData,  // fd, offset -> *extent_begin, *extent_end of the next data; -ENXIO: no more data
    kLock,      // fd: exclusive advisory lock, -EWOULDBLOCK when held elsewhere
    // sockets; addresses are "127.0.0.1:7000", "[::1]:7000" or "unix:/path"
    kListen,      // path = address, flags = mode of a unix socket -> Fd
    kAccept,      // fd -> Fd
    kConnect,     // path = address -> Fd
    kSend,        // fd, memory or pieces -> bytes
    kRecv,        // fd, memory -> bytes, 0 at the end
    kRecvWithFd,  // fd, memory -> bytes; *passed_fd gets a descriptor or -1 (unix sockets)
    kShutdown,    // fd: both directions; pending recv and send end
    // time and CPU
    kSleep,    // duration
    kCompute,  // work(context) on a worker thread
  };

  Kind kind = Kind::kNone;
  Fd fd = -1;
  uint32_t flags = 0;
  std::byte* memory = nullptr;
  uint64_t length = 0;
  const Piece* pieces = nullptr;  // like the memory, they stay where they are until the Op ends
  size_t piece_count = 0;
  uint64_t offset = 0;
  std::string path, path2;
  absl::Duration duration;
  void (*work)(void*) = nullptr;
  void* context = nullptr;
  std::vector<DirectoryEntry>* entries = nullptr;
  FileStat* stat = nullptr;
  uint64_t* extent_begin = nullptr;
  uint64_t* extent_end = nullptr;
  Fd* passed_fd = nullptr;

  Io* io = nullptr;
  int32_t result = 0;
  std::coroutine_handle<> waiter;
  // For the Io that runs it: its place in that Io's lists. Not for anybody else.
  Op* next = nullptr;
  Op* previous = nullptr;
  uint64_t token = 0;

  // Set while the Op is outstanding by an Io that must hear of its early death, because others
  // still write to its memory (UringIo: it then cancels and waits). nullptr: nobody needs to.
  Io* held_by = nullptr;

  Op() = default;
  Op(const Op&) = default;
  Op& operator=(const Op&) = default;
  Op(Op&&) = default;
  Op& operator=(Op&&) = default;
  ~Op();

  bool await_ready() const noexcept { return false; }
  void await_suspend(std::coroutine_handle<> handle);
  int32_t await_resume() const noexcept { return result; }
};

inline constexpr uint64_t kNoOffset = ~uint64_t{0};

enum OpenFlag : uint32_t {
  kOpenRead = 1,
  kOpenWrite = 2,
  kOpenCreate = 4,
  kOpenExclusive = 8,
  kOpenTruncate = 16,
  kOpenDirect = 32,  // bypasses the page cache: memory, offset and length in units of 4096
};
inline constexpr uint64_t kDirectIoBytes = 4096;

}  // namespace tidemark
#endif  // TIDEMARK_AGENT_IO_OP_H_
