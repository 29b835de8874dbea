#include "agent/cli/part_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <memory>

#include "absl/strings/str_format.h"
#include "agent/failure.h"
#include "agent/io/transfer.h"

namespace tidemark {
namespace {

constexpr char kSuffix[] = ".tidemark-part";
constexpr uint32_t kPermissionBits = 07777;

absl::Status PathExists(const std::string& path) {
  return WithHint(absl::AlreadyExistsError(path + " exists; a restore does not replace it"),
                  "restore to another path, or say --overwrite");
}

bool IsSameFile(int fd, const std::string& path) {
  struct stat opened, named;
  if (fstat(fd, &opened) != 0 || stat(path.c_str(), &named) != 0) return false;
  return opened.st_dev == named.st_dev && opened.st_ino == named.st_ino;
}

// Locks the part file against a second restore. What a dead one left is written anew.
absl::StatusOr<OwnedFd> OpenPart(const std::string& part) {
  while (true) {
    OwnedFd fd(open(part.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600));
    if (fd.get() < 0) return ErrnoStatus(-errno, "make " + part);
    if (flock(fd.get(), LOCK_EX | LOCK_NB) != 0)
      return absl::AlreadyExistsError(part + " is being written by another restore");
    // Published or removed by its owner before we had the lock: then it is no longer ours to touch.
    if (!IsSameFile(fd.get(), part)) continue;
    if (ftruncate(fd.get(), 0) != 0) return ErrnoStatus(-errno, "empty " + part);
    return fd;
  }
}

// Gives errno. Some file systems know no exclusive rename; a hard link is as exclusive.
int RenameTo(const std::string& from, const std::string& to, bool overwrite) {
  const unsigned flags = overwrite ? 0 : RENAME_NOREPLACE;
  if (renameat2(AT_FDCWD, from.c_str(), AT_FDCWD, to.c_str(), flags) == 0) return 0;
  if (overwrite || (errno != EINVAL && errno != ENOSYS)) return errno;
  if (link(from.c_str(), to.c_str()) != 0) return errno;
  return unlink(from.c_str()) == 0 ? 0 : errno;
}

}  // namespace

PartFile::PartFile(std::string path, bool overwrite, OwnedFd fd)
    : path_(std::move(path)),
      part_path_(path_ + kSuffix),
      overwrite_(overwrite),
      fd_(std::move(fd)) {}

PartFile::PartFile(PartFile&& other) noexcept
    : path_(std::move(other.path_)),
      part_path_(std::move(other.part_path_)),
      overwrite_(other.overwrite_),
      fd_(std::move(other.fd_)),
      published_(other.published_) {}

PartFile::~PartFile() {
  if (fd_.get() >= 0 && !published_) unlink(part_path_.c_str());
}

absl::StatusOr<PartFile> PartFile::Open(const std::string& path, bool overwrite) {
  const std::string absolute = AbsolutePath(path);
  struct stat found;
  const bool exists = lstat(absolute.c_str(), &found) == 0;
  if (exists && !overwrite) return PathExists(path);
  if (exists && !S_ISREG(found.st_mode))
    return absl::InvalidArgumentError(path + " is no regular file; it cannot be replaced");
  absl::StatusOr<OwnedFd> fd = OpenPart(absolute + kSuffix);
  if (!fd.ok()) return fd.status();
  return PartFile(absolute, overwrite, *std::move(fd));
}

void PartFile::PreferDirect() {
  const std::unique_ptr<void, void (*)(void*)> block(
      std::aligned_alloc(kDirectIoBytes, kDirectIoBytes), std::free);
  std::memset(block.get(), 0, kDirectIoBytes);
  const int flags = fcntl(fd_.get(), F_GETFL);
  if (fcntl(fd_.get(), F_SETFL, flags | O_DIRECT) != 0) return;
  // Some file systems want larger blocks, and say so only now.
  if (pwrite(fd_.get(), block.get(), kDirectIoBytes, 0) < 0 || ftruncate(fd_.get(), 0) != 0)
    fcntl(fd_.get(), F_SETFL, flags);
}

absl::Status PartFile::Publish(uint32_t mode, int64_t mtime_nanos) {
  // A stream had no mode: then the file is as a new one is.
  const mode_t mask = umask(0);
  umask(mask);
  const uint32_t wanted = (mode & kPermissionBits) != 0 ? mode & kPermissionBits : 0666 & ~mask;
  if (fchmod(fd_.get(), wanted) != 0) return ErrnoStatus(-errno, "set the mode of " + part_path_);
  if (mtime_nanos != 0) {
    const timespec modified = {mtime_nanos / 1'000'000'000, mtime_nanos % 1'000'000'000};
    const timespec times[2] = {{0, UTIME_OMIT}, modified};
    if (futimens(fd_.get(), times) != 0)
      return ErrnoStatus(-errno, "set the time of " + part_path_);
  }
  if (fsync(fd_.get()) != 0) return ErrnoStatus(-errno, "flush " + part_path_);
  const int renamed = RenameTo(part_path_, path_, overwrite_);
  if (renamed == EEXIST) return PathExists(path_);
  if (renamed != 0) return ErrnoStatus(-renamed, "rename to " + path_);
  published_ = true;
  return FlushDirectory(std::filesystem::path(path_).parent_path().string());
}

}  // namespace tidemark
