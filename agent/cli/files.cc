#include "agent/cli/files.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <filesystem>

#include "absl/strings/str_format.h"
#include "agent/failure.h"
#include "agent/io/transfer.h"

namespace tidemark {
namespace {

constexpr size_t kFileBytesMax = 16 * 1024 * 1024;

absl::Status WriteAll(int fd, const std::string& content, const std::string& path) {
  for (size_t done = 0; done < content.size();) {
    const ssize_t wrote = write(fd, content.data() + done, content.size() - done);
    if (wrote < 0 && errno == EINTR) continue;
    if (wrote < 0) return ErrnoStatus(-errno, "write " + path);
    done += static_cast<size_t>(wrote);
  }
  if (fsync(fd) != 0) return ErrnoStatus(-errno, "flush " + path);
  return absl::OkStatus();
}

std::string DirectoryOf(const std::string& path) {
  return std::filesystem::path(AbsolutePath(path)).parent_path().string();
}

}  // namespace

void SystemEntropy::Fill(MutableByteSpan out) {
  while (!out.empty()) {
    const ssize_t got = getrandom(out.data(), out.size(), 0);
    if (got < 0 && errno != EINTR) std::abort();
    if (got > 0) out = out.subspan(static_cast<size_t>(got));
  }
}

OwnedFd& OwnedFd::operator=(OwnedFd&& other) noexcept {
  if (this != &other) {
    if (fd_ >= 0) close(fd_);
    fd_ = other.release();
  }
  return *this;
}
OwnedFd::~OwnedFd() {
  if (fd_ >= 0) close(fd_);
}
int OwnedFd::release() { return std::exchange(fd_, -1); }

std::string AbsolutePath(const std::string& path) {
  std::error_code error;
  const std::filesystem::path absolute = std::filesystem::absolute(path, error);
  return error ? path : absolute.lexically_normal().string();
}

absl::StatusOr<std::string> ReadWholeFile(const std::string& path) {
  const OwnedFd fd(open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (fd.get() < 0) return ErrnoStatus(-errno, "open " + path);
  std::string content;
  char memory[65536];
  while (true) {
    const ssize_t got = read(fd.get(), memory, sizeof(memory));
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return ErrnoStatus(-errno, "read " + path);
    if (got == 0) return content;
    content.append(memory, static_cast<size_t>(got));
    if (content.size() > kFileBytesMax)
      return absl::InvalidArgumentError(path + " is larger than 16 MiB: not what is expected");
  }
}

absl::Status FlushDirectory(const std::string& path) {
  const OwnedFd fd(open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (fd.get() < 0) return ErrnoStatus(-errno, "open directory " + path);
  if (fsync(fd.get()) != 0) return ErrnoStatus(-errno, "flush directory " + path);
  return absl::OkStatus();
}

absl::Status WriteNewFile(const std::string& path, const std::string& content, uint32_t mode) {
  const OwnedFd fd(open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode));
  if (fd.get() < 0) return ErrnoStatus(-errno, "make " + path);
  if (fchmod(fd.get(), mode) != 0) return ErrnoStatus(-errno, "set the mode of " + path);
  const absl::Status written = WriteAll(fd.get(), content, path);
  if (!written.ok()) {
    unlink(path.c_str());
    return written;
  }
  return FlushDirectory(DirectoryOf(path));
}

absl::Status ReplaceFile(const std::string& path, const std::string& content, uint32_t mode) {
  const std::string beside = path + ".new";
  unlink(beside.c_str());
  const absl::Status written = WriteNewFile(beside, content, mode);
  if (!written.ok()) return written;
  if (rename(beside.c_str(), path.c_str()) != 0) return ErrnoStatus(-errno, "rename to " + path);
  return FlushDirectory(DirectoryOf(path));
}

absl::Status MakeDirectories(const std::string& path, uint32_t mode) {
  std::error_code error;
  const bool made = std::filesystem::create_directories(path, error);
  if (error) return ErrnoStatus(-error.value(), "make directory " + path);
  if (made && chmod(path.c_str(), mode) != 0) return ErrnoStatus(-errno, "set the mode of " + path);
  return absl::OkStatus();
}

bool Exists(const std::string& path) {
  struct stat found;
  return lstat(path.c_str(), &found) == 0;
}

absl::StatusOr<OpenedSource> OpenSource(const std::string& path) {
  OpenedSource source;
  source.fd = OwnedFd(open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (source.fd.get() < 0) return ErrnoStatus(-errno, "open " + path);
  struct stat found;
  if (fstat(source.fd.get(), &found) != 0) return ErrnoStatus(-errno, "look at " + path);
  if (S_ISDIR(found.st_mode)) {
    const std::string name = std::filesystem::path(AbsolutePath(path)).filename().string();
    return WithHint(
        absl::InvalidArgumentError(path + " is a directory; a push takes a file or a stream"),
        absl::StrFormat("tar -c -C %s . | tidemark push --name %s.tar -", path,
                        name.empty() ? "archive" : name));
  }
  source.is_stream = !S_ISREG(found.st_mode);
  return source;
}

}  // namespace tidemark
