// The operations that io_uring lacks, as plain calls on a worker thread. They touch their Op only.
#include <dirent.h>
#include <fcntl.h>
#include <netdb.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <cassert>
#include <cstring>

#include "agent/io/uring_loop.h"

namespace tidemark {
namespace {

constexpr std::string_view kUnixPrefix = "unix:";

class Descriptor {
 public:
  explicit Descriptor(Fd fd) : fd_(fd) {}
  Descriptor(const Descriptor&) = delete;
  ~Descriptor() {
    if (fd_ >= 0) close(fd_);
  }
  Fd get() const { return fd_; }
  Fd release() { return std::exchange(fd_, -1); }

 private:
  Fd fd_;
};

int32_t SyncDirectory(const std::string& path) {
  const Descriptor directory(open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (directory.get() < 0) return -errno;
  return fsync(directory.get()) == 0 ? 0 : -errno;
}

bool IsDirectory(DIR* directory, const dirent* entry) {
  if (entry->d_type != DT_UNKNOWN) return entry->d_type == DT_DIR;
  struct stat found;
  return fstatat(dirfd(directory), entry->d_name, &found, AT_SYMLINK_NOFOLLOW) == 0 &&
         S_ISDIR(found.st_mode);
}

int32_t List(const std::string& path, std::vector<DirectoryEntry>* entries) {
  entries->clear();
  DIR* directory = opendir(path.c_str());
  if (directory == nullptr) return -errno;
  errno = 0;
  while (const dirent* entry = readdir(directory)) {
    const std::string name = entry->d_name;
    if (name != "." && name != "..") entries->push_back({name, IsDirectory(directory, entry)});
    errno = 0;
  }
  const int error = errno;
  closedir(directory);
  std::sort(entries->begin(), entries->end(),
            [](const DirectoryEntry& a, const DirectoryEntry& b) { return a.name < b.name; });
  return -error;
}

int32_t Stat(const Op& op) {
  struct stat found;
  struct statvfs system;
  const bool by_path = !op.path.empty();
  if ((by_path ? stat(op.path.c_str(), &found) : fstat(op.fd, &found)) != 0) return -errno;
  if ((by_path ? statvfs(op.path.c_str(), &system) : fstatvfs(op.fd, &system)) != 0) return -errno;
  op.stat->size = static_cast<uint64_t>(found.st_size);
  op.stat->allocated_bytes = static_cast<uint64_t>(found.st_blocks) * 512;
  op.stat->inode = found.st_ino;
  op.stat->device = found.st_dev;
  op.stat->mode = found.st_mode & 07777;
  op.stat->mtime = absl::TimeFromTimespec(found.st_mtim);
  op.stat->ctime = absl::TimeFromTimespec(found.st_ctim);
  op.stat->is_regular = S_ISREG(found.st_mode);
  op.stat->is_directory = S_ISDIR(found.st_mode);
  op.stat->disk_bytes = static_cast<uint64_t>(system.f_blocks) * system.f_frsize;
  op.stat->free_bytes = static_cast<uint64_t>(system.f_bavail) * system.f_frsize;
  return 0;
}

// Moves the position of the descriptor: not for one that is read as a stream.
int32_t NextData(const Op& op) {
  const off_t begin = lseek(op.fd, static_cast<off_t>(op.offset), SEEK_DATA);
  if (begin < 0) return -errno;
  const off_t end = lseek(op.fd, begin, SEEK_HOLE);
  if (end < 0) return -errno;
  *op.extent_begin = static_cast<uint64_t>(begin);
  *op.extent_end = static_cast<uint64_t>(end);
  return 0;
}

int32_t UnixAddress(const std::string& path, SocketAddress* address) {
  auto* unix_address = reinterpret_cast<sockaddr_un*>(&address->storage);
  if (path.empty()) return -EINVAL;
  if (path.size() >= sizeof(unix_address->sun_path)) return -ENAMETOOLONG;
  unix_address->sun_family = AF_UNIX;
  std::memcpy(unix_address->sun_path, path.c_str(), path.size() + 1);
  address->length = sizeof(sockaddr_un);
  return 0;
}

// A socket file that nobody listens on any more is in the way; one that somebody serves is not
// ours.
int32_t RemoveStaleSocket(const std::string& path, const SocketAddress& address) {
  struct stat found;
  if (lstat(path.c_str(), &found) != 0) return errno == ENOENT ? 0 : -errno;
  if (!S_ISSOCK(found.st_mode)) return -EADDRINUSE;
  const Descriptor probe(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (probe.get() < 0) return -errno;
  const auto* target = reinterpret_cast<const sockaddr*>(&address.storage);
  if (connect(probe.get(), target, address.length) == 0 || errno != ECONNREFUSED) {
    return -EADDRINUSE;
  }
  return unlink(path.c_str()) == 0 || errno == ENOENT ? 0 : -errno;
}

int32_t ListenOn(const SocketAddress& address, const std::string& unix_path, mode_t unix_mode) {
  Descriptor listening(socket(address.storage.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0));
  if (listening.get() < 0) return -errno;
  const int on = 1;
  setsockopt(listening.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
  const auto* wanted = reinterpret_cast<const sockaddr*>(&address.storage);
  if (bind(listening.get(), wanted, address.length) != 0) return -errno;
  // Before listen nobody can connect, so nobody slips in under the wider mode.
  if (!unix_path.empty() && chmod(unix_path.c_str(), unix_mode) != 0) return -errno;
  if (listen(listening.get(), SOMAXCONN) != 0) return -errno;
  return listening.release();
}

int32_t Listen(const Op& op) {
  std::vector<SocketAddress> addresses;
  const int32_t resolved = ResolveAddress(op.path, &addresses);
  if (resolved < 0) return resolved;
  std::string unix_path;
  if (op.path.starts_with(kUnixPrefix)) {
    unix_path = op.path.substr(kUnixPrefix.size());
    const int32_t removed = RemoveStaleSocket(unix_path, addresses.back());
    if (removed < 0) return removed;
  }
  return ListenOn(addresses.back(), unix_path, op.flags);
}

int32_t ResolverErrno(int error) {
  switch (error) {
    case EAI_SYSTEM:
      return -errno;
    case EAI_MEMORY:
      return -ENOMEM;
    case EAI_SERVICE:
      return -EINVAL;
    default:
      return -EHOSTUNREACH;  // no such name, or no answer now: both may pass
  }
}

}  // namespace

int32_t ResolveAddress(const std::string& address, std::vector<SocketAddress>* found) {
  if (address.starts_with(kUnixPrefix)) {
    return UnixAddress(address.substr(kUnixPrefix.size()), &found->emplace_back());
  }
  const size_t colon = address.rfind(':');
  if (colon == std::string::npos || colon + 1 == address.size()) return -EINVAL;
  std::string host = address.substr(0, colon);
  const std::string port = address.substr(colon + 1);
  if (host.size() >= 2 && host.front() == '[' && host.back() == ']') {
    host = host.substr(1, host.size() - 2);
  } else if (host.find(':') != std::string::npos) {
    return -EINVAL;
  }
  if (host.empty()) return -EINVAL;
  addrinfo wanted{};
  wanted.ai_socktype = SOCK_STREAM;
  wanted.ai_flags = AI_NUMERICSERV;
  addrinfo* list = nullptr;
  const int error = getaddrinfo(host.c_str(), port.c_str(), &wanted, &list);
  if (error != 0) return ResolverErrno(error);
  for (const addrinfo* entry = list; entry != nullptr; entry = entry->ai_next) {
    SocketAddress& made = found->emplace_back();
    std::memcpy(&made.storage, entry->ai_addr, entry->ai_addrlen);
    made.length = entry->ai_addrlen;
  }
  freeaddrinfo(list);
  std::reverse(found->begin(), found->end());
  return found->empty() ? -EHOSTUNREACH : 0;
}

int32_t RunBlocking(const Op& op) {
  switch (op.kind) {
    case Op::Kind::kSyncDirectory:
      return SyncDirectory(op.path);
    case Op::Kind::kTruncate:
      return ftruncate(op.fd, static_cast<off_t>(op.length)) == 0 ? 0 : -errno;
    case Op::Kind::kList:
      return List(op.path, op.entries);
    case Op::Kind::kStat:
      return Stat(op);
    case Op::Kind::kNextData:
      return NextData(op);
    case Op::Kind::kLock:
      return flock(op.fd, LOCK_EX | LOCK_NB) == 0 ? 0 : -errno;
    case Op::Kind::kListen:
      return Listen(op);
    default:
      assert(!"not a blocking Op");
      return -EINVAL;
  }
}

}  // namespace tidemark
