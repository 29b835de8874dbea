// What a power loss may leave, as a question: is this outcome one of those that LosePower draws?
// Nothing is sampled: names are followed through all subsets of pending changes that LosePower may
// take, bytes are compared sector by sector with all their versions. Garbage is never allowed here.
#include <algorithm>
#include <array>
#include <cstring>
#include <set>

#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "tests/sim/sim_disk.h"

namespace tidemark {
namespace {

using Sector = std::array<std::byte, kSectorBytes>;

uint64_t PageEnd(uint64_t at) { return (at / kPageBytes + 1) * kPageBytes; }

// Adds each version with [begin, end) of the file zero, as far as it lies in the sector at `at`;
// `always`: in place of what it was.
void AddZeroed(std::vector<Sector>* versions, uint64_t at, uint64_t begin, uint64_t end,
               bool always) {
  const uint64_t first = std::max(begin, at), last = std::min(end, at + kSectorBytes);
  if (first >= last) return;
  const size_t count = versions->size();
  for (size_t i = 0; i < count; ++i) {
    Sector zeroed = (*versions)[i];
    std::memset(zeroed.data() + (first - at), 0, last - first);
    if (always) {
      (*versions)[i] = zeroed;
    } else {
      versions->push_back(zeroed);
    }
  }
}

}  // namespace

// All sizes that it may have when the first `journaled` changes, but for writes, reached the
// journal.
std::set<uint64_t> SimFile::SizesWith(size_t journaled) const {
  std::set<uint64_t> sizes = {durable_.size};
  const uint64_t largest = LargestSize();
  for (size_t i = 0; i < pending_.size(); ++i) {
    const Change& change = pending_[i];
    const uint64_t end = change.offset + change.length;
    std::set<uint64_t> next;
    if (change.kind == Kind::kTruncate && i < journaled) next.insert(change.length);
    for (const uint64_t size : sizes) {
      if (change.kind == Kind::kAllocate && i < journaled) {
        next.insert(std::max(size, end));
        continue;
      }
      if (change.kind == Kind::kTruncate && i < journaled) break;
      next.insert(size);
      if (change.kind == Kind::kPunch && i < journaled) {
        next.insert(std::max(size, std::min(end, change.size_after)));
      }
      if (change.kind != Kind::kWrite) continue;
      next.insert(std::max(size, end));
      for (uint64_t at = change.offset; at < end; at = PageEnd(at)) {
        // The last page is written back whole when the file has grown past it meanwhile.
        next.insert(std::max(size, std::min(PageEnd(at), largest)));
      }
    }
    sizes = std::move(next);
  }
  return sizes;
}

bool SimFile::AllowsSector(uint64_t at, ByteSpan found, size_t journaled) const {
  std::vector<Sector> versions(1);
  versions[0].fill(std::byte{0});
  Read(durable_, at, versions[0]);
  for (size_t i = 0; i < pending_.size(); ++i) {
    const Change& change = pending_[i];
    const uint64_t end = change.offset + change.length;
    if (change.kind == Kind::kWrite && change.offset < at + kSectorBytes && at < end) {
      const uint64_t page = at / kPageBytes - change.offset / kPageBytes;
      Sector& version = versions.emplace_back();
      std::memcpy(version.data(), change.pages[page]->data() + at % kPageBytes, kSectorBytes);
    }
    if (change.kind == Kind::kPunch) AddZeroed(&versions, at, change.offset, end, false);
    if (change.kind != Kind::kTruncate) continue;
    const uint64_t pages = (change.length + kPageBytes - 1) / kPageBytes * kPageBytes;
    AddZeroed(&versions, at, change.length, pages, false);
    if (i < journaled) AddZeroed(&versions, at, pages, ~uint64_t{0}, true);
  }
  return std::any_of(versions.begin(), versions.end(), [&found](const Sector& version) {
    return std::memcmp(version.data(), found.data(), found.size()) == 0;
  });
}

bool SimFile::Allows(ByteSpan found, std::string* why) const {
  *why = absl::StrFormat("it has %d bytes, which no order of its changes gives", found.size());
  for (size_t journaled = 0; journaled <= pending_.size(); ++journaled) {
    const bool is_same = journaled > 0 && pending_[journaled - 1].kind == Kind::kWrite;
    if (is_same || !SizesWith(journaled).contains(found.size())) continue;
    uint64_t at = 0;
    while (at < found.size()) {
      const ByteSpan sector = found.subspan(at, std::min(kSectorBytes, found.size() - at));
      if (!AllowsSector(at, sector, journaled)) break;
      at += kSectorBytes;
    }
    if (at >= found.size()) return true;
    *why = absl::StrFormat("of %d bytes, those at %d were never there", found.size(), at);
  }
  return false;
}

namespace {

using DirectoryName = std::pair<uint64_t, std::string>;  // inode of the directory, name in it
struct Names {
  std::map<DirectoryName, uint64_t> entries;  // -> inode
  std::set<DirectoryName> undone;             // a change of it was not taken
  auto operator<=>(const Names&) const = default;
};

}  // namespace

// Compares what was found with all outcomes of the names. Each file is asked once for each path.
struct SimDisk::Comparison {
  const FoundTree& found;
  std::map<uint64_t, const SimInode*> inodes;
  std::map<std::pair<uint64_t, std::string>, std::string> verdicts;  // inode, path -> why not

