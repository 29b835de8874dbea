#include "tests/sim/platter.h"

#include <algorithm>

namespace tidemark {

// Where it rotted, or its healing was cut short, the first record says the same: if it is whole, a
// copy that was cut short has none.
std::optional<LogFileHeader> Platter::HeaderOf(const std::string& path) const {
  std::vector<std::byte> head(kRecordHeaderBytes);
  if (disk_->ReadDurable(path, 0, head) < kLogFileHeaderBytes) return std::nullopt;
  absl::StatusOr<LogFileHeader> header = ParseLogFileHeader(head);
  if (header.ok()) return *header;
  if (disk_->ReadDurable(path, kLogFileHeaderBytes, head) < head.size()) return std::nullopt;
  const absl::StatusOr<RecordHead> first = ParseRecordHead(head);
  if (!first.ok()) return std::nullopt;
  std::vector<std::byte> payload(first->canonical.payload_bytes);
  const uint64_t at = kLogFileHeaderBytes + kRecordHeaderBytes;
  if (disk_->ReadDurable(path, at, payload) < payload.size()) return std::nullopt;
  if (!CheckPayload(first->canonical, payload).ok()) return std::nullopt;
  LogFileHeader said;
  said.store = first->placement.store;
  said.file_number = first->placement.file_number;
  said.file_salt = first->placement.file_salt;
  said.before.sequence = first->canonical.sequence - 1;
  said.before.digest = first->canonical.previous;
  return said;
}

void Platter::ReadOn(const std::string& path, File* file) const {
  std::vector<std::byte> head(kRecordHeaderBytes);
  if (file->end == 0) {
    const std::optional<LogFileHeader> header = HeaderOf(path);
    if (!header.has_value()) return;
    file->header = *header;
    file->end = kLogFileHeaderBytes;
  }
  while (disk_->ReadDurable(path, file->end, head) == head.size()) {
    absl::StatusOr<RecordHead> record = ParseRecordHead(head);
    if (!record.ok() || record->placement.file_number != file->header.file_number ||
        record->placement.file_salt != file->header.file_salt ||
        record->placement.store != file->header.store ||
        record->placement.own_offset != file->end) {
      return;
    }
    // What an agent of before left behind the tail is no part of the log, and is written over.
    const Digest last = file->digests.empty() ? file->header.before.digest : file->digests.back();
    const uint64_t due = file->header.before.sequence + file->records.size() + 1;
    if (record->canonical.sequence != due || record->canonical.previous != last) return;
    std::vector<std::byte> payload(record->canonical.payload_bytes);
    const size_t got = disk_->ReadDurable(path, file->end + kRecordHeaderBytes, payload);
    if (got < payload.size() || !CheckPayload(record->canonical, payload).ok()) return;
    file->places.push_back({path, file->end, kRecordHeaderBytes + payload.size()});
    file->durable_upto.push_back(record->placement.durable_upto);
    file->end += kRecordHeaderBytes + payload.size();
    file->digests.push_back(record->canonical.digest());
    file->records.push_back(std::move(record->canonical));
  }
}

void Platter::Update() {
  log_.clear();
  digests_.clear();
  for (const std::string& path : disk_->DurableFiles(directory_)) {
    if (path.find("/log-") == std::string::npos) continue;
    if (path.find(".aside") != std::string::npos) {
      ReadOn(path, &asides_[path]);
      continue;
    }
    File& file = files_[path];
    ReadOn(path, &file);
    if (file.end == 0) continue;
    const uint64_t before = file.header.before.sequence;
    if (before > log_.size()) continue;  // it does not follow: the checkers will miss its records
    log_.resize(before);
    digests_.resize(before);
    for (size_t i = 0; i < file.records.size(); ++i) {
      const CanonicalHeader& record = file.records[i];
      const Digest previous = digests_.empty() ? Digest() : digests_.back();
      if (record.sequence != log_.size() + 1 || record.previous != previous) break;
      log_.push_back(&record);
      digests_.push_back(file.digests[i]);
    }
  }
}

bool Platter::IsGivenUp(const Digest& digest) const {
  if (std::find(digests_.begin(), digests_.end(), digest) != digests_.end()) return false;
  for (const auto* files : {&files_, &asides_}) {
    for (const auto& [path, file] : *files) {
      const auto& held = file.digests;
      if (std::find(held.begin(), held.end(), digest) != held.end()) return true;
    }
  }
  return false;
}

std::optional<Platter::Place> Platter::PlaceWithEvidence(uint64_t chosen) const {
  std::map<uint64_t, Place> places;
  uint64_t evidence = 0;
  for (const auto& [path, file] : files_) {
    if (file.end == 0) continue;
    places.erase(places.upper_bound(file.header.before.sequence), places.end());
    for (size_t i = 0; i < file.records.size(); ++i) {
      places[file.records[i].sequence] = file.places[i];
      evidence = std::max(evidence, file.durable_upto[i]);
    }
  }
  places.erase(places.upper_bound(evidence), places.end());
  if (places.empty()) return std::nullopt;
  return std::next(places.rbegin(), static_cast<std::ptrdiff_t>(chosen % places.size()))->second;
}

}  // namespace tidemark
