#include "tests/fidelity/script.h"

#include <algorithm>
#include <cerrno>

#include "absl/strings/str_format.h"
#include "agent/io/pool.h"
#include "tests/sim/sim_random.h"

namespace tidemark {
namespace {

constexpr uint64_t kFileBytes = 512 * 1024;     // where steps strike
constexpr uint64_t kDirectUnits = 32;           // longest direct write, in pages
constexpr uint64_t kBufferedBytes = 96 * 1024;  // longest buffered write
constexpr uint64_t kMemoryBytes = 1 << 20;

// Draws steps that mostly make sense: it remembers what is open, not what exists.
class Author {
 public:
  explicit Author(uint64_t seed) : random_(seed) {}

  Step Draw() {
    Step step;
    step.bytes_seed = random_.Next();
    if (random_.Chance(120000)) step.nudge = static_cast<Step::Nudge>(random_.Between(1, 3));
    const uint64_t chosen = random_.Below(100);
    if (chosen < 30) {
      DrawNames(&step);
    } else {
      DrawContent(&step);
    }
    return step;
  }

 private:
  std::string Directory() {
    const std::string directory = kScriptDirectories[random_.Below(2)];
    return random_.Chance(150000) ? directory + "/n" : directory;
  }
  std::string Path() {
    return Directory() + "/" + std::string(1, static_cast<char>('a' + random_.Below(4)));
  }

  void DrawNames(Step* step) {
    using Kind = Step::Kind;
    constexpr Kind kKinds[] = {Kind::kSyncDirectory, Kind::kSyncDirectory, Kind::kSyncDirectory,
                               Kind::kRename,        Kind::kRename,        Kind::kRenameNew,
                               Kind::kUnlink,        Kind::kMakeDirectory};
    step->kind = kKinds[random_.Below(std::size(kKinds))];
    step->path = Path();
    step->path2 = Path();
    if (step->kind == Kind::kSyncDirectory) step->path = Directory();
    if (step->kind == Kind::kMakeDirectory) {
      step->path = std::string(kScriptDirectories[random_.Below(2)]) + "/n";
    }
  }

  void DrawContent(Step* step) {
    using Kind = Step::Kind;
    step->slot = static_cast<uint32_t>(random_.Below(kSlots));
    Slot& slot = slots_[step->slot];
    if (!slot.open || random_.Chance(60000)) {
      step->kind = slot.open ? Kind::kClose : random_.Chance(250000) ? Kind::kOpen : Kind::kCreate;
      step->path = Path();
      step->direct = random_.Coin();
      slot = {step->kind != Kind::kClose, step->direct};
      return;
    }
    const uint64_t chosen = random_.Below(20);
    step->kind = chosen < 9    ? Kind::kWrite
                 : chosen < 13 ? Kind::kSync
                 : chosen < 15 ? Kind::kAllocate
                 : chosen < 18 ? Kind::kPunch
                               : Kind::kTruncate;
    DrawRange(step, slot.direct);
  }

  void DrawRange(Step* step, bool direct) {
    if (step->kind == Step::Kind::kWrite && direct) {
      step->offset = random_.Below(kFileBytes / kDirectIoBytes) * kDirectIoBytes;
      step->length = random_.Between(1, kDirectUnits) * kDirectIoBytes;
    } else {
      step->offset = random_.Below(kFileBytes);
      step->length = random_.Between(1, random_.Coin() ? kBufferedBytes : 2000);
    }
    // Many at the front, so that changes meet each other.
    if (random_.Coin()) step->offset = step->offset / 16 / kDirectIoBytes * kDirectIoBytes;
    if (step->kind == Step::Kind::kTruncate) step->length = step->offset;
  }

