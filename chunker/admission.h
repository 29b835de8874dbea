// Dedup admission: is this chunk known, and may it be relied on?
//
// A row enters the persistent index only after the record that holds its chunk is committed
// (design section 4). Until then it lives here, in memory, and a push of the same log may use it:
// the log is totally ordered, so a push that refers to it commits later.
//   Find* Add* ... Commit(sequence) -> rows to persist.  DropAll when the log is abandoned.
#ifndef TIDEMARK_CHUNKER_ADMISSION_H_
#define TIDEMARK_CHUNKER_ADMISSION_H_

#include <array>
#include <cstdint>
#include <map>
#include <optional>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "crypto/bytes.h"
#include "crypto/digest.h"

namespace tidemark {

// Where a chunk was born and how to open it. The key is masked (crypto/keys.h, MaskWithIndexKey)
// under the archive that stored it first, wherever a row is at rest.
struct ChunkRow {
  ChunkId id;
  std::array<std::byte, 32> masked_key{};
  ArchiveId archive;      // whose key unmasks masked_key
  uint64_t sequence = 0;  // record that holds the sealed chunk
  uint32_t offset = 0;    // in that record's payload
  uint32_t sealed_bytes = 0;
  uint32_t plain_bytes = 0;
  uint8_t codec = 0;
  friend bool operator==(const ChunkRow&, const ChunkRow&) = default;
};
// A row as an index stores it below its id. There are many, so no byte stands there that is always
// zero, and for its archive a number that the index gave it.
std::vector<std::byte> EncodeChunkRow(const ChunkRow& row, uint64_t archive_number);
struct StoredChunkRow {
  ChunkRow row;  // without `archive`
  uint64_t archive_number = 0;
};
absl::StatusOr<StoredChunkRow> DecodeChunkRow(const ChunkId& id, ByteSpan value);

// Rows of records that are not committed yet. Memory is bounded by the log's window.
class PendingChunks {
 public:
  std::optional<ChunkRow> Find(const ChunkId& id) const;
  void Add(const ChunkRow& row);  // an id already pending keeps its first row
  // Takes out the rows of records up to `sequence`, in sequence order.
  std::vector<ChunkRow> Commit(uint64_t sequence);
  void DropAll();
  size_t size() const { return rows_.size(); }

 private:
  std::map<ChunkId, ChunkRow> rows_;
  std::multimap<uint64_t, ChunkId> by_sequence_;
};

// How far a persistent index covers the log.
struct IndexCoverage {
  uint64_t epoch = 0;
  uint64_t sequence = 0;
  Digest digest;  // of the record at `sequence`
  friend bool operator==(const IndexCoverage&, const IndexCoverage&) = default;
};

// The persistent index of one vault: a cache with a crash contract. It may lose any suffix of
// its Puts at a crash, never a middle; it never holds a row of an uncommitted record. Calls block:
// the daemon makes them on workers. One call at a time per object.
class ChunkIndex {
 public:
  virtual ~ChunkIndex() = default;
  virtual absl::StatusOr<std::optional<IndexCoverage>> Coverage() = 0;
  // Rows and the coverage that they bring the index to, atomically.
  virtual absl::Status Put(const std::vector<ChunkRow>& rows, const IndexCoverage& coverage) = 0;
  // found[i] is set when ids[i] has a row.
  virtual absl::Status Get(const std::vector<ChunkId>& ids,
                           std::vector<std::optional<ChunkRow>>* found) = 0;
  virtual absl::Status Clear() = 0;
  virtual absl::Status Flush() = 0;  // everything Put so far survives a crash
};

}  // namespace tidemark
#endif  // TIDEMARK_CHUNKER_ADMISSION_H_
