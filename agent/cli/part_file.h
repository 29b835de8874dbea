// PATH.tidemark-part: a restore in the making. It becomes PATH only when everything in it is
// verified and flushed, and is removed when it does not.
#ifndef TIDEMARK_AGENT_CLI_PART_FILE_H_
#define TIDEMARK_AGENT_CLI_PART_FILE_H_

#include <string>

#include "agent/cli/files.h"

namespace tidemark {

//   Open -> (fd is written) -> Publish; or it dies.
class PartFile {
 public:
  // kAlreadyExists: PATH exists (unless `overwrite`), or another restore writes to it now.
  static absl::StatusOr<PartFile> Open(const std::string& path, bool overwrite);
  PartFile(PartFile&& other) noexcept;
  ~PartFile();
  int fd() const { return fd_.get(); }
  // While it is empty: what is written goes past the page cache, which a restore would only fill
  // with what nobody reads again. Then in whole blocks of 4096 bytes only, see RestoredFile. Does
  // nothing where the file system refuses.
  void PreferDirect();
  // Sets mode and time (0: now), flushes, renames, flushes the directory.
  absl::Status Publish(uint32_t mode, int64_t mtime_nanos);

 private:
  PartFile(std::string path, bool overwrite, OwnedFd fd);
  std::string path_, part_path_;
  bool overwrite_;
  OwnedFd fd_;
  bool published_ = false;
};

}  // namespace tidemark
#endif  // TIDEMARK_AGENT_CLI_PART_FILE_H_
