#include "tests/fidelity/fuse_disk.h"

#include <fcntl.h>
#include <linux/fuse.h>
#include <poll.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <vector>

#include "absl/strings/str_format.h"

namespace tidemark {
namespace {

constexpr uint32_t kTransferBytes = 512 * 1024;
constexpr uint64_t kForever = 1u << 30;  // seconds that the kernel may remember attributes

absl::Status Failed(const std::string& what) { return absl::ErrnoToStatus(errno, what); }

}  // namespace

// Lives in the child. One request at a time: a write is in the record before it is answered, and a
// flush covers what was answered before.
class FuseDisk::Server {
 public:
  Server(int device, int orders, ByteSpan base)
      : device_(device), orders_(orders), disk_(base), request_(kTransferBytes + 65536) {}

  void Run() {
    pollfd wait[2] = {{device_, POLLIN, 0}, {orders_, POLLIN, 0}};
    while (poll(wait, 2, -1) > 0 || errno == EINTR) {
      if ((wait[1].revents & POLLIN) != 0 && !TakeOrder()) return;
      if ((wait[0].revents & POLLIN) != 0 && !TakeRequest()) return;
      if (((wait[0].revents | wait[1].revents) & (POLLHUP | POLLERR)) != 0) return;
    }
  }

 private:
  bool TakeOrder() {
    Order order;
    if (recv(orders_, &order, sizeof(order), 0) != sizeof(order)) return false;
    if (order.kind == Order::Kind::kReset) disk_.Reset();
    if (order.kind == Order::Kind::kCutPower) {
      SimRandom random(order.seed);
      disk_.CutPower(order.moment, &random, order.lies != 0);
    }
    const uint64_t moment = disk_.moment();
    return send(orders_, &moment, sizeof(moment), MSG_NOSIGNAL) == sizeof(moment);
  }

  // False: the kernel has let go of the file.
  bool TakeRequest() {
    const ssize_t got = read(device_, request_.data(), request_.size());
    if (got < 0) return errno == EINTR || errno == EAGAIN || errno == ENOENT;
    std::memcpy(&header_, request_.data(), sizeof(header_));
    argument_ = request_.data() + sizeof(header_);
    reply_.clear();
    const int error = Serve();
    if (error == kNoReply) return true;
    fuse_out_header head = {};
    head.len = static_cast<uint32_t>(sizeof(head) + (error == 0 ? reply_.size() : 0));
    head.error = -error;
    head.unique = header_.unique;
    const iovec parts[2] = {{&head, sizeof(head)}, {reply_.data(), reply_.size()}};
    return writev(device_, parts, error == 0 ? 2 : 1) >= 0 || errno == ENOENT;
  }

  static constexpr int kNoReply = -1;
  template <class T>
  T Argument() const {
    T argument;
    std::memcpy(&argument, argument_, sizeof(argument));
    return argument;
  }
  template <class T>
  int Reply(const T& answer) {
    reply_.resize(sizeof(answer));
    std::memcpy(reply_.data(), &answer, sizeof(answer));
    return 0;
  }

  // Fills reply_, or gives an errno.
  int Serve() {
    switch (header_.opcode) {
      case FUSE_INIT:
        return Init();
      case FUSE_GETATTR:
      case FUSE_SETATTR:
        return Attributes();
      case FUSE_OPEN: {
        fuse_open_out open = {};
        open.open_flags = FOPEN_DIRECT_IO;
        return Reply(open);
      }
      case FUSE_READ: {
        const auto read = Argument<fuse_read_in>();
        if (read.offset >= disk_.size()) return 0;
        reply_.resize(std::min<uint64_t>(read.size, disk_.size() - read.offset));
        disk_.Read(read.offset, reply_);
        return 0;
      }
      case FUSE_WRITE: {
        const auto write = Argument<fuse_write_in>();
        if (write.offset + write.size > disk_.size()) return ENOSPC;
        disk_.Write(write.offset, ByteSpan(argument_ + sizeof(write), write.size));
        fuse_write_out written = {};
        written.size = write.size;
        return Reply(written);
      }
      case FUSE_FSYNC:
        disk_.Flush();
        return 0;
      case FUSE_FLUSH:
      case FUSE_RELEASE:
      case FUSE_DESTROY:
        return 0;
      case FUSE_FORGET:
      case FUSE_BATCH_FORGET:
      case FUSE_INTERRUPT:
        return kNoReply;
      default:
        return ENOSYS;
    }
  }

