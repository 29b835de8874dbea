// A RecordedDisk as a file that the kernel reads and writes: a FUSE file system that is one file,
// served by a child process. A loop device on it is a block device whose every write and flush is
// seen, and which can lose power.
//
// FUSE's own protocol (linux/fuse.h) is spoken here: a file that is read, written and flushed needs
// a dozen of its messages, and no library of threads.
#ifndef TIDEMARK_TESTS_FIDELITY_FUSE_DISK_H_
#define TIDEMARK_TESTS_FIDELITY_FUSE_DISK_H_

#include <sys/types.h>

#include <cstdint>
#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "tests/fidelity/recorded_disk.h"

namespace tidemark {

class FuseDisk {
 public:
  // Mounts over the file `mount_point`, which is made. The image's bytes are the disk's base.
  static absl::StatusOr<std::unique_ptr<FuseDisk>> Start(const std::string& image,
                                                         const std::string& mount_point);
  // Ends the child. Nothing may use the file any more.
  ~FuseDisk();
  FuseDisk(const FuseDisk&) = delete;

  // See RecordedDisk. No file system may be mounted on it for the last two, and no cache be filled.
  uint64_t Moment();
  void CutPower(uint64_t moment, uint64_t seed, bool lies);
  void Reset();

 private:
  FuseDisk(std::string mount_point, pid_t child, int orders);
  struct Order {
    enum class Kind : uint32_t { kMoment, kCutPower, kReset };
    Kind kind = Kind::kMoment;
    uint32_t lies = 0;
    uint64_t moment = 0, seed = 0;
  };
  class Server;
  uint64_t Give(const Order& order);

  std::string mount_point_;
  pid_t child_;
  int orders_;  // a socket to the child
};

}  // namespace tidemark
#endif  // TIDEMARK_TESTS_FIDELITY_FUSE_DISK_H_
