#include "agent/site/store.h"

#include <cerrno>
#include <utility>

#include "absl/strings/str_format.h"
#include "agent/io/transfer.h"
#include "agent/site/twin_file.h"
#include "crypto/museum.h"
#include "crypto/rare_path.h"

namespace tidemark {
namespace {

constexpr FormatMark kSuperblockMark = {"TMSUPERB", "superblock"};
// A process that was just killed keeps its lock until the kernel has let go of its ring.
constexpr int kLockTries = 6;
constexpr absl::Duration kLockPause = absl::Milliseconds(50);

std::string EncodeIdentity(const StoreIdentity& identity) {
  LayoutWriter out;
  out.Bytes(identity.store.bytes).Text(identity.site).U8(identity.is_primary ? 1 : 2);
  return std::string(AsText(out.view()));
}

absl::StatusOr<StoreIdentity> DecodeIdentity(const std::string& content) {
  LayoutReader in(AsBytes(content));
  StoreIdentity identity;
  identity.store = in.Object<StoreId>();
  identity.site = in.Text();
  const uint8_t role = in.U8();
  identity.is_primary = role == 1;
  if (!in.ok() || !in.at_end() || role == 0 || role > 2) {
    return absl::DataLossError("superblock is malformed");
  }
  return identity;
}

std::string ParentOf(const std::string& path) {
  const size_t slash = path.rfind('/');
  return slash == 0 || slash == std::string::npos ? "/" : path.substr(0, slash);
}

std::string_view RoleText(bool is_primary) { return is_primary ? "primary" : "witness"; }

}  // namespace

Task<absl::Status> MakeDirectoryDurably(Io* io, std::string path) {
  Op make = io->MakeDirectory(path);
  const int32_t made = co_await make;
  if (made < 0 && made != -EEXIST) co_return ErrnoStatus(made, "make directory " + path);
  if (MUSEUM_BUG("directory-not-flushed")) co_return absl::OkStatus();
  // Also when it exists: a crash may have left it made and not durable.
  Op sync = io->SyncDirectory(ParentOf(path));
  const int32_t synced = co_await sync;
  if (synced < 0) co_return ErrnoStatus(synced, "flush directory " + ParentOf(path));
  co_return absl::OkStatus();
}

std::string Store::VaultPath(const VaultId& vault) const {
  return path_ + "/vaults/" + vault.hex();
}

Task<absl::StatusOr<std::unique_ptr<Store>>> Store::Open(Io* io, std::string path, std::string site,
                                                         bool is_primary) {
  std::unique_ptr<Store> store(new Store(io, std::move(path)));
  absl::Status made = co_await MakeDirectoryDurably(io, store->path_);
  if (!made.ok()) co_return made;
  absl::Status identified = co_await store->Identify(std::move(site), is_primary);
  if (!identified.ok()) {
    co_await store->Close();
    co_return identified;
  }
  co_return std::move(store);
}

Task<absl::StatusOr<std::unique_ptr<Store>>> Store::OpenExisting(Io* io, std::string path) {
  std::unique_ptr<Store> store(new Store(io, std::move(path)));
  FileStat stat;
  Op look = io->Stat(store->path_ + "/lock", &stat);
  const int32_t looked = co_await look;
  if (looked < 0) co_return absl::NotFoundError(store->path_ + ": no store is there");
  absl::Status opened = co_await store->TakeLock();
  if (opened.ok()) opened = co_await store->Load();
  if (!opened.ok()) {
    co_await store->Close();
    co_return opened;
  }
  co_return std::move(store);
}

Task<absl::Status> Store::Identify(std::string site, bool is_primary) {
  // Before a lock file is made: a directory of something else is left as it was found.
  FileStat stat;
  Op look = io_->Stat(path_ + "/lock", &stat);
  const int32_t looked = co_await look;
  if (looked == -ENOENT) {
    absl::Status empty = co_await CheckEmpty();
    if (!empty.ok()) co_return empty;
  }
  absl::Status locked = co_await TakeLock();
  if (!locked.ok()) co_return locked;
  absl::Status loaded = co_await Load();
  if (absl::IsNotFound(loaded)) loaded = co_await MakeNew(site, is_primary);
  if (!loaded.ok()) co_return loaded;
  if (identity_.site != site) {
    co_return absl::AlreadyExistsError(absl::StrFormat(
        "%s: this store belongs to site %s, not to site %s", path_, identity_.site, site));
  }
  if (identity_.is_primary != is_primary) {
    co_return absl::FailedPreconditionError(
        absl::StrFormat("%s: this store belongs to a %s, the configuration says %s", path_,
                        RoleText(identity_.is_primary), RoleText(is_primary)));
  }
  std::string vaults = path_ + "/vaults";
  absl::Status made = co_await MakeDirectoryDurably(io_, std::move(vaults));
  co_return made;
}

Task<absl::Status> Store::TakeLock() {
  Op open = io_->Open(path_ + "/lock", kOpenRead | kOpenWrite | kOpenCreate);
  const int32_t opened = co_await open;
  if (opened < 0) co_return ErrnoStatus(opened, "open " + path_ + "/lock");
  lock_ = opened;
  int32_t locked = 0;
  for (int i = 0; i < kLockTries; ++i) {
    Op lock = io_->Lock(lock_);
    locked = co_await lock;
    if (locked != -EWOULDBLOCK) break;
    RARE_PATH("store-lock-waited-for");
    Op pause = io_->Sleep(kLockPause);
    const int32_t slept = co_await pause;
    if (slept < 0) break;
  }
  if (locked == -EWOULDBLOCK) {
    co_return absl::AlreadyExistsError(path_ + ": another process has this store open");
  }
  if (locked < 0) co_return ErrnoStatus(locked, "lock " + path_ + "/lock");
  co_return absl::OkStatus();
}

Task<absl::Status> Store::Load() {
  TwinFile superblock(io_, path_ + "/superblock", kSuperblockMark);
  absl::StatusOr<std::string> content = co_await superblock.Load();
  if (absl::IsUnimplemented(content.status())) {
    co_return absl::FailedPreconditionError(path_ + ": " + std::string(content.status().message()));
  }
  if (!content.ok()) co_return content.status();
  absl::StatusOr<StoreIdentity> identity = DecodeIdentity(*content);
  if (!identity.ok()) co_return identity.status();
  identity_ = *identity;
  co_return absl::OkStatus();
}

Task<absl::StatusOr<uint64_t>> Store::MendSuperblock() {
  TwinFile superblock(io_, path_ + "/superblock", kSuperblockMark);
  std::string content = EncodeIdentity(identity_);
  absl::StatusOr<uint64_t> mended = co_await superblock.Mend(std::move(content));
  co_return mended;
}

Task<absl::Status> Store::MakeNew(std::string site, bool is_primary) {
  absl::Status empty = co_await CheckEmpty();
  if (!empty.ok()) co_return empty;
  identity_.store = StoreId::Random(io_);
  identity_.site = std::move(site);
  identity_.is_primary = is_primary;
  TwinFile superblock(io_, path_ + "/superblock", kSuperblockMark);
  std::string content = EncodeIdentity(identity_);
  absl::Status stored = co_await superblock.Store(std::move(content));
  co_return stored;
}

// Nothing but what an interrupted MakeNew leaves.
Task<absl::Status> Store::CheckEmpty() {
  std::vector<DirectoryEntry> entries;
  Op list = io_->List(path_, &entries);
  const int32_t listed = co_await list;
  if (listed < 0) co_return ErrnoStatus(listed, "list " + path_);
  for (const DirectoryEntry& entry : entries) {
    if (entry.name == "lock" || entry.name == "lost+found") continue;
    if (TwinFile::Owns("superblock", entry.name)) continue;
    co_return absl::AlreadyExistsError(absl::StrFormat(
        "%s has no superblock and is not empty (%s): it is not a store, choose an empty directory",
        path_, entry.name));
  }
  co_return absl::OkStatus();
}

Task<absl::StatusOr<std::vector<VaultId>>> Store::ListVaults() {
  // A process that was killed may have left one made and not durable: it is about to be used.
  Op sync = io_->SyncDirectory(path_ + "/vaults");
  const int32_t synced = co_await sync;
  if (synced < 0) co_return ErrnoStatus(synced, "flush directory " + path_ + "/vaults");
  std::vector<DirectoryEntry> entries;
  Op list = io_->List(path_ + "/vaults", &entries);
  const int32_t listed = co_await list;
  if (listed < 0) co_return ErrnoStatus(listed, "list " + path_ + "/vaults");
  std::vector<VaultId> vaults;
  for (const DirectoryEntry& entry : entries) {
    VaultId vault;
    if (entry.is_directory && FromHex(entry.name, vault.bytes)) vaults.push_back(vault);
  }
  co_return std::move(vaults);
}

Task<absl::Status> Store::MakeVaultDirectory(VaultId vault) {
  std::string path = VaultPath(vault);
  absl::Status made = co_await MakeDirectoryDurably(io_, std::move(path));
  co_return made;
}

Task<> Store::Close() {
  if (lock_ < 0) co_return;
  Op close = io_->Close(std::exchange(lock_, -1));
  const int32_t closed = co_await close;
  (void)closed;
}

}  // namespace tidemark
