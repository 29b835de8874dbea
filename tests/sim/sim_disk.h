// One node's file system: a tree of directories and SimFiles, with what a power loss does to it.
//
// Directory entries are pending until SyncDirectory of their directory; a power loss takes a
// subset of the pending ones that keeps the order of the changes of each name. The operations in
// the first half are SimIo's and give 0 or a count, or -errno; those in the second half are for
// tests: they act at once, durably, and need no running node.
#ifndef TIDEMARK_TESTS_SIM_SIM_DISK_H_
#define TIDEMARK_TESTS_SIM_SIM_DISK_H_

#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "agent/io/op.h"
#include "tests/sim/sim_file.h"

namespace tidemark {

struct SimInode {
  uint64_t number = 0;
  bool is_directory = false;
  SimFile file;
  std::map<std::string, std::shared_ptr<SimInode>> entries, durable_entries;  // directories
  uint32_t links = 0, opens = 0;
  uint64_t locked_by = 0;
  std::vector<std::pair<uint64_t, uint64_t>> unreadable;  // [begin, end) that read -EIO
  absl::Time mtime, ctime;
};
using SimInodeRef = std::shared_ptr<SimInode>;
// Full paths of what somebody found on a disk, with the bytes of files; directories have none.
using FoundTree = std::map<std::string, std::optional<std::string>>;

class SimDisk {
 public:
  explicit SimDisk(uint64_t seed);

  // --- for SimIo. `now` stamps what changes.
  void set_now(absl::Time now) { now_ = now; }
  void set_capacity(uint64_t bytes) { capacity_pages_ = bytes / kPageBytes; }
  int32_t Open(std::string_view path, uint32_t flags, SimInodeRef* opened);
  void Close(SimInode* inode);
  int32_t Read(SimInode* inode, uint64_t offset, MutableByteSpan into) const;
  int32_t Write(SimInode* inode, uint64_t offset, ByteSpan from);
  int32_t Allocate(SimInode* inode, uint64_t offset, uint64_t length);
  int32_t Punch(SimInode* inode, uint64_t offset, uint64_t length);
  int32_t Truncate(SimInode* inode, uint64_t length);
  // Names the directory changes made so far; a flush submitted now covers exactly these.
  uint64_t mark() const { return mark_; }
  int32_t SyncDirectory(std::string_view path, uint64_t mark);
  int32_t Rename(std::string_view from, std::string_view to, bool replace);
  int32_t Unlink(std::string_view path);
  int32_t MakeDirectory(std::string_view path);
  int32_t List(std::string_view path, std::vector<DirectoryEntry>* entries) const;
  int32_t Stat(std::string_view path, FileStat* stat) const;
  void StatInode(const SimInode& inode, FileStat* stat) const;

  // --- for tests
  // What SimWorld::Crash does to a disk without power. No file may stay open.
  void LosePower(uint32_t garbage_ppm);
  // Whether it could leave exactly this, without garbage; else `why` says what comes nearest.
  bool Allows(const FoundTree& found, std::string* why) const;
  uint64_t used_bytes() const { return used_pages_ * kPageBytes; }
  uint64_t capacity_bytes() const { return capacity_pages_ * kPageBytes; }
  bool Exists(std::string_view path) const { return Find(path) != nullptr; }
  std::optional<std::string> ReadFile(std::string_view path) const;
  void WriteFile(std::string_view path, std::string_view content);  // makes its directories
  void MakeDirectories(std::string_view path);
  // All files below a directory, full paths, sorted.
  std::vector<std::string> Files(std::string_view below) const;
  // What stable storage holds, whatever is still pending: files that a power loss would leave under
  // that name for certain, and their bytes. ReadDurable gives the bytes up to the file's end.
  std::vector<std::string> DurableFiles(std::string_view below) const;
  size_t ReadDurable(std::string_view path, uint64_t offset, MutableByteSpan into) const;
  void RemoveTree(std::string_view path);
  // Rot, and a sector that cannot be read until it is written again. The file must exist.
  void FlipByte(std::string_view path, uint64_t offset, uint8_t mask = 0xff);
  void MendByte(std::string_view path, uint64_t offset, uint8_t rotten, uint8_t mask);
  void MakeUnreadable(std::string_view path, uint64_t offset, uint64_t length);
  // An image of everything as it reads now; Restore rolls the disk back to it (the node is down).
  std::shared_ptr<const SimInode> Snapshot() const;
  void Restore(const std::shared_ptr<const SimInode>& image);
  // Replaces the tree at `to` with a copy of the one at `from` on another disk (or this one).
  void CopyTree(const SimDisk& other, std::string_view from, std::string_view to);

 private:
  struct Change {  // of directory entries; each part may be absent
    uint64_t mark = 0;
    SimInodeRef inode;
    SimInodeRef from, to;
    std::string from_name, to_name;
  };
  struct Place {
    SimInodeRef directory;
    std::string name;
    int32_t error = 0;
  };
  struct Comparison;
  SimInodeRef Find(std::string_view path) const;
  SimInodeRef FindDurable(std::string_view path) const;
  Place FindPlace(std::string_view path) const;
  SimInodeRef Make(bool is_directory);
  void Link(const Place& place, const SimInodeRef& inode, const Place* from);
  void DropLink(SimInode* inode);
  void Forget(SimInode* inode);
  void Resized(SimInode* inode, uint64_t pages_before);
  SimInodeRef CopyOf(const SimInode& inode);
  void RecoverTree(SimInode* inode, uint32_t garbage_ppm);
  const SimFile* DrawDeleted();
  void Recount();
  static void ApplyDurably(const Change& change);
  // Directory and name of each entry that it touches.
  static std::vector<std::pair<uint64_t, std::string>> NamesOf(const Change& change);

  SimRandom random_;
  uint64_t next_inode_ = 1;  // before the root, which takes the first
  SimInodeRef root_;
  std::vector<Change> pending_;
  uint64_t mark_ = 0;
  std::deque<SimFile> deleted_;  // the newest ones: their space is given to new files
  uint64_t used_pages_ = 0, capacity_pages_ = 0;
  absl::Time now_ = absl::UnixEpoch();
};

}  // namespace tidemark
#endif  // TIDEMARK_TESTS_SIM_SIM_DISK_H_