  void Know(const SimInode* inode) {
    if (inode == nullptr || !inodes.emplace(inode->number, inode).second) return;
    for (const auto& [name, child] : inode->durable_entries) Know(child.get());
  }

  // LosePower takes the change or leaves it; one of a name behind one that was left is left too.
  static void TakeOrLeave(const Change& change, const Names& names, std::set<Names>* next) {
    Names left = names, taken = names;
    bool may = true;
    const auto touch = [&](const SimInodeRef& directory, const std::string& name) {
      if (directory == nullptr) return;
      may = may && !names.undone.contains({directory->number, name});
      left.undone.insert({directory->number, name});
    };
    touch(change.from, change.from_name);
    touch(change.to, change.to_name);
    next->insert(std::move(left));
    if (!may) return;
    if (change.from != nullptr) {
      const auto entry = taken.entries.find({change.from->number, change.from_name});
      const bool is_it = entry != taken.entries.end() && entry->second == change.inode->number;
      if (is_it) taken.entries.erase(entry);
    }
    if (change.to != nullptr) {
      taken.entries[{change.to->number, change.to_name}] = change.inode->number;
    }
    next->insert(std::move(taken));
  }

  // Where the names put everything below a directory.
  void Lay(const Names& names, uint64_t directory, const std::string& path,
           std::map<std::string, const SimInode*>* tree) const {
    auto at = names.entries.lower_bound({directory, ""});
    for (; at != names.entries.end() && at->first.first == directory; ++at) {
      const SimInode* inode = inodes.at(at->second);
      const std::string child = path + "/" + at->first.second;
      (*tree)[child] = inode;
      if (inode->is_directory) Lay(names, inode->number, child, tree);
    }
  }

  // What of the found tree this outcome of the names does not explain.
  std::vector<std::string> Differences(const Names& names, uint64_t root) {
    std::map<std::string, const SimInode*> tree;
    Lay(names, root, "", &tree);
    std::vector<std::string> differences;
    for (const auto& [path, content] : found) {
      if (!tree.contains(path)) differences.push_back(path + " should not be there");
    }
    for (const auto& [path, inode] : tree) {
      const auto there = found.find(path);
      const bool is_missing = there == found.end();
      const bool is_other = !is_missing && there->second.has_value() == inode->is_directory;
      if (is_missing) differences.push_back(path + " is missing");
      if (is_other) differences.push_back(path + " is of another type");
    }
    if (!differences.empty()) return differences;
    for (const auto& [path, inode] : tree) {
      std::string why;
      if (inode->is_directory || FileIsAllowed(*inode, path, *found.at(path), &why)) continue;
      differences.push_back(why);
    }
    return differences;
  }

  bool FileIsAllowed(const SimInode& inode, const std::string& path, const std::string& content,
                     std::string* why) {
    const auto [verdict, is_new] = verdicts.try_emplace({inode.number, path});
    if (is_new && !inode.file.Allows(AsBytes(content), why)) verdict->second = path + ": " + *why;
    *why = verdict->second;
    return why->empty();
  }
};

bool SimDisk::Allows(const FoundTree& found, std::string* why) const {
  Comparison comparison{found, {}, {}};
  comparison.Know(root_.get());
  for (const Change& change : pending_) {
    for (const SimInodeRef& inode : {change.inode, change.from, change.to}) {
      comparison.Know(inode.get());
    }
  }
  Names durable;
  for (const auto& [number, inode] : comparison.inodes) {
    for (const auto& [name, child] : inode->durable_entries) {
      durable.entries[{number, name}] = child->number;
    }
  }
  std::set<Names> outcomes = {durable};
  for (const Change& change : pending_) {
    std::set<Names> next;
    for (const Names& names : outcomes) Comparison::TakeOrLeave(change, names, &next);
    outcomes = std::move(next);
  }
  std::vector<std::string> fewest;
  for (const Names& names : outcomes) {
    std::vector<std::string> differences = comparison.Differences(names, root_->number);
    if (differences.empty()) return true;
    // A wrong byte says more than a name that another outcome has.
    const bool names_match = differences[0].find(':') != std::string::npos;
    if (fewest.empty() || names_match || differences.size() < fewest.size()) {
      fewest = std::move(differences);
    }
  }
  *why = absl::StrJoin(fewest, "; ");
  return false;
}

}  // namespace tidemark
