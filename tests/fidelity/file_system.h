// Real file systems on loop devices, for root: images, devices, mounts, and what stands on them.
#ifndef TIDEMARK_TESTS_FIDELITY_FILE_SYSTEM_H_
#define TIDEMARK_TESTS_FIDELITY_FILE_SYSTEM_H_

#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "tests/sim/sim_disk.h"

namespace tidemark {

// From here on what this process and its children mount is theirs alone, and goes with them.
absl::Status EnterPrivateMounts();

// Gone with the object, unless somebody has it mounted.
class LoopDevice {
 public:
  static absl::StatusOr<std::unique_ptr<LoopDevice>> Start(const std::string& file);
  ~LoopDevice();
  LoopDevice(const LoopDevice&) = delete;
  const std::string& path() const { return path_; }
  // Lets go of what the kernel remembers of its bytes: they change behind its back.
  absl::Status DropCache();

 private:
  LoopDevice(std::string path, int device) : path_(std::move(path)), device_(device) {}
  std::string path_;
  int device_;
};

// "ext4" or "xfs".
absl::Status Mount(const std::string& kind, const std::string& device, const std::string& point);
absl::Status Unmount(const std::string& point);

// A file system in the file `image`: kScriptDirectories, a file kOtherFile, and free space full of
// what deleted files left there. `point` is an empty directory.
absl::Status MakeImage(const std::string& kind, const std::string& image, const std::string& point);
inline constexpr const char kOtherFile[] = "/other";

// All below the root of a mount, but what is not the script's.
absl::StatusOr<FoundTree> ReadTree(const std::string& point);

}  // namespace tidemark
#endif  // TIDEMARK_TESTS_FIDELITY_FILE_SYSTEM_H_