  struct Slot {
    bool open = false, direct = false;
  };
  SimRandom random_;
  Slot slots_[kSlots];
};

Op OpFor(Io* io, const std::string& base, const Step& step, Fd fd, MutableByteSpan memory) {
  using Kind = Step::Kind;
  const std::string path = base + step.path, path2 = base + step.path2;
  const uint32_t flags = kOpenRead | kOpenWrite | (step.direct ? uint32_t{kOpenDirect} : 0);
  switch (step.kind) {
    case Kind::kCreate:
      return io->Open(path, flags | kOpenCreate | kOpenExclusive);
    case Kind::kOpen:
      return io->Open(path, flags);
    case Kind::kClose:
      return io->Close(fd);
    case Kind::kWrite: {
      const MutableByteSpan bytes = memory.first(step.length);
      SimRandom(step.bytes_seed).Fill(bytes);
      return io->Write(fd, bytes, step.offset);
    }
    case Kind::kAllocate:
      return io->Allocate(fd, step.offset, step.length);
    case Kind::kPunch:
      return io->Punch(fd, step.offset, step.length);
    case Kind::kTruncate:
      return io->Truncate(fd, step.length);
    case Kind::kSync:
      return io->Sync(fd);
    case Kind::kSyncDirectory:
      return io->SyncDirectory(path);
    case Kind::kRename:
      return io->Rename(path, path2);
    case Kind::kRenameNew:
      return io->RenameNew(path, path2);
    case Kind::kUnlink:
      return io->Unlink(path);
    case Kind::kMakeDirectory:
      return io->MakeDirectory(path);
  }
  return io->Close(-1);
}

bool NeedsFile(Step::Kind kind) {
  return kind == Step::Kind::kClose || kind == Step::Kind::kWrite ||
         kind == Step::Kind::kAllocate || kind == Step::Kind::kPunch ||
         kind == Step::Kind::kTruncate || kind == Step::Kind::kSync;
}

}  // namespace

std::string Step::Text() const {
  constexpr const char* kNames[] = {
      "create", "open",           "close",  "write",      "allocate", "punch",         "truncate",
      "sync",   "sync-directory", "rename", "rename-new", "unlink",   "make-directory"};
  constexpr const char* kNudges[] = {"", " (write-back before)", " (another file synced before)",
                                     " (all synced before)"};
  const std::string name = kNames[static_cast<size_t>(kind)];
  const char* before = kNudges[static_cast<size_t>(nudge)];
  if (kind == Kind::kCreate || kind == Kind::kOpen) {
    return absl::StrFormat("%s %s as %d%s%s", name, path, slot, direct ? " direct" : "", before);
  }
  if (NeedsFile(kind)) {
    return absl::StrFormat("%s %d offset=%d length=%d%s", name, slot, offset, length, before);
  }
  return absl::StrFormat("%s %s %s%s", name, path, path2, before);
}

std::vector<Step> DrawScript(uint64_t seed) {
  SimRandom random(MixSeeds(seed, HashText("script length")));
  std::vector<Step> script(random.Between(10, 60));
  Author author(seed);
  std::generate(script.begin(), script.end(), [&author] { return author.Draw(); });
  return script;
}

Task<> PlayScript(Io* io, std::string base, const std::vector<Step>* script,
                  ScriptWatcher* watcher) {
  BufferPool pool(io, 1, kMemoryBytes);
  PooledBuffer memory = pool.TryAcquire();
  Fd open[kSlots];
  std::fill(std::begin(open), std::end(open), -1);
  for (size_t i = 0; i < script->size(); ++i) {
    const Step& step = (*script)[i];
    Fd* slot = &open[step.slot];
    const bool needs = NeedsFile(step.kind);
    watcher->Before(i, needs ? *slot : -1);
    int32_t result = -EBADF;
    if (!needs || *slot >= 0) {
      Op op = OpFor(io, base, step, *slot, memory.span());
      result = co_await op;
    }
    if (step.kind == Step::Kind::kCreate || step.kind == Step::Kind::kOpen) {
      *slot = result;
      result = std::min(result, 0);
    }
    if (step.kind == Step::Kind::kClose) *slot = -1;
    watcher->After(i, result);
  }
  for (const Fd fd : open) {
    if (fd < 0) continue;
    Op close = io->Close(fd);
    const int32_t closed = co_await close;
    (void)closed;
  }
}

}  // namespace tidemark
