// Is a chunk known? Pending rows first, then the persistent index, whose rows open only with the
// key of the archive that stored the chunk first.
//
// A row enters the persistent index only after its record is committed: OnCommitted queues, Persist
// writes. Index calls run on workers, one at a time.
#ifndef TIDEMARK_AGENT_SOURCE_CHUNK_LOOKUP_H_
#define TIDEMARK_AGENT_SOURCE_CHUNK_LOOKUP_H_

#include <map>
#include <optional>
#include <vector>

#include "agent/io/sync.h"
#include "agent/recover/catalog.h"
#include "chunker/admission.h"
#include "replicator/manifest.h"
#include "replicator/record.h"

namespace tidemark {

class ChunkLookup {
 public:
  // All outlive this.
  ChunkLookup(Io* io, ChunkIndex* index, const Catalog* catalog, const VaultKeys* keys);
  Io* io() const { return io_; }

  struct Known {
    OpenKey key;
    Location location;
    uint32_t plain_bytes = 0;
    Codec codec = Codec::kRaw;
  };
  // Looks all up; found[i] is set where ids[i] is known and its key can be unmasked.
  Task<absl::Status> Find(const std::vector<ChunkId>* ids,
                          std::vector<std::optional<Known>>* found);
  // Only among rows of records that are not committed yet: cheap, and right up to this instant.
  std::optional<Known> FindPending(const ChunkId& id);
  // A chunk just sealed into the record `location.sequence`, for `archive`.
  void Add(const ChunkId& id, const Known& known, const ArchiveId& archive);

  // The keys of archives whose first version is not in the catalogue yet.
  void RememberArchiveKey(const ArchiveId& archive, const Secret32& archive_key);

  // Records up to there are committed; `position` names the last.
  void OnCommitted(const Position& position);
  // Writes committed rows until Stop; the coverage moves with them.
  Task<> Persist();
  void Stop();
  size_t pending_rows() const { return pending_.size(); }
  const absl::Status& trouble() const { return trouble_; }
  uint64_t rows_persisted() const { return rows_persisted_; }

 private:
  std::optional<Known> Unmask(const ChunkRow& row);
  const Secret32* MaskKeyOf(const ArchiveId& archive);
  Io* io_;
  ChunkIndex* index_;
  const Catalog* catalog_;
  const VaultKeys* keys_;
  PendingChunks pending_;
  std::map<ArchiveId, std::optional<Secret32>> mask_keys_;
  std::optional<Position> committed_;  // not persisted yet
  Semaphore index_turn_;
  Event work_;
  bool stopping_ = false;
  uint64_t rows_persisted_ = 0;
  absl::Status trouble_;
};

}  // namespace tidemark
#endif  // TIDEMARK_AGENT_SOURCE_CHUNK_LOOKUP_H_
