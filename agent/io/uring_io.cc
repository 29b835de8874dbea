#include "agent/io/uring_io.h"

#include <netinet/in.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <sys/random.h>
#include <sys/signalfd.h>
#include <sys/utsname.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <cassert>
#include <cstring>
#include <fstream>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "agent/io/pool.h"
#include "agent/io/uring_loop.h"

namespace tidemark {
namespace {

// Name look-ups, directory listings and the like wait more than they compute.
constexpr size_t kBlockingThreads = 4;
constexpr unsigned kRegisteredMax = 32;
constexpr uint64_t kRegisteredBytesMax = uint64_t{1} << 30;  // of one entry: the kernel's limit

std::string DisabledSetting() {
  std::ifstream file("/proc/sys/kernel/io_uring_disabled");
  std::string value;
  if (!(file >> value)) return "not present";
  return value;
}

absl::Status SetupStatus(int error) {
  const std::string what = absl::StrFormat("io_uring_setup: %s", std::strerror(error));
  switch (error) {
    case EPERM:
      return absl::FailedPreconditionError(absl::StrFormat(
          "%s. io_uring is forbidden here: sysctl kernel.io_uring_disabled is %s and must be 0 (or "
          "1 with CAP_SYS_ADMIN or membership of kernel.io_uring_group); in a container the "
          "seccomp "
          "profile must allow io_uring_setup, io_uring_enter and io_uring_register",
          what, DisabledSetting()));
    case ENOSYS:
      return absl::FailedPreconditionError(absl::StrCat(
          what,
          ". The kernel has no io_uring (Linux 6.1 or newer is needed), or the seccomp profile "
          "of a container hides it: allow io_uring_setup, io_uring_enter and io_uring_register"));
    case ENOMEM:
      return absl::FailedPreconditionError(
          absl::StrCat(what,
                       ". Raise the memlock limit: ulimit -l, or LimitMEMLOCK=infinity in "
                       "the systemd unit"));
    default:
      return absl::FailedPreconditionError(what);
  }
}

}  // namespace

absl::StatusOr<std::unique_ptr<UringIo>> UringIo::Create(const UringOptions& options) {
  auto loop = std::make_unique<UringLoop>(options);
  const absl::Status started = loop->Start();
  if (!started.ok()) return started;
  return std::unique_ptr<UringIo>(std::move(loop));
}

UringLoop::UringLoop(const UringOptions& options) : options_(options) {}

absl::Status UringLoop::Start() {
  // A closed pipe or socket is a result (-EPIPE), never the end of the process.
  signal(SIGPIPE, SIG_IGN);
  const int error = StartRing();
  if (error != 0) return SetupStatus(error);
  const absl::Status operations = CheckOperations();
  if (!operations.ok()) return operations;
  // Without a table RegisterPool answers false; nothing else changes.
  if (io_uring_register_buffers_sparse(&ring_, kRegisteredMax) == 0) {
    registered_.resize(kRegisteredMax);
  }
  wake_ = eventfd(0, EFD_CLOEXEC);
  if (wake_ < 0) {
    return absl::ResourceExhaustedError(absl::StrCat("eventfd: ", std::strerror(errno)));
  }
  workers_count_ = options_.workers;
  if (workers_count_ == 0) workers_count_ = std::max(2u, std::thread::hardware_concurrency());
  workers_ = std::make_unique<Workers>(workers_count_, kBlockingThreads, wake_);
  return absl::OkStatus();
}

int UringLoop::StartRing() {
  // From the best to the plainest: completions run only when this thread asks for them; at least
  // without interrupting it; as before Linux 5.19.
  const uint32_t common = IORING_SETUP_CQSIZE | IORING_SETUP_CLAMP;
  const uint32_t deferred = IORING_SETUP_SUBMIT_ALL | IORING_SETUP_TASKRUN_FLAG;
  const uint32_t attempts[] = {
      common | deferred | IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN,
      common | deferred | IORING_SETUP_COOP_TASKRUN, common};
  int result = -EINVAL;
  for (const uint32_t flags : attempts) {
    if (!options_.deferred_completions && flags != common) continue;
    io_uring_params params{};
    params.flags = flags;
    params.cq_entries = options_.queue_entries * 4;
    result = io_uring_queue_init_params(options_.queue_entries, &ring_, &params);
    if (result == 0) {
      ring_open_ = true;
      setup_flags_ = flags;
      return 0;
    }
    if (result != -EINVAL) break;
  }
  return -result;
}

absl::Status UringLoop::CheckOperations() {
  static constexpr struct {
    int code;
    const char* name;
  } kNeeded[] = {
      {IORING_OP_READ, "read"},         {IORING_OP_WRITE, "write"},
      {IORING_OP_FSYNC, "fsync"},       {IORING_OP_OPENAT, "openat"},
      {IORING_OP_CLOSE, "close"},       {IORING_OP_FALLOCATE, "fallocate"},
      {IORING_OP_RENAMEAT, "renameat"}, {IORING_OP_UNLINKAT, "unlinkat"},
      {IORING_OP_MKDIRAT, "mkdirat"},   {IORING_OP_ACCEPT, "accept"},
      {IORING_OP_CONNECT, "connect"},   {IORING_OP_SEND, "send"},
      {IORING_OP_RECV, "recv"},         {IORING_OP_RECVMSG, "recvmsg"},
      {IORING_OP_SHUTDOWN, "shutdown"}, {IORING_OP_TIMEOUT, "timeout"},
      {IORING_OP_POLL_ADD, "poll"},     {IORING_OP_ASYNC_CANCEL, "cancel"},
  };
  io_uring_probe* probe = io_uring_get_probe_ring(&ring_);
  std::string missing;
  for (const auto& needed : kNeeded) {
    if (probe == nullptr || !io_uring_opcode_supported(probe, needed.code)) {
      absl::StrAppend(&missing, missing.empty() ? "" : ", ", needed.name);
    }
  }
  io_uring_free_probe(probe);
  if (missing.empty() && (ring_.features & IORING_FEAT_NODROP) != 0) return absl::OkStatus();
  return absl::FailedPreconditionError(absl::StrCat(
      "this kernel's io_uring is too old (Linux 6.1 or newer is needed); it lacks: ", missing));
}

UringLoop::~UringLoop() {
  // The frames that await these Ops should be gone by now. If not, at least nobody writes to them.
  for (Slot& slot : slots_) {
    if (slot.stage != Slot::kFree) Forget(slot.op);
  }
  // The kernel may not write to wake_count_ after we are gone.
  if (wake_armed_) eventfd_write(wake_, 1);
  while (wake_armed_) {
    Enter(/*wait=*/true);
    Reap();
  }
  workers_.reset();
  if (ring_open_) io_uring_queue_exit(&ring_);
  if (wake_ >= 0) close(wake_);
  if (signals_ >= 0) close(signals_);
}

absl::Time UringLoop::Now() const { return absl::Now(); }

absl::Duration UringLoop::Monotonic() const {
  timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return absl::DurationFromTimespec(now);
}

void UringLoop::Fill(MutableByteSpan out) {
  size_t done = 0;
  while (done < out.size()) {
    const ssize_t got = getrandom(out.data() + done, out.size() - done, 0);
    assert(got > 0 || errno == EINTR);
    if (got > 0) done += static_cast<size_t>(got);
  }
}

uint16_t UringLoop::BoundPort(Fd listening) const {
  SocketAddress bound;
  bound.length = sizeof(bound.storage);
  auto* address = reinterpret_cast<sockaddr*>(&bound.storage);
  if (getsockname(listening, address, &bound.length) != 0) return 0;
  if (address->sa_family == AF_INET) {
    return ntohs(reinterpret_cast<sockaddr_in*>(address)->sin_port);
  }
  if (address->sa_family == AF_INET6) {
    return ntohs(reinterpret_cast<sockaddr_in6*>(address)->sin6_port);
  }
  return 0;
}

bool UringLoop::RegisterPool(BufferPool* pool) {
  const MutableByteSpan memory = pool->memory();
  // An entry ends where a buffer ends, so that no buffer needs two.
  const uint64_t stride = memory.size() / pool->buffers();
  const uint64_t entry_bytes = std::max<uint64_t>(1, kRegisteredBytesMax / stride) * stride;
  for (uint64_t begin = 0; begin < memory.size(); begin += entry_bytes) {
    const auto place = std::find_if(registered_.begin(), registered_.end(),
                                    [](const Registered& entry) { return entry.length == 0; });
    iovec range{memory.data() + begin, std::min<uint64_t>(entry_bytes, memory.size() - begin)};
    const __u64 tag = 0;
    const auto index = static_cast<unsigned>(place - registered_.begin());
    if (place == registered_.end() ||
        io_uring_register_buffers_update_tag(&ring_, index, &range, &tag, 1) != 1) {
      ForgetMemory(memory);
      return false;
    }
    *place = {static_cast<std::byte*>(range.iov_base), range.iov_len};
  }
  return true;
}

void UringLoop::ForgetMemory(MutableByteSpan memory) {
  for (size_t index = 0; index < registered_.size(); ++index) {
    Registered& entry = registered_[index];
    if (entry.length == 0 || entry.begin < memory.data() ||
        entry.begin >= memory.data() + memory.size()) {
      continue;
    }
    const iovec nothing{};
    const __u64 tag = 0;
    io_uring_register_buffers_update_tag(&ring_, static_cast<unsigned>(index), &nothing, &tag, 1);
    entry = {};
  }
}

Fd UringLoop::SignalDescriptor() {
  if (signals_ >= 0) return signals_;
  sigset_t wanted;
  sigemptyset(&wanted);
  sigaddset(&wanted, SIGTERM);
  sigaddset(&wanted, SIGINT);
  sigaddset(&wanted, SIGHUP);
  pthread_sigmask(SIG_BLOCK, &wanted, nullptr);
  signals_ = signalfd(-1, &wanted, SFD_CLOEXEC);
  assert(signals_ >= 0);
  return signals_;
}

std::string UringLoop::Describe() const {
  utsname system;
  uname(&system);
  uint64_t registered_bytes = 0;
  for (const Registered& entry : registered_) registered_bytes += entry.length;
  const char* completions = (setup_flags_ & IORING_SETUP_DEFER_TASKRUN)  ? "deferred"
                            : (setup_flags_ & IORING_SETUP_COOP_TASKRUN) ? "cooperative"
                                                                         : "interrupting";
  return absl::StrFormat(
      "io_uring on %s %s: %u entries, %s completions, %u MiB of registered memory, %u workers",
      system.sysname, system.release, ring_.sq.ring_entries, completions, registered_bytes >> 20,
      workers_count_);
}

}  // namespace tidemark
