#include "agent/recover/catalog.h"

#include <cassert>
#include <charconv>
#include <utility>
#include <vector>

#include "absl/strings/str_format.h"
#include "crypto/museum.h"

namespace tidemark {
namespace {

constexpr size_t kNamesInMessageMax = 8;

// Comma-separated, the first few of many.
class ShortList {
 public:
  void Add(const std::string& item) {
    if (++count_ > kNamesInMessageMax) return;
    if (count_ > 1) text_ += ", ";
    text_ += item;
  }
  std::string text() const {
    if (count_ == 0) return "nothing";
    if (count_ <= kNamesInMessageMax) return text_;
    return absl::StrFormat("%s and %d more", text_, count_ - kNamesInMessageMax);
  }

 private:
  std::string text_;
  size_t count_ = 0;
};

std::string Describe(const std::string& name, const CatalogVersion& version) {
  const char* state = version.envelope.complete ? "" : " (incomplete)";
  if (!version.committed) state = " (not committed yet)";
  return absl::StrFormat("%s@%d%s", name, version.envelope.version, state);
}

absl::Time TimeOfRoot(const Envelope& envelope) {
  return absl::FromUnixNanos(envelope.closed_at_nanos);
}

}  // namespace

void Catalog::Add(CatalogVersion version) {
  const uint64_t number = version.envelope.version;
  name_of_[version.envelope.archive] = version.envelope.name;
  if (!version.committed) {
    uncommitted_.emplace(version.sequence, std::make_pair(version.envelope.name, number));
  }
  std::map<uint64_t, CatalogVersion>& versions = by_name_[version.envelope.name];
  const auto replaced = versions.find(number);
  if (replaced != versions.end()) Uncount(replaced->second);
  ++versions_;
  if (version.committed) source_bytes_ += version.envelope.source_bytes;
  versions.insert_or_assign(number, std::move(version));
}

void Catalog::Uncount(const CatalogVersion& version) {
  --versions_;
  if (version.committed) source_bytes_ -= version.envelope.source_bytes;
}

std::vector<CatalogVersion*> Catalog::TakeUncommitted(uint64_t sequence) {
  std::vector<CatalogVersion*> taken;
  const auto end = uncommitted_.upper_bound(sequence);
  for (auto it = uncommitted_.begin(); it != end; ++it) {
    auto versions = by_name_.find(it->second.first);
    if (versions == by_name_.end()) continue;  // removed meanwhile
    auto version = versions->second.find(it->second.second);
    if (version == versions->second.end() || version->second.committed) continue;
    if (version->second.sequence != it->first) continue;  // another took its place
    source_bytes_ += version->second.envelope.source_bytes;
    taken.push_back(&version->second);
  }
  uncommitted_.erase(uncommitted_.begin(), end);
  return taken;
}

void Catalog::Commit(uint64_t sequence, absl::Time now) {
  for (CatalogVersion* version : TakeUncommitted(sequence)) {
    version->committed = true;
    version->committed_at = now;
  }
}

void Catalog::CommitAsPlaced(uint64_t sequence) {
  for (CatalogVersion* version : TakeUncommitted(sequence)) {
    version->committed = true;
    version->committed_at = TimeOfRoot(version->envelope);
  }
}

void Catalog::Remove(const ArchiveId& archive, uint64_t version) {
  auto name = name_of_.find(archive);
  if (name == name_of_.end()) return;
  auto versions = by_name_.find(name->second);
  assert(versions != by_name_.end());
  auto found = versions->second.find(version);
  if (found == versions->second.end() || found->second.envelope.archive != archive) return;
  Uncount(found->second);
  versions->second.erase(found);
  bool lives = false;
  for (const auto& [number, other] : versions->second) lives |= other.envelope.archive == archive;
  if (versions->second.empty()) by_name_.erase(versions);
  if (!lives) name_of_.erase(name);
}

std::optional<ArchiveId> Catalog::FindArchive(const std::string& name) const {
  const CatalogVersion* version = AnyVersion(name);
  if (version == nullptr) return std::nullopt;
  return version->envelope.archive;
}

const CatalogVersion* Catalog::AnyVersion(const std::string& name) const {
  auto versions = by_name_.find(name);
  return versions == by_name_.end() ? nullptr : &versions->second.rbegin()->second;
}

uint64_t Catalog::NextVersion(const std::string& name) const {
  const CatalogVersion* newest = AnyVersion(name);
  if (newest == nullptr) return 1;
  const bool reused = MUSEUM_BUG("version-reused") && !newest->committed;
  return newest->envelope.version + (reused ? 0 : 1);
}

absl::StatusOr<const CatalogVersion*> Catalog::Find(const std::string& name,
                                                    std::optional<uint64_t> version,
                                                    std::optional<absl::Time> before) const {
  auto versions = by_name_.find(name);
  if (versions == by_name_.end()) {
    ShortList names;
    for (const auto& [other, unused] : by_name_) names.Add(other);
    return absl::NotFoundError(
        absl::StrFormat("no archive \"%s\" in this vault; there is: %s", name, names.text()));
  }
  ShortList there;
  for (auto it = versions->second.rbegin(); it != versions->second.rend(); ++it) {
    const CatalogVersion& candidate = it->second;
    there.Add(Describe(name, candidate));
    if (!candidate.committed) continue;
    if (version.has_value()) {
      if (candidate.envelope.version == *version) return &candidate;
      continue;
    }
    if (!candidate.envelope.complete) continue;  // restored only as NAME@VERSION
    const absl::Time captured = absl::FromUnixNanos(candidate.envelope.captured_at_nanos);
    if (!before.has_value() || captured <= *before) return &candidate;
  }
  std::string asked = name;
  if (version.has_value()) asked = absl::StrFormat("%s@%d", name, *version);
  if (before.has_value()) {
    asked += " captured at or before " + absl::FormatTime(*before, absl::UTCTimeZone());
  }
  return absl::NotFoundError(
      absl::StrFormat("no complete version of %s; there is: %s", asked, there.text()));
}

const CatalogVersion* Catalog::FindIdempotent(const std::string& name,
                                              const Digest& idempotency) const {
  auto versions = by_name_.find(name);
  if (versions == by_name_.end() || idempotency.empty()) return nullptr;
  for (auto it = versions->second.rbegin(); it != versions->second.rend(); ++it) {
    if (it->second.envelope.idempotency == idempotency) return &it->second;
  }
  return nullptr;
}

const CatalogVersion* Catalog::FindByArchive(const ArchiveId& archive) const {
  auto name = name_of_.find(archive);
  if (name == name_of_.end()) return nullptr;
  auto versions = by_name_.find(name->second);
  if (versions == by_name_.end()) return nullptr;
  for (const auto& [number, version] : versions->second) {
    if (version.envelope.archive == archive) return &version;
  }
  return nullptr;
}

std::vector<const CatalogVersion*> Catalog::List(const std::string* name) const {
  std::vector<const CatalogVersion*> list;
  for (const auto& [other, versions] : by_name_) {
    if (name != nullptr && other != *name) continue;
    for (const auto& [number, version] : versions) {
      if (version.committed) list.push_back(&version);
    }
  }
  return list;
}

std::vector<Envelope> Catalog::EnvelopesUpTo(uint64_t sequence) const {
  std::vector<Envelope> envelopes;
  envelopes.reserve(versions_);
  for (const auto& [name, versions] : by_name_) {
    for (const auto& [number, version] : versions) {
      if (version.sequence <= sequence) envelopes.push_back(version.envelope);
    }
  }
  return envelopes;
}

uint64_t Catalog::VersionsUpTo(uint64_t sequence) const {
  uint64_t count = 0;
  for (const auto& [name, versions] : by_name_) {
    for (const auto& [number, version] : versions) count += version.sequence <= sequence ? 1 : 0;
  }
  return count;
}

absl::StatusOr<ArchiveReference> ParseArchiveReference(const std::string& text) {
  ArchiveReference reference;
  const size_t at = text.find('@');
  reference.name = text.substr(0, at);
  absl::Status name = CheckArchiveName(reference.name);
  if (!name.ok()) return name;
  if (at == std::string::npos) return reference;
  const char* begin = text.data() + at + 1;
  const char* end = text.data() + text.size();
  uint64_t version = 0;
  const std::from_chars_result parsed = std::from_chars(begin, end, version);
  if (parsed.ec != std::errc() || parsed.ptr != end || version == 0) {
    return absl::InvalidArgumentError(
        absl::StrFormat("\"%s\": what follows the @ must be a version number, 1 or more", text));
  }
  reference.version = version;
  return reference;
}

}  // namespace tidemark
