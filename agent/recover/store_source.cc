#include <cassert>
#include <cerrno>
#include <map>
#include <utility>

#include "absl/strings/str_format.h"
#include "agent/io/event.h"
#include "agent/io/transfer.h"
#include "agent/recover/block_check.h"
#include "agent/recover/site_source.h"
#include "agent/recover/store_scan.h"

namespace tidemark {
namespace {

class StoreSource : public RecordSource {
 public:
  StoreSource(Io* io, std::string path)
      : io_(io), path_(std::move(path)), name_("store " + path_), scanned_(io) {}

  const std::string& name() const override { return name_; }
  Io* io() const override { return io_; }

  // kAlreadyExists when a site has it open. A copy may come without the lock file.
  Task<absl::Status> TakeLock() {
    FileStat stat;
    Op look = io_->Stat(path_ + "/vaults", &stat);
    const int32_t looked = co_await look;
    if (looked == -ENOENT || (looked >= 0 && !stat.is_directory)) {
      co_return absl::NotFoundError(path_ + ": no store is there (it has no directory vaults)");
    }
    if (looked < 0) co_return ErrnoStatus(looked, "look at " + path_);
    Op open = io_->Open(path_ + "/lock", kOpenRead);
    const Fd opened = co_await open;
    if (opened == -ENOENT) co_return absl::OkStatus();
    if (opened < 0) co_return ErrnoStatus(opened, "open " + path_ + "/lock");
    lock_ = opened;
    Op lock = io_->Lock(lock_);
    const int32_t locked = co_await lock;
    if (locked >= 0) co_return absl::OkStatus();
    absl::Status refused = ErrnoStatus(locked, "lock " + path_ + "/lock");
    if (locked == -EWOULDBLOCK) {
      refused = absl::AlreadyExistsError(
          path_ + ": a running site has this store open; stop it, or read from the site");
    }
    co_await Finish();
    co_return refused;
  }

  Task<absl::StatusOr<Position>> Tail(VaultId vault) override {
    absl::StatusOr<const StoredLog*> log = co_await LogOf(vault);
    if (!log.ok()) co_return log.status();
    co_return (*log)->tail;
  }

  Task<absl::StatusOr<CanonicalHeader>> Head(VaultId vault, uint64_t sequence) override {
    absl::StatusOr<const StoredLog*> log = co_await LogOf(vault);
    if (!log.ok()) co_return log.status();
    auto found = (*log)->records.find(sequence);
    if (found == (*log)->records.end()) co_return Missing(**log, sequence);
    const StoredLog* stored = *log;
    absl::StatusOr<RecordHead> head = co_await ReadStoredHead(io_, stored, found->second);
    if (!head.ok()) co_return Named(head.status(), sequence);
    co_return std::move(head->canonical);
  }

  Task<absl::Status> ReadBlocks(const CanonicalHeader* header, uint32_t first, uint32_t count,
                                MutableByteSpan into) override {
    absl::StatusOr<size_t> bytes = BytesOfBlocks(*header, first, count);
    if (!bytes.ok()) co_return bytes.status();
    assert(into.size() >= *bytes);
    into = into.first(*bytes);
    absl::StatusOr<const StoredLog*> log = co_await LogOf(header->vault);
    if (!log.ok()) co_return log.status();
    auto found = (*log)->records.find(header->sequence);
    if (found == (*log)->records.end()) co_return Missing(**log, header->sequence);
    std::string path = (*log)->paths[found->second.file];
    const uint64_t offset =
        found->second.offset + kRecordHeaderBytes + uint64_t{first} * kBlockBytes;
    absl::Status read = co_await ReadFromFile(io_, std::move(path), offset, into);
    if (!read.ok()) co_return Named(read, header->sequence);
    absl::Status checked = co_await CheckBlocksOnWorker(io_, header, first, count, into);
    if (!checked.ok()) co_return Named(checked, header->sequence);
    co_return checked;
  }

  Task<absl::StatusOr<uint64_t>> FindRecord(VaultId vault, RecordKind kind,
                                            uint64_t at_most) override {
    absl::StatusOr<const StoredLog*> log = co_await LogOf(vault);
    if (!log.ok()) co_return log.status();
    const std::map<uint64_t, StoredRecord>& records = (*log)->records;
    auto behind = at_most == 0 ? records.end() : records.upper_bound(at_most);
    while (behind != records.begin()) {
      --behind;
      if (behind->second.kind == kind) co_return behind->first;
    }
    co_return uint64_t{0};
  }

  Task<> Finish() override {
    if (lock_ < 0) co_return;
    Op close = io_->Close(std::exchange(lock_, -1));
    const int32_t closed = co_await close;
    (void)closed;
  }

 private:
  struct Scanned {
    bool done = false;
    absl::Status status;
    StoredLog log;
  };

  // Scans a vault's log at its first use; who comes meanwhile waits. The pointer stays valid.
  Task<absl::StatusOr<const StoredLog*>> LogOf(VaultId vault) {
    auto found = logs_.find(vault);
    if (found != logs_.end()) {
      while (!found->second.done) co_await scanned_.Wait();
    } else {
      found = logs_.emplace(vault, Scanned()).first;
      std::string directory = path_ + "/vaults/" + vault.hex();
      StoreScan scan(io_, std::move(directory), vault);
      absl::StatusOr<StoredLog> log = co_await scan.Run();
      found->second.status = log.status();
      if (log.ok()) found->second.log = std::move(*log);
      found->second.done = true;
      scanned_.WakeAll();
    }
    if (!found->second.status.ok()) co_return found->second.status;
    const StoredLog* log = &found->second.log;
    co_return log;
  }

  absl::Status Missing(const StoredLog& log, uint64_t sequence) const {
    if (sequence > log.tail.sequence) {
      return absl::NotFoundError(absl::StrFormat(
          "%s: its log ends with record %d, before record %d", name_, log.tail.sequence, sequence));
    }
    return absl::DataLossError(
        absl::StrFormat("%s: record %d is missing or its head is damaged", name_, sequence));
  }
  absl::Status Named(const absl::Status& status, uint64_t sequence) const {
    return absl::Status(status.code(), absl::StrFormat("%s record %d: %s", name_, sequence,
                                                       std::string(status.message())));
  }

  Io* io_;
  std::string path_;
  std::string name_;
  Fd lock_ = -1;
  std::map<VaultId, Scanned> logs_;
  Event scanned_;
};

}  // namespace

Task<absl::StatusOr<std::unique_ptr<RecordSource>>> OpenStoreSource(Io* io,
                                                                    std::string store_path) {
  auto source = std::make_unique<StoreSource>(io, std::move(store_path));
  absl::Status locked = co_await source->TakeLock();
  if (!locked.ok()) co_return locked;
  std::unique_ptr<RecordSource> opened = std::move(source);
  co_return std::move(opened);
}

}  // namespace tidemark
