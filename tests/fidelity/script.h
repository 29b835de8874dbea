// A random script of what a site does to its disk, and its play on any Io.
//
// A script is a list of steps on a few names in two directories and on the files that it holds
// open. The same script is played on the kernel's file system and in the simulated world; the
// results of all steps must be equal.
#ifndef TIDEMARK_TESTS_FIDELITY_SCRIPT_H_
#define TIDEMARK_TESTS_FIDELITY_SCRIPT_H_

#include <cstdint>
#include <string>
#include <vector>

#include "agent/io/task.h"

namespace tidemark {

struct Step {
  enum class Kind : uint8_t {
    kCreate,         // path, direct -> slot
    kOpen,           // path, direct -> slot
    kClose,          // slot
    kWrite,          // slot, offset, length
    kAllocate,       // slot, offset, length
    kPunch,          // slot, offset, length
    kTruncate,       // slot, length
    kSync,           // slot
    kSyncDirectory,  // path
    kRename,         // path -> path2
    kRenameNew,      // path -> path2
    kUnlink,         // path
    kMakeDirectory,  // path
  };
  Kind kind = Kind::kCreate;
  std::string path, path2;
  uint32_t slot = 0;
  bool direct = false;
  uint64_t offset = 0, length = 0;
  uint64_t bytes_seed = 0;  // of what is written
  // The kernel's own doing before this step, where there is a kernel: Script says what.
  enum class Nudge : uint8_t { kNone, kWriteBack, kSyncOther, kSyncAll };
  Nudge nudge = Nudge::kNone;

  // A flush promises something; anything else only may have happened.
  bool promises() const { return kind == Kind::kSync || kind == Kind::kSyncDirectory; }
  std::string Text() const;
};

inline constexpr uint32_t kSlots = 4;
inline constexpr const char* kScriptDirectories[] = {"/d", "/e"};  // there, durably, at the start

std::vector<Step> DrawScript(uint64_t seed);

// Hears of each step, between operations.
class ScriptWatcher {
 public:
  virtual ~ScriptWatcher() = default;
  // `open`: the descriptor of the slot that the step is about, -1 where there is none.
  virtual void Before(size_t step, Fd open) = 0;
  virtual void After(size_t step, int32_t result) = 0;
};

// Plays it below the directory `base` ("" is the root). A step on an empty slot gives -EBADF
// without asking the Io. All files are closed at the end.
Task<> PlayScript(Io* io, std::string base, const std::vector<Step>* script,
                  ScriptWatcher* watcher);

}  // namespace tidemark
#endif  // TIDEMARK_TESTS_FIDELITY_SCRIPT_H_
