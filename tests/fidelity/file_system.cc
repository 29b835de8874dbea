#include "tests/fidelity/file_system.h"

#include <fcntl.h>
#include <linux/fs.h>
#include <linux/loop.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <vector>

#include "absl/strings/str_format.h"
#include "tests/fidelity/script.h"

namespace tidemark {
namespace {

constexpr int kTries = 1000;
// What mkfs of today asks for at least, and a journal that is small enough to come round.
constexpr uint64_t kExt4Bytes = 64 << 20, kXfsBytes = 320 << 20;
constexpr uint64_t kStaleBytes = 40 << 20;

absl::Status Failed(const std::string& what) { return absl::ErrnoToStatus(errno, what); }

absl::Status RunProgram(const std::vector<std::string>& words) {
  std::vector<char*> arguments;
  for (const std::string& word : words) arguments.push_back(const_cast<char*>(word.c_str()));
  arguments.push_back(nullptr);
  const pid_t child = fork();
  if (child < 0) return Failed("fork");
  if (child == 0) {
    execvp(arguments[0], arguments.data());
    _exit(127);
  }
  int status = 0;
  waitpid(child, &status, 0);
  if (WIFEXITED(status) && WEXITSTATUS(status) == 0) return absl::OkStatus();
  return absl::UnavailableError(words[0] + " fails, or is not installed");
}

absl::Status Format(const std::string& kind, const std::string& image) {
  const bool is_xfs = kind == "xfs";
  std::ofstream(image).flush();
  std::error_code error;
  std::filesystem::resize_file(image, is_xfs ? kXfsBytes : kExt4Bytes, error);
  if (error) return absl::UnavailableError(image + ": " + error.message());
  if (is_xfs) return RunProgram({"mkfs.xfs", "-q", "-f", image});
  return RunProgram({"mkfs.ext4", "-q", "-F", "-b", "4096", "-J", "size=4", "-E",
                     "lazy_itable_init=0,lazy_journal_init=0", image});
}

// Something to find where a file is given space that it has not yet written.
absl::Status LeaveStaleBytes(const std::string& point) {
  const std::string path = point + "/stale";
  {
    std::ofstream stale(path, std::ios::binary);
    const std::string page(4096, 'S');
    for (uint64_t at = 0; at < kStaleBytes; at += page.size()) stale << page;
    if (!stale.flush()) return absl::UnavailableError("cannot fill " + point);
  }
  sync();
  std::filesystem::remove(path);
  sync();
  return absl::OkStatus();
}

bool IsOurs(const std::string& path) { return path != "/lost+found" && path != kOtherFile; }

}  // namespace

absl::Status EnterPrivateMounts() {
  if (unshare(CLONE_NEWNS) != 0) return Failed("unshare");
  if (mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0)
    return Failed("mount private");
  return absl::OkStatus();
}

absl::StatusOr<std::unique_ptr<LoopDevice>> LoopDevice::Start(const std::string& file) {
  const int backing = open(file.c_str(), O_RDWR | O_CLOEXEC);
  const int control = open("/dev/loop-control", O_RDWR | O_CLOEXEC);
  if (backing < 0 || control < 0) return Failed("open " + file + " and /dev/loop-control");
  absl::Status failed;
  for (int tries = 0; tries < kTries; ++tries) {  // others take loop devices too
    const int number = ioctl(control, LOOP_CTL_GET_FREE);
    const std::string path = absl::StrFormat("/dev/loop%d", number);
    const int device = open(path.c_str(), O_RDWR | O_CLOEXEC);
    loop_config config = {};
    config.fd = static_cast<uint32_t>(backing);
    config.info.lo_flags = LO_FLAGS_AUTOCLEAR | LO_FLAGS_DIRECT_IO;
    if (device >= 0 && ioctl(device, LOOP_CONFIGURE, &config) == 0) {
      close(backing);
      close(control);
      return std::unique_ptr<LoopDevice>(new LoopDevice(path, device));
    }
    failed = Failed("set up " + path);
    if (device >= 0) close(device);
  }
  close(backing);
  close(control);
  return failed;
}

LoopDevice::~LoopDevice() {
  ioctl(device_, LOOP_CLR_FD, 0);
  close(device_);
}

absl::Status LoopDevice::DropCache() {
  return ioctl(device_, BLKFLSBUF, 0) == 0 ? absl::OkStatus() : Failed("flush " + path_);
}

absl::Status Mount(const std::string& kind, const std::string& device, const std::string& point) {
  const bool done = mount(device.c_str(), point.c_str(), kind.c_str(), MS_NOATIME, "") == 0;
  return done ? absl::OkStatus() : Failed("mount " + kind);
}

absl::Status Unmount(const std::string& point) {
  for (int tries = 0; tries < kTries; ++tries) {
    if (umount2(point.c_str(), 0) == 0) return absl::OkStatus();
    if (errno != EBUSY) break;
    usleep(10000);  // the kernel lets go of a ring's files a little later
  }
  return Failed("unmount " + point);
}

absl::Status MakeImage(const std::string& kind, const std::string& image,
                       const std::string& point) {
  absl::Status done = Format(kind, image);
  if (!done.ok()) return done;
  absl::StatusOr<std::unique_ptr<LoopDevice>> loop = LoopDevice::Start(image);
  if (!loop.ok()) return loop.status();
  done = Mount(kind, (*loop)->path(), point);
  if (!done.ok()) return done;
  done = LeaveStaleBytes(point);
  for (const char* directory : kScriptDirectories) {
    std::filesystem::create_directory(point + directory);
  }
  std::ofstream(point + kOtherFile) << "other";
  absl::Status unmounted = Unmount(point);
  return done.ok() ? unmounted : done;
}

absl::StatusOr<FoundTree> ReadTree(const std::string& point) {
  FoundTree tree;
  std::error_code error;
  std::filesystem::recursive_directory_iterator walk(point, error), end;
  while (!error && walk != end) {
    const std::string path = walk->path().string().substr(point.size());
    if (!IsOurs(path)) {
      walk.disable_recursion_pending();
    } else if (walk->is_directory()) {
      tree[path] = std::nullopt;
    } else {
      std::ifstream file(walk->path(), std::ios::binary);
      tree[path] = std::string(std::istreambuf_iterator<char>(file), {});
      if (file.bad()) return absl::DataLossError(path + " cannot be read");
    }
    walk.increment(error);
  }
  if (error) return absl::DataLossError(point + ": " + error.message());
  return tree;
}

}  // namespace tidemark
