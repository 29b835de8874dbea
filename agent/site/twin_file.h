// A small file kept twice: path.0 and path.1, each whole, with a generation and a checksum.
//
// A new generation goes to both, one after the other, each written aside, flushed and renamed. A
// crash leaves the old or the new one; rot of one copy costs nothing; a failed flush never touches
// a copy that is good.
#ifndef TIDEMARK_AGENT_SITE_TWIN_FILE_H_
#define TIDEMARK_AGENT_SITE_TWIN_FILE_H_

#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "agent/io/task.h"
#include "replicator/format_mark.h"

namespace tidemark {

class TwinFile {
 public:
  // `mark` is of what it contains. Load | Store first, one call at a time.
  TwinFile(Io* io, std::string path, FormatMark mark)
      : io_(io), path_(std::move(path)), mark_(mark) {}
  Io* io() const { return io_; }

  // The content of the newest generation that is whole; a copy that is missing or damaged is made
  // again. kNotFound: there is neither copy; kDataLoss: there is one but none is whole;
  // kUnimplemented: made by a newer format version.
  Task<absl::StatusOr<std::string>> Load();
  // Durable in both copies when OK. After an error the old or the new content is found next time.
  Task<absl::Status> Store(std::string content);
  // Reads both copies again and makes a damaged one anew, both from `content` when neither is
  // whole. How many that were; 0 also when there is none yet.
  Task<absl::StatusOr<uint64_t>> Mend(std::string content);
  // Whether the name of a directory entry is one of the files that Store makes for `base`.
  static bool Owns(const std::string& base, const std::string& name);

 private:
  struct Copy {
    absl::Status status;
    uint64_t generation = 0;
    std::string content;
  };
  std::string Encode(const std::string& content) const;
  Copy Decode(const std::string& file) const;
  Task<Copy> LoadCopy(int number);
  Task<absl::Status> StoreCopies(std::string content, bool first, bool second);

  Io* io_;
  std::string path_;
  FormatMark mark_;
  uint64_t generation_ = 0;
};

}  // namespace tidemark
#endif  // TIDEMARK_AGENT_SITE_TWIN_FILE_H_
