// What of a SimDisk survives, and the tests' own tools for damaging and copying disks.
#include <algorithm>
#include <cassert>
#include <set>

#include "tests/sim/sim_disk.h"

namespace tidemark {

void SimDisk::ApplyDurably(const Change& change) {
  if (change.from != nullptr) {
    auto& entries = change.from->durable_entries;
    const auto entry = entries.find(change.from_name);
    if (entry != entries.end() && entry->second == change.inode) entries.erase(entry);
  }
  if (change.to != nullptr) change.to->durable_entries[change.to_name] = change.inode;
}

int32_t SimDisk::SyncDirectory(std::string_view path, uint64_t mark) {
  const SimInodeRef directory = Find(path);
  if (directory == nullptr) return -ENOENT;
  if (!directory->is_directory) return -ENOTDIR;
  // A rename is one transaction: flushing either directory makes it whole. And a change takes all
  // earlier ones of its names with it, or they would come back to life behind it.
  std::vector<bool> covered(pending_.size(), false);
  std::set<std::pair<uint64_t, std::string>> names;
  for (size_t i = pending_.size(); i-- > 0;) {
    const Change& change = pending_[i];
    const std::vector<std::pair<uint64_t, std::string>> touched = NamesOf(change);
    covered[i] = change.mark <= mark && (change.from == directory || change.to == directory);
    for (const auto& name : touched) covered[i] = covered[i] || names.contains(name);
    if (covered[i]) names.insert(touched.begin(), touched.end());
  }
  std::vector<Change> later;
  for (size_t i = 0; i < pending_.size(); ++i) {
    if (covered[i]) {
      ApplyDurably(pending_[i]);
    } else {
      later.push_back(std::move(pending_[i]));
    }
  }
  pending_ = std::move(later);
  return 0;
}

std::vector<std::pair<uint64_t, std::string>> SimDisk::NamesOf(const Change& change) {
  std::vector<std::pair<uint64_t, std::string>> names;
  if (change.from != nullptr) names.emplace_back(change.from->number, change.from_name);
  if (change.to != nullptr) names.emplace_back(change.to->number, change.to_name);
  return names;
}

void SimDisk::LosePower(uint32_t garbage_ppm) {
  const uint64_t shape = random_.Below(4);  // all, none, a prefix, a subset
  const size_t prefix = random_.Below(pending_.size() + 1);
  // A change of a name is only taken when all earlier ones of that name are.
  std::set<std::pair<uint64_t, std::string>> undone;
  for (size_t i = 0; i < pending_.size(); ++i) {
    const Change& change = pending_[i];
    bool done = shape == 0 || (shape == 2 ? i < prefix : shape == 3 && random_.Coin());
    const std::vector<std::pair<uint64_t, std::string>> names = NamesOf(change);
    for (const auto& name : names) done = done && !undone.contains(name);
    if (done) {
      ApplyDurably(change);
    } else {
      undone.insert(names.begin(), names.end());
    }
  }
  pending_.clear();
  RecoverTree(root_.get(), garbage_ppm);
  Recount();
}

void SimDisk::RecoverTree(SimInode* inode, uint32_t garbage_ppm) {
  inode->links = 1;
  inode->opens = 0;
  inode->locked_by = 0;
  inode->file.LosePower(&random_, garbage_ppm, DrawDeleted());
  inode->entries = inode->durable_entries;
  for (const auto& [name, child] : inode->entries) RecoverTree(child.get(), garbage_ppm);
}

const SimFile* SimDisk::DrawDeleted() {
  return deleted_.empty() ? nullptr : &deleted_[random_.Below(deleted_.size())];
}

void SimDisk::Recount() {
  used_pages_ = 0;
  std::vector<const SimInode*> todo = {root_.get()};
  while (!todo.empty()) {
    const SimInode* inode = todo.back();
    todo.pop_back();
    used_pages_ += inode->file.allocated_pages();
    for (const auto& [name, child] : inode->entries) todo.push_back(child.get());
  }
}

std::optional<std::string> SimDisk::ReadFile(std::string_view path) const {
  const SimInodeRef inode = Find(path);
  if (inode == nullptr || inode->is_directory) return std::nullopt;
  std::string content(inode->file.size(), '\0');
  inode->file.Read(0,
                   MutableByteSpan(reinterpret_cast<std::byte*>(content.data()), content.size()));
  return content;
}

void SimDisk::MakeDirectories(std::string_view path) {
  for (size_t end = path.find('/', 1);; end = path.find('/', end + 1)) {
    const std::string_view prefix = path.substr(0, end);
    if (prefix.size() > 1 && !Exists(prefix)) {
      const Place place = FindPlace(prefix);
      assert(place.error == 0);
      Link(place, Make(true), nullptr);
      ApplyDurably(pending_.back());
      pending_.pop_back();
    }
    if (end == std::string_view::npos) return;
  }
}

void SimDisk::WriteFile(std::string_view path, std::string_view content) {
  MakeDirectories(path.substr(0, path.rfind('/')));
  const bool existed = Exists(path);
  SimInodeRef inode;
  const int32_t error = Open(path, kOpenWrite | kOpenCreate | kOpenTruncate, &inode);
  assert(error == 0);
  (void)error;
  if (!existed) {
    ApplyDurably(pending_.back());
    pending_.pop_back();
  }
  if (!content.empty()) Write(inode.get(), 0, AsBytes(content));
  inode->file.MakeDurable(inode->file.mark());
  Close(inode.get());
}

std::vector<std::string> SimDisk::Files(std::string_view below) const {
  std::vector<std::string> files;
  const SimInodeRef directory = Find(below);
  if (directory == nullptr) return files;
  std::string base(below);
  if (base.empty() || base.back() != '/') base += '/';
  for (const auto& [name, inode] : directory->entries) {
    if (!inode->is_directory) {
      files.push_back(base + name);
      continue;
    }
    const std::vector<std::string> inner = Files(base + name);
    files.insert(files.end(), inner.begin(), inner.end());
  }
  return files;
}

SimInodeRef SimDisk::FindDurable(std::string_view path) const {
  SimInodeRef at = root_;
  while (at != nullptr && !path.empty()) {
    const size_t end = std::min(path.find('/'), path.size());
    const std::string name(path.substr(0, end));
    path.remove_prefix(std::min(end + 1, path.size()));
    if (name.empty()) continue;
    const auto entry = at->durable_entries.find(name);
    at = entry == at->durable_entries.end() ? nullptr : entry->second;
  }
  return at;
}

std::vector<std::string> SimDisk::DurableFiles(std::string_view below) const {
  std::vector<std::string> files;
  const SimInodeRef directory = FindDurable(below);
  if (directory == nullptr) return files;
  for (const auto& [name, inode] : directory->durable_entries) {
    const std::string path = std::string(below) + "/" + name;
    if (!inode->is_directory) {
      files.push_back(path);
      continue;
    }
    const std::vector<std::string> inner = DurableFiles(path);
    files.insert(files.end(), inner.begin(), inner.end());
  }
  return files;
}

size_t SimDisk::ReadDurable(std::string_view path, uint64_t offset, MutableByteSpan into) const {
  const SimInodeRef inode = FindDurable(path);
  return inode == nullptr ? 0 : inode->file.ReadDurable(offset, into);
}

void SimDisk::RemoveTree(std::string_view path) {
  const Place place = FindPlace(path);
  if (place.error != 0) return;
  place.directory->entries.erase(place.name);
  place.directory->durable_entries.erase(place.name);
  std::erase_if(pending_, [&](const Change& change) {
    return (change.from == place.directory && change.from_name == place.name) ||
           (change.to == place.directory && change.to_name == place.name);
  });
  Recount();
}

void SimDisk::FlipByte(std::string_view path, uint64_t offset, uint8_t mask) {
  const SimInodeRef inode = Find(path);
  assert(inode != nullptr);
  inode->file.Flip(offset, std::byte{mask});
}

void SimDisk::MendByte(std::string_view path, uint64_t offset, uint8_t rotten, uint8_t mask) {
  const SimInodeRef inode = Find(path);
  if (inode != nullptr) inode->file.Mend(offset, std::byte{rotten}, std::byte{mask});
}

void SimDisk::MakeUnreadable(std::string_view path, uint64_t offset, uint64_t length) {
  const SimInodeRef inode = Find(path);
  assert(inode != nullptr);
  // Sector by sector, so that rewriting one heals it.
  const uint64_t end = offset + length;
  for (uint64_t at = offset / kSectorBytes * kSectorBytes; at < end; at += kSectorBytes) {
    inode->unreadable.emplace_back(at, at + kSectorBytes);
  }
}

SimInodeRef SimDisk::CopyOf(const SimInode& inode) {
  SimInodeRef copy = Make(inode.is_directory);
  copy->links = 1;
  copy->file = inode.file.Settled();
  copy->mtime = inode.mtime;
  copy->ctime = inode.ctime;
  for (const auto& [name, child] : inode.entries) copy->entries[name] = CopyOf(*child);
  copy->durable_entries = copy->entries;
  return copy;
}

std::shared_ptr<const SimInode> SimDisk::Snapshot() const {
  return const_cast<SimDisk*>(this)->CopyOf(*root_);  // only takes inode numbers
}

void SimDisk::Restore(const std::shared_ptr<const SimInode>& image) {
  root_ = CopyOf(*image);
  pending_.clear();
  Recount();
}

void SimDisk::CopyTree(const SimDisk& other, std::string_view from, std::string_view to) {
  const SimInodeRef source = other.Find(from);
  assert(source != nullptr);
  const SimInodeRef copy = CopyOf(*source);
  MakeDirectories(to.substr(0, to.rfind('/')));
  RemoveTree(to);
  const Place place = FindPlace(to);
  assert(place.error == 0);
  place.directory->entries[place.name] = copy;
  place.directory->durable_entries[place.name] = copy;
  Recount();
}

}  // namespace tidemark
