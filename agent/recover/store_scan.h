// Finds what can be read in one vault's log files, without writing anything and past damage.
//
// A site's own recovery (agent/site) decides what counts and may be appended to; this only looks
// for records that are whole, for a restore from a store, a copy of it, or what is left of one.
#ifndef TIDEMARK_AGENT_RECOVER_STORE_SCAN_H_
#define TIDEMARK_AGENT_RECOVER_STORE_SCAN_H_

#include <map>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "agent/io/task.h"
#include "replicator/placement.h"

namespace tidemark {

struct StoredRecord {
  uint32_t file = 0;    // index into StoredLog::paths
  uint64_t offset = 0;  // of its head
  RecordKind kind = RecordKind::kPack;
  uint64_t durable_upto = 0;
};
struct StoredLog {
  std::vector<std::string> paths;
  std::map<uint64_t, StoredRecord> records;  // by sequence; those whose head is damaged are missing
  Position tail;
};

// Reads `into` from a file; opens and closes it. kDataLoss: the file ends before.
Task<absl::Status> ReadFromFile(Io* io, std::string path, uint64_t offset, MutableByteSpan into);
Task<absl::StatusOr<RecordHead>> ReadStoredHead(Io* io, const StoredLog* log, StoredRecord record);

class StoreScan {
 public:
  StoreScan(Io* io, std::string directory, VaultId vault);
  Io* io() const { return io_; }
  // Once. kNotFound: the vault has no log there; kUnimplemented: made by a newer format.
  Task<absl::StatusOr<StoredLog>> Run();

 private:
  Task<absl::Status> ScanFile(uint64_t number, std::string path);
  Task<absl::Status> ScanOpenFile(uint64_t number, uint64_t file_bytes);
  Task<absl::StatusOr<uint64_t>> NextCandidate(uint64_t offset, uint64_t file_bytes);
  bool IsOwn(uint64_t number, uint64_t offset, const RecordHead& head);
  void BeginBehind(uint64_t sequence);
  Task<absl::Status> ChooseTail();
  Task<absl::Status> CheckStoredPayload(StoredRecord record);

  Io* io_;
  std::string directory_;
  VaultId vault_;
  StoredLog log_;
  Fd fd_ = -1;
  std::optional<uint64_t> salt_;  // of the file at hand
  std::vector<std::byte> window_;
};

}  // namespace tidemark
#endif  // TIDEMARK_AGENT_RECOVER_STORE_SCAN_H_
