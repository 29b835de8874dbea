// Files as the command line needs them: blocking, whole, with messages that name the path.
#ifndef TIDEMARK_AGENT_CLI_FILES_H_
#define TIDEMARK_AGENT_CLI_FILES_H_

#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "crypto/bytes.h"

namespace tidemark {

// getrandom(2).
class SystemEntropy : public EntropySource {
 public:
  void Fill(MutableByteSpan out) override;
};

// A descriptor that is closed when it dies.
class OwnedFd {
 public:
  explicit OwnedFd(int fd = -1) : fd_(fd) {}
  OwnedFd(OwnedFd&& other) noexcept : fd_(other.release()) {}
  OwnedFd& operator=(OwnedFd&& other) noexcept;
  ~OwnedFd();
  int get() const { return fd_; }
  int release();

 private:
  int fd_;
};

std::string AbsolutePath(const std::string& path);
// kInvalidArgument when it is larger than 16 MiB.
absl::StatusOr<std::string> ReadWholeFile(const std::string& path);
// A new file, flushed with its directory. kAlreadyExists when there is one.
absl::Status WriteNewFile(const std::string& path, const std::string& content, uint32_t mode);
// The same in place of an old one: written beside it, renamed over it.
absl::Status ReplaceFile(const std::string& path, const std::string& content, uint32_t mode);
// With its parents; the last one made gets `mode`. Existing is fine.
absl::Status MakeDirectories(const std::string& path, uint32_t mode);
absl::Status FlushDirectory(const std::string& path);
bool Exists(const std::string& path);

// A source for push: kNotFound, kPermissionDenied, kInvalidArgument for a directory (with the tar
// hint).
struct OpenedSource {
  OwnedFd fd;
  bool is_stream = false;
};
absl::StatusOr<OpenedSource> OpenSource(const std::string& path);

}  // namespace tidemark
#endif  // TIDEMARK_AGENT_CLI_FILES_H_
