#include "agent/source/chunk_lookup.h"

#include <utility>

#include "agent/io/transfer.h"
#include "agent/recover/vault_reader.h"
#include "crypto/museum.h"

namespace tidemark {
namespace {

struct GetJob {
  ChunkIndex* index;
  const std::vector<ChunkId>* ids;
  std::vector<std::optional<ChunkRow>> rows;
  absl::Status result;
  static void Run(void* self) {
    GetJob* job = static_cast<GetJob*>(self);
    job->result = job->index->Get(*job->ids, &job->rows);
  }
};

struct PutJob {
  ChunkIndex* index;
  std::vector<ChunkRow> rows;
  IndexCoverage coverage;
  absl::Status result;
  static void Run(void* self) {
    PutJob* job = static_cast<PutJob*>(self);
    job->result = job->index->Put(job->rows, job->coverage);
  }
};

}  // namespace

ChunkLookup::ChunkLookup(Io* io, ChunkIndex* index, const Catalog* catalog, const VaultKeys* keys)
    : io_(io), index_(index), catalog_(catalog), keys_(keys), index_turn_(io, 1), work_(io) {}

Task<absl::Status> ChunkLookup::Find(const std::vector<ChunkId>* ids,
                                     std::vector<std::optional<Known>>* found) {
  GetJob job{index_, ids, {}, absl::OkStatus()};
  co_await index_turn_.Acquire(1);
  Op compute = io_->Compute(&GetJob::Run, &job);
  const int32_t ran = co_await compute;
  index_turn_.Release(1);
  if (ran < 0) co_return ErrnoStatus(ran, "looking chunks up");
  // An index that cannot answer costs dedup, never data: everything is new then.
  if (!job.result.ok()) {
    trouble_ = job.result;
    job.rows.assign(ids->size(), std::nullopt);
  }
  found->assign(ids->size(), std::nullopt);
  for (size_t i = 0; i < ids->size(); ++i) {
    (*found)[i] = FindPending((*ids)[i]);
    if (!(*found)[i].has_value() && job.rows[i].has_value()) (*found)[i] = Unmask(*job.rows[i]);
  }
  co_return absl::OkStatus();
}

std::optional<ChunkLookup::Known> ChunkLookup::FindPending(const ChunkId& id) {
  const std::optional<ChunkRow> row = pending_.Find(id);
  if (!row.has_value()) return std::nullopt;
  return Unmask(*row);
}

std::optional<ChunkLookup::Known> ChunkLookup::Unmask(const ChunkRow& row) {
  const Secret32* mask_key = MaskKeyOf(row.archive);
  if (mask_key == nullptr) return std::nullopt;
  Known known;
  known.key.bytes = row.masked_key;
  MaskWithIndexKey(*mask_key, row.id, known.key.bytes);
  known.location = {row.sequence, row.offset, row.sealed_bytes};
  known.plain_bytes = row.plain_bytes;
  known.codec = static_cast<Codec>(row.codec);
  return known;
}

const Secret32* ChunkLookup::MaskKeyOf(const ArchiveId& archive) {
  auto cached = mask_keys_.find(archive);
  if (cached != mask_keys_.end()) return cached->second.has_value() ? &*cached->second : nullptr;
  const CatalogVersion* version = catalog_->FindByArchive(archive);
  if (version == nullptr) return nullptr;  // a purged archive: its rows are misses
  absl::StatusOr<Secret32> key = ArchiveKey(*keys_, version->envelope);
  std::optional<Secret32>& slot = mask_keys_[archive];
  if (key.ok()) slot.emplace(IndexMaskKey(*key));
  return slot.has_value() ? &*slot : nullptr;
}

void ChunkLookup::RememberArchiveKey(const ArchiveId& archive, const Secret32& archive_key) {
  mask_keys_[archive].emplace(IndexMaskKey(archive_key));
}

void ChunkLookup::Add(const ChunkId& id, const Known& known, const ArchiveId& archive) {
  const Secret32* mask_key = MaskKeyOf(archive);
  if (mask_key == nullptr) return;
  ChunkRow row;
  row.id = id;
  row.masked_key = known.key.bytes;
  MaskWithIndexKey(*mask_key, id, row.masked_key);
  row.archive = archive;
  row.sequence = known.location.sequence;
  row.offset = known.location.offset;
  row.sealed_bytes = known.location.sealed_bytes;
  row.plain_bytes = known.plain_bytes;
  row.codec = static_cast<uint8_t>(known.codec);
  pending_.Add(row);
  if (MUSEUM_BUG("index-row-before-commit")) {
    PutJob job{index_, {row}, {}, absl::OkStatus()};
    absl::StatusOr<std::optional<IndexCoverage>> coverage = index_->Coverage();
    if (coverage.ok() && coverage->has_value()) job.coverage = **coverage;
    PutJob::Run(&job);
  }
}

void ChunkLookup::OnCommitted(const Position& position) {
  committed_ = position;
  work_.WakeAll();
}

Task<> ChunkLookup::Persist() {
  while (true) {
    while (!committed_.has_value() && !stopping_) co_await work_.Wait();
    if (!committed_.has_value()) co_return;
    const Position upto = *std::exchange(committed_, std::nullopt);
    PutJob job{index_,
               pending_.Commit(upto.sequence),
               {upto.epoch, upto.sequence, upto.digest},
               absl::OkStatus()};
    co_await index_turn_.Acquire(1);
    Op compute = io_->Compute(&PutJob::Run, &job);
    const int32_t ran = co_await compute;
    index_turn_.Release(1);
    if (ran < 0) co_return;
    if (!job.result.ok()) trouble_ = job.result;
    rows_persisted_ += job.rows.size();
  }
}

void ChunkLookup::Stop() {
  stopping_ = true;
  work_.WakeAll();
}

}  // namespace tidemark