  int Init() {
    const auto offered = Argument<fuse_init_in>();
    fuse_init_out init = {};
    init.major = FUSE_KERNEL_VERSION;
    init.minor = 31;
    init.max_readahead = offered.max_readahead;
    init.flags = FUSE_MAX_PAGES | FUSE_BIG_WRITES | FUSE_ASYNC_DIO;
    init.max_write = kTransferBytes;
    init.max_pages = kTransferBytes / RecordedDisk::kPageBytes;
    init.max_background = 16;
    init.congestion_threshold = 12;
    return Reply(init);
  }

  int Attributes() {
    fuse_attr_out answer = {};
    answer.attr_valid = kForever;
    answer.attr.ino = 1;
    answer.attr.size = disk_.size();
    answer.attr.blocks = disk_.size() / RecordedDisk::kSectorBytes;
    answer.attr.mode = S_IFREG | 0600;
    answer.attr.nlink = 1;
    answer.attr.blksize = RecordedDisk::kPageBytes;
    return Reply(answer);
  }

  int device_, orders_;
  RecordedDisk disk_;
  std::vector<std::byte> request_, reply_;
  fuse_in_header header_ = {};
  const std::byte* argument_ = nullptr;
};

FuseDisk::FuseDisk(std::string mount_point, pid_t child, int orders)
    : mount_point_(std::move(mount_point)), child_(child), orders_(orders) {}

absl::StatusOr<std::unique_ptr<FuseDisk>> FuseDisk::Start(const std::string& image,
                                                          const std::string& mount_point) {
  const int file = open(image.c_str(), O_RDONLY | O_CLOEXEC);
  struct stat stat;
  if (file < 0 || fstat(file, &stat) != 0) return Failed(image);
  const size_t size = static_cast<size_t>(stat.st_size);
  void* mapped = mmap(nullptr, size, PROT_READ, MAP_PRIVATE, file, 0);
  close(file);
  if (mapped == MAP_FAILED) return Failed("map " + image);
  const int point = open(mount_point.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  if (point < 0) return Failed(mount_point);
  close(point);
  const int device = open("/dev/fuse", O_RDWR | O_CLOEXEC);
  if (device < 0) return Failed("/dev/fuse");
  const std::string options = absl::StrFormat("fd=%d,rootmode=100000,user_id=0,group_id=0", device);
  int sockets[2];
  if (mount("tidemark", mount_point.c_str(), "fuse", 0, options.c_str()) != 0 ||
      socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, sockets) != 0) {
    return Failed("mount fuse");
  }
  const pid_t child = fork();
  if (child < 0) return Failed("fork");
  if (child == 0) {
    close(sockets[0]);
    Server(device, sockets[1], ByteSpan(static_cast<std::byte*>(mapped), size)).Run();
    _exit(0);
  }
  close(device);
  close(sockets[1]);
  munmap(mapped, size);
  return std::unique_ptr<FuseDisk>(new FuseDisk(mount_point, child, sockets[0]));
}

FuseDisk::~FuseDisk() {
  umount2(mount_point_.c_str(), MNT_DETACH);
  close(orders_);
  waitpid(child_, nullptr, 0);
}

uint64_t FuseDisk::Give(const Order& order) {
  uint64_t moment = 0;
  const bool given = send(orders_, &order, sizeof(order), MSG_NOSIGNAL) == sizeof(order) &&
                     recv(orders_, &moment, sizeof(moment), 0) == sizeof(moment);
  if (!given) {
    std::perror("the server of the recorded disk is gone");
    std::abort();
  }
  return moment;
}

uint64_t FuseDisk::Moment() { return Give({}); }
void FuseDisk::CutPower(uint64_t moment, uint64_t seed, bool lies) {
  Give({Order::Kind::kCutPower, lies ? 1u : 0u, moment, seed});
}
void FuseDisk::Reset() { Give({Order::Kind::kReset, 0, 0, 0}); }

}  // namespace tidemark
