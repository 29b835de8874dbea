#include "agent/source/rocks_index.h"

#include <rocksdb/cache.h>
#include <rocksdb/db.h>
#include <rocksdb/filter_policy.h>
#include <rocksdb/table.h>
#include <rocksdb/write_batch.h>

#include <map>
#include <utility>

#include "agent/source/archive_numbers.h"
#include "crypto/layout.h"

namespace tidemark {
namespace {

// A row costs disk for as long as the vault lives, so half of the id is its key: of 10^11 chunks
// two share it with a chance of 10^-17, and nobody can look for such without the vault's key.
constexpr size_t kKeyBytes = 16;
// Shorter than a row's key: never one.
constexpr char kCoverageKey[] = "covered";
constexpr char kNumberedKey[] = "numbered";  // how many numbers archives have

rocksdb::Slice SliceOf(ByteSpan bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

rocksdb::Slice KeyOf(const ChunkId& id) { return SliceOf(ByteSpan(id.bytes).first(kKeyBytes)); }

std::string ArchiveKey(uint64_t number) {
  LayoutWriter out;
  out.U8('a').U64(number);
  return std::string(AsText(out.view()));
}

absl::Status StatusOf(const rocksdb::Status& status, const char* what) {
  if (status.ok()) return absl::OkStatus();
  const std::string message = std::string("dedup index: ") + what + ": " + status.ToString();
  if (status.IsCorruption()) return absl::DataLossError(message);
  if (status.IsBusy() || status.IsIOError()) return absl::UnknownError(message);
  return absl::UnknownError(message);
}

rocksdb::Options MakeOptions(size_t cache_bytes) {
  rocksdb::Options options;
  options.create_if_missing = true;
  // Small: rows of hours of pushes would stay in a large one, and the memory of an agent grow with
  // what it has seen. More files meet before they are merged, so as much is merged at once as
  // behind a large one.
  options.write_buffer_size = cache_bytes / 8;
  options.max_write_buffer_number = 2;
  options.level0_file_num_compaction_trigger = 16;
  options.level0_slowdown_writes_trigger = 40;
  options.level0_stop_writes_trigger = 60;
  // The last level holds nearly all: only there a key's number, eight bytes, is let go.
  options.level_compaction_dynamic_level_bytes = true;
  options.max_open_files = 256;
  // Half of a row is random bytes; the rest is alike from row to row.
  options.compression = rocksdb::kZSTD;
  options.keep_log_file_num = 2;
  options.max_log_file_size = 1 << 20;
  options.info_log_level = rocksdb::WARN_LEVEL;
  rocksdb::BlockBasedTableOptions table;
  table.block_size = 16 * 1024;  // fewer entries in its own index, more that is alike
  // Ids are random: rows that were looked up are not looked up again soon. Filters are.
  rocksdb::LRUCacheOptions cache;
  cache.capacity = cache_bytes / 2;
  cache.high_pri_pool_ratio = 0.75;
  table.block_cache = rocksdb::NewLRUCache(cache);
  table.cache_index_and_filter_blocks_with_high_priority = true;
  table.filter_policy.reset(rocksdb::NewBloomFilterPolicy(10));
  // In parts: of a vault larger than the cache a look-up reads some KiB, not a file's whole filter.
  table.index_type = rocksdb::BlockBasedTableOptions::kTwoLevelIndexSearch;
  table.partition_filters = true;
  table.cache_index_and_filter_blocks = true;
  options.table_factory.reset(rocksdb::NewBlockBasedTableFactory(table));
  return options;
}

class RocksIndex : public ChunkIndex {
 public:
  // `numbered`: what stands under kNumberedKey.
  RocksIndex(std::string path, rocksdb::Options options, std::unique_ptr<rocksdb::DB> db,
             uint64_t numbered)
      : path_(std::move(path)),
        options_(std::move(options)),
        db_(std::move(db)),
        numbered_(numbered) {}
  ~RocksIndex() override {
    const absl::Status flushed = Flush();
    (void)flushed;  // what is lost is replayed
  }

  absl::StatusOr<std::optional<IndexCoverage>> Coverage() override {
    std::string value;
    const rocksdb::Status got = db_->Get(rocksdb::ReadOptions(), kCoverageKey, &value);
    if (got.IsNotFound()) return std::nullopt;
    if (!got.ok()) return StatusOf(got, "reading how far it covers the log");
    LayoutReader in(AsBytes(value));
    IndexCoverage coverage;
    coverage.epoch = in.U64();
    coverage.sequence = in.U64();
    coverage.digest = in.Object<Digest>();
    if (!in.ok()) return absl::DataLossError("dedup index: malformed coverage");
    return coverage;
  }

  // A number travels in the batch of the first row that has it, and counts once that is written.
  absl::Status Put(const std::vector<ChunkRow>& rows, const IndexCoverage& coverage) override {
    rocksdb::WriteBatch batch;
    std::map<ArchiveId, uint64_t> fresh;
    for (const ChunkRow& row : rows) {
      std::optional<uint64_t> number = numbers_.NumberOf(row.archive);
      if (!number.has_value()) {
        const uint64_t next = numbered_ + fresh.size();
        const auto [given, is_new] = fresh.emplace(row.archive, next);
        if (is_new) batch.Put(ArchiveKey(next), SliceOf(row.archive.bytes));
        number = given->second;
      }
      batch.Put(KeyOf(row.id), SliceOf(EncodeChunkRow(row, *number)));
    }
    const uint64_t numbered = numbered_ + fresh.size();
    LayoutWriter out, count;
    out.U64(coverage.epoch).U64(coverage.sequence).Bytes(coverage.digest.bytes);
    batch.Put(kCoverageKey, SliceOf(out.view()));
    batch.Put(kNumberedKey, SliceOf(count.U64(numbered).view()));
    rocksdb::WriteOptions write;
    write.disableWAL = true;
    absl::Status written = StatusOf(db_->Write(write, &batch), "writing rows");
    if (!written.ok()) return written;
    numbered_ = numbered;
    for (const auto& [archive, number] : fresh) numbers_.Know(number, archive);
    return written;
  }

  absl::Status Get(const std::vector<ChunkId>& ids,
                   std::vector<std::optional<ChunkRow>>* found) override {
    std::vector<rocksdb::Slice> keys;
    for (const ChunkId& id : ids) keys.push_back(KeyOf(id));
    std::vector<std::string> values;
    const std::vector<rocksdb::Status> got = db_->MultiGet(rocksdb::ReadOptions(), keys, &values);
    found->assign(ids.size(), std::nullopt);
    for (size_t i = 0; i < ids.size(); ++i) {
      if (got[i].IsNotFound()) continue;
      if (!got[i].ok()) return StatusOf(got[i], "looking a chunk up");
      absl::StatusOr<StoredChunkRow> stored = DecodeChunkRow(ids[i], AsBytes(values[i]));
      if (!stored.ok()) return stored.status();
      absl::StatusOr<ArchiveId> archive = ArchiveOf(stored->archive_number);
      if (!archive.ok()) return archive.status();
      stored->row.archive = *archive;
      (*found)[i] = stored->row;
    }
    return absl::OkStatus();
  }

  absl::Status Clear() override {
    db_.reset();
    numbered_ = 0;
    numbers_ = ArchiveNumbers();
    absl::Status destroyed = StatusOf(rocksdb::DestroyDB(path_, options_), "discarding it");
    if (!destroyed.ok()) return destroyed;
    rocksdb::DB* raw = nullptr;
    absl::Status opened = StatusOf(rocksdb::DB::Open(options_, path_, &raw), "opening it anew");
    db_.reset(raw);
    return opened;
  }

  absl::Status Flush() override {
    if (db_ == nullptr) return absl::OkStatus();
    return StatusOf(db_->Flush(rocksdb::FlushOptions()), "flushing");
  }

 private:
  absl::StatusOr<ArchiveId> ArchiveOf(uint64_t number) {
    const std::optional<ArchiveId> known = numbers_.IdOf(number);
    if (known.has_value()) return *known;
    std::string value;
    const rocksdb::Status got = db_->Get(rocksdb::ReadOptions(), ArchiveKey(number), &value);
    if (!got.ok() && !got.IsNotFound()) return StatusOf(got, "looking an archive up");
    if (value.size() != sizeof(ArchiveId::bytes))
      return absl::DataLossError("dedup index: a row of no archive: clear it to rebuild it");
    const ArchiveId archive = LayoutReader(AsBytes(value)).Object<ArchiveId>();
    numbers_.Know(number, archive);
    return archive;
  }

  std::string path_;
  rocksdb::Options options_;
  std::unique_ptr<rocksdb::DB> db_;
  uint64_t numbered_;
  ArchiveNumbers numbers_;
};

// Nothing when the database is of an older layout, which had no numbers.
absl::StatusOr<std::optional<uint64_t>> NumberedIn(rocksdb::DB* db) {
  std::string value;
  const rocksdb::Status got = db->Get(rocksdb::ReadOptions(), kNumberedKey, &value);
  if (got.ok() && value.size() == sizeof(uint64_t)) return LayoutReader(AsBytes(value)).U64();
  if (!got.ok() && !got.IsNotFound()) return StatusOf(got, "reading how many archives it has");
  const rocksdb::Status covered = db->Get(rocksdb::ReadOptions(), kCoverageKey, &value);
  if (covered.IsNotFound()) return 0;
  return std::nullopt;
}

}  // namespace

absl::StatusOr<std::unique_ptr<ChunkIndex>> OpenRocksIndex(const std::string& path,
                                                           size_t cache_bytes) {
  const rocksdb::Options options = MakeOptions(cache_bytes);
  rocksdb::DB* raw = nullptr;
  rocksdb::Status opened = rocksdb::DB::Open(options, path, &raw);
  if (opened.IsCorruption() || opened.IsInvalidArgument()) {
    // A cache: a damaged one is made anew from the log.
    rocksdb::DestroyDB(path, options);
    opened = rocksdb::DB::Open(options, path, &raw);
  }
  absl::Status status = StatusOf(opened, ("opening " + path).c_str());
  if (!status.ok()) return status;
  std::unique_ptr<rocksdb::DB> db(raw);
  const absl::StatusOr<std::optional<uint64_t>> numbered = NumberedIn(db.get());
  if (!numbered.ok()) return numbered.status();
  auto index = std::make_unique<RocksIndex>(path, options, std::move(db), numbered->value_or(0));
  if (!numbered->has_value()) status = index->Clear();  // it is filled again from the log
  if (!status.ok()) return status;
  return index;
}

}  // namespace tidemark
