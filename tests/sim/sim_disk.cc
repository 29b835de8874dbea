#include "tests/sim/sim_disk.h"

#include <algorithm>
#include <cassert>
#include <cerrno>

#include "absl/strings/str_split.h"

namespace tidemark {
namespace {

constexpr size_t kNameBytesMax = 255;
constexpr size_t kDeletedKept = 4;
constexpr uint64_t kFreeWithoutLimit = uint64_t{1} << 40;

// The names on a path; false where the path is not one that the waist allows.
bool Split(std::string_view path, std::vector<std::string>* names) {
  if (path.empty() || path[0] != '/') return false;
  *names = absl::StrSplit(absl::string_view(path.data(), path.size()), '/', absl::SkipEmpty());
  names->erase(std::remove(names->begin(), names->end(), "."), names->end());
  return std::find(names->begin(), names->end(), "..") == names->end();
}

}  // namespace

SimDisk::SimDisk(uint64_t seed) : random_(seed), root_(Make(true)) { root_->links = 1; }

SimInodeRef SimDisk::Make(bool is_directory) {
  auto inode = std::make_shared<SimInode>();
  inode->number = next_inode_++;
  inode->is_directory = is_directory;
  inode->mtime = inode->ctime = now_;
  return inode;
}

SimInodeRef SimDisk::Find(std::string_view path) const {
  std::vector<std::string> names;
  if (!Split(path, &names)) return nullptr;
  SimInodeRef at = root_;
  for (const std::string& name : names) {
    const auto entry = at->entries.find(name);
    if (entry == at->entries.end()) return nullptr;
    at = entry->second;
  }
  return at;
}

SimDisk::Place SimDisk::FindPlace(std::string_view path) const {
  std::vector<std::string> names;
  if (!Split(path, &names) || names.empty()) return {nullptr, "", -EINVAL};
  Place place{root_, names.back(), 0};
  names.pop_back();
  if (place.name.size() > kNameBytesMax) return {nullptr, "", -ENAMETOOLONG};
  for (const std::string& name : names) {
    const auto entry = place.directory->entries.find(name);
    if (entry == place.directory->entries.end()) return {nullptr, "", -ENOENT};
    if (!entry->second->is_directory) return {nullptr, "", -ENOTDIR};
    place.directory = entry->second;
  }
  return place;
}

void SimDisk::Link(const Place& place, const SimInodeRef& inode, const Place* from) {
  Change change{++mark_, inode, nullptr, place.directory, "", place.name};
  const auto existing = place.directory->entries.find(place.name);
  if (existing != place.directory->entries.end()) DropLink(existing->second.get());
  if (from != nullptr) {
    change.from = from->directory;
    change.from_name = from->name;
    from->directory->entries.erase(from->name);
  } else {
    ++inode->links;
  }
  place.directory->entries[place.name] = inode;
  place.directory->mtime = place.directory->ctime = inode->ctime = now_;
  pending_.push_back(std::move(change));
}

void SimDisk::DropLink(SimInode* inode) {
  assert(inode->links > 0);
  --inode->links;
  inode->ctime = now_;
  if (inode->links == 0 && inode->opens == 0) Forget(inode);
}

void SimDisk::Forget(SimInode* inode) {
  used_pages_ -= inode->file.allocated_pages();
  if (inode->is_directory || inode->file.size() <= kPageBytes) return;
  deleted_.push_back(inode->file);
  if (deleted_.size() > kDeletedKept) deleted_.pop_front();
}

int32_t SimDisk::Open(std::string_view path, uint32_t flags, SimInodeRef* opened) {
  SimInodeRef inode = Find(path);
  if (inode == nullptr) {
    const Place place = FindPlace(path);
    if (place.error != 0) return place.error;
    if ((flags & kOpenCreate) == 0) return -ENOENT;
    inode = Make(false);
    Link(place, inode, nullptr);
  } else if ((flags & kOpenCreate) != 0 && (flags & kOpenExclusive) != 0) {
    return -EEXIST;
  }
  if (inode->is_directory && (flags & (kOpenWrite | kOpenCreate)) != 0) return -EISDIR;
  // Nobody holds it: the page cache may have let go of what never reached the disk.
  if (inode->opens == 0 && inode->file.lost() && random_.Coin()) {
    inode->file.MakeDurable(inode->file.mark());
    inode->file.DropCache();
  }
  ++inode->opens;
  if ((flags & kOpenTruncate) != 0 && inode->file.size() > 0) Truncate(inode.get(), 0);
  *opened = std::move(inode);
  return 0;
}

void SimDisk::Close(SimInode* inode) {
  assert(inode->opens > 0);
  --inode->opens;
  if (inode->links == 0 && inode->opens == 0) Forget(inode);
}

int32_t SimDisk::Read(SimInode* inode, uint64_t offset, MutableByteSpan into) const {
  if (inode->is_directory) return -EISDIR;
  for (const auto& [begin, end] : inode->unreadable) {
    if (offset < end && begin < offset + into.size()) return -EIO;
  }
  return static_cast<int32_t>(inode->file.Read(offset, into));
}

void SimDisk::Resized(SimInode* inode, uint64_t pages_before) {
  used_pages_ += inode->file.allocated_pages() - pages_before;
  inode->mtime = inode->ctime = now_;
}

int32_t SimDisk::Write(SimInode* inode, uint64_t offset, ByteSpan from) {
  if (capacity_pages_ != 0) {
    const uint64_t free = capacity_pages_ - std::min(capacity_pages_, used_pages_);
    while (!from.empty() && inode->file.MissingPages(offset, from.size()) > free) {
      const uint64_t last = (offset + from.size() - 1) / kPageBytes * kPageBytes;
      from = from.first(last > offset ? last - offset : 0);
    }
    if (from.empty()) return -ENOSPC;
  }
  const uint64_t before = inode->file.allocated_pages();
  inode->file.Write(offset, from);
  Resized(inode, before);
  const uint64_t end = offset + from.size();
  std::erase_if(inode->unreadable,
                [&](const auto& bad) { return offset <= bad.first && bad.second <= end; });
  return static_cast<int32_t>(from.size());
}

int32_t SimDisk::Allocate(SimInode* inode, uint64_t offset, uint64_t length) {
  if (length == 0) return -EINVAL;
  if (capacity_pages_ != 0 &&
      used_pages_ + inode->file.MissingPages(offset, length) > capacity_pages_) {
    return -ENOSPC;
  }
  const uint64_t before = inode->file.allocated_pages();
  inode->file.Allocate(offset, length);
  Resized(inode, before);
  return 0;
}

int32_t SimDisk::Punch(SimInode* inode, uint64_t offset, uint64_t length) {
  if (length == 0) return -EINVAL;
  const uint64_t before = inode->file.allocated_pages();
  inode->file.Punch(offset, length);
  Resized(inode, before);
  return 0;
}

int32_t SimDisk::Truncate(SimInode* inode, uint64_t length) {
  const uint64_t before = inode->file.allocated_pages();
  inode->file.Truncate(length);
  Resized(inode, before);
  return 0;
}

int32_t SimDisk::Rename(std::string_view from, std::string_view to, bool replace) {
  const Place source = FindPlace(from), target = FindPlace(to);
  if (source.error != 0) return source.error;
  if (target.error != 0) return target.error;
  const auto moved = source.directory->entries.find(source.name);
  if (moved == source.directory->entries.end()) return -ENOENT;
  const SimInodeRef inode = moved->second;
  const auto existing = target.directory->entries.find(target.name);
  if (existing != target.directory->entries.end()) {
    const SimInode& over = *existing->second;
    if (!replace) return -EEXIST;
    if (&over == inode.get()) return 0;
    if (over.is_directory && !inode->is_directory) return -EISDIR;
    if (!over.is_directory && inode->is_directory) return -ENOTDIR;
    if (!over.entries.empty()) return -ENOTEMPTY;
  }
  Link(target, inode, &source);
  return 0;
}

int32_t SimDisk::Unlink(std::string_view path) {
  const Place place = FindPlace(path);
  if (place.error != 0) return place.error;
  const auto entry = place.directory->entries.find(place.name);
  if (entry == place.directory->entries.end()) return -ENOENT;
  if (entry->second->is_directory) return -EISDIR;
  pending_.push_back(Change{++mark_, entry->second, place.directory, nullptr, place.name, ""});
  DropLink(entry->second.get());
  place.directory->entries.erase(entry);
  place.directory->mtime = place.directory->ctime = now_;
  return 0;
}

int32_t SimDisk::MakeDirectory(std::string_view path) {
  if (Find(path) != nullptr) return -EEXIST;
  const Place place = FindPlace(path);
  if (place.error != 0) return place.error;
  Link(place, Make(true), nullptr);
  return 0;
}

int32_t SimDisk::List(std::string_view path, std::vector<DirectoryEntry>* entries) const {
  const SimInodeRef directory = Find(path);
  if (directory == nullptr) return -ENOENT;
  if (!directory->is_directory) return -ENOTDIR;
  entries->clear();
  for (const auto& [name, inode] : directory->entries) {
    entries->push_back({name, inode->is_directory});
  }
  return 0;
}

int32_t SimDisk::Stat(std::string_view path, FileStat* stat) const {
  const SimInodeRef inode = Find(path);
  if (inode == nullptr) {
    const Place place = FindPlace(path);
    return place.error != 0 ? place.error : -ENOENT;
  }
  StatInode(*inode, stat);
  return 0;
}

void SimDisk::StatInode(const SimInode& inode, FileStat* stat) const {
  *stat = FileStat{};
  stat->size = inode.file.size();
  stat->allocated_bytes = inode.file.allocated_pages() * kPageBytes;
  stat->inode = inode.number;
  stat->device = 1;
  stat->mode = inode.is_directory ? 0700 : 0600;
  stat->mtime = inode.mtime;
  stat->ctime = inode.ctime;
  stat->is_regular = !inode.is_directory;
  stat->is_directory = inode.is_directory;
  stat->free_bytes = capacity_pages_ == 0
                         ? kFreeWithoutLimit
                         : (capacity_pages_ - std::min(capacity_pages_, used_pages_)) * kPageBytes;
}

}  // namespace tidemark
