// One file of a vault's log, as both recovery and appending know it.
//
//   log-NNNNNNNN: file header (4 KiB), then records back to back: head (4 KiB), payload
// A file holds the records behind its header's `before`, but only up to the smallest `before` of
// the files after it: a file that failed a write or flush, or whose tail was given up, is followed
// by one that begins behind the last record that counts. What stands beyond is kept and ignored.
#ifndef TIDEMARK_AGENT_SITE_LOG_FILE_H_
#define TIDEMARK_AGENT_SITE_LOG_FILE_H_

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "replicator/placement.h"

namespace tidemark {

struct VaultPlace {
  std::string directory;
  StoreId store;
  VaultId vault;
};

// Offset and kind of a record in four bytes: the offset in units of 4 KiB below, the kind above.
inline constexpr uint64_t kLogFileBytesLimit = (uint64_t{1} << 24) * kRecordHeaderBytes;
inline uint32_t PackPlace(uint64_t offset, RecordKind kind) {
  return static_cast<uint32_t>(offset / kRecordHeaderBytes) | static_cast<uint32_t>(kind) << 24;
}
inline uint64_t PlaceOffset(uint32_t place) {
  return uint64_t{place & 0xffffff} * kRecordHeaderBytes;
}
// Of a record whose head is rotten, until it is healed.
inline constexpr RecordKind kUnknownKind = RecordKind{0};
inline RecordKind PlaceKind(uint32_t place) { return static_cast<RecordKind>(place >> 24); }

struct LogFile {
  LogFileHeader header;
  std::string path;
  uint64_t end = kLogFileHeaderBytes;  // where the next record goes
  std::vector<uint32_t> records;       // the first one's sequence is header.before.sequence + 1
  uint64_t first_sequence() const { return header.before.sequence + 1; }
};

std::string LogFileName(uint64_t number);
// Of a file that keeps what was given up: recovery passes by it.
inline constexpr char kAsideSuffix[] = ".aside";
// nullopt: not the name of a log file.
std::optional<uint64_t> LogFileNumber(const std::string& name);
inline uint64_t RecordBytes(const CanonicalHeader& header) {
  return kRecordHeaderBytes + header.payload_bytes;
}
// Whether the record was written by this store into this incarnation of this file at this place.
bool IsOwnRecord(const LogFileHeader& file, uint64_t offset, const RecordHead& head);

}  // namespace tidemark
#endif  // TIDEMARK_AGENT_SITE_LOG_FILE_H_
