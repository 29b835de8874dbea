// The posix store: a directory that belongs to one site. Who it belongs to, the lock, the places.
//
//   STORE/lock  superblock.{0,1}  receipts-NNNNNNNN  vaults/<vault id>/{promise.{0,1},
//   log-NNNNNNNN}
// Files with other names are left alone.
#ifndef TIDEMARK_AGENT_SITE_STORE_H_
#define TIDEMARK_AGENT_SITE_STORE_H_

#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "agent/io/task.h"
#include "crypto/bytes.h"

namespace tidemark {

// What was asked of the disk since the start: by a vault, and with `all` by the whole site.
struct StoreCounters {
  uint64_t write_io_count = 0, read_io_count = 0;  // one for each started 16 KiB of a request
  uint64_t commit_count = 0;
  uint64_t bytes_written = 0, bytes_read = 0;
  StoreCounters* all = nullptr;
  void OnWrite(uint64_t bytes) {
    write_io_count += (bytes + 16383) / 16384;
    bytes_written += bytes;
    if (all != nullptr) all->OnWrite(bytes);
  }
  void OnRead(uint64_t bytes) {
    read_io_count += (bytes + 16383) / 16384;
    bytes_read += bytes;
    if (all != nullptr) all->OnRead(bytes);
  }
  void OnCommit() {
    ++commit_count;
    if (all != nullptr) all->OnCommit();
  }
};

struct StoreIdentity {
  StoreId store;
  std::string site;
  bool is_primary = true;
};

class Store {
 public:
  // Locks the directory and reads who it belongs to; an empty (or missing) directory becomes a new
  // store of `site`. kAlreadyExists: another process has it, it is another site's or a directory of
  // something else; kFailedPrecondition: another role's, a newer format's; kDataLoss: both
  // superblocks are damaged.
  static Task<absl::StatusOr<std::unique_ptr<Store>>> Open(Io* io, std::string path,
                                                           std::string site, bool is_primary);
  // As it is, whoever it belongs to; makes nothing. kNotFound: no store is there.
  static Task<absl::StatusOr<std::unique_ptr<Store>>> OpenExisting(Io* io, std::string path);
  // Gives the lock back. Await once before destruction in an orderly stop.
  Task<> Close();

  Io* io() const { return io_; }
  const StoreIdentity& identity() const { return identity_; }
  const std::string& path() const { return path_; }
  // Reads the superblocks again; how many had to be made anew.
  Task<absl::StatusOr<uint64_t>> MendSuperblock();
  std::string VaultPath(const VaultId& vault) const;
  // Vaults that have a directory here, sorted; their directories are durable afterwards.
  Task<absl::StatusOr<std::vector<VaultId>>> ListVaults();
  // Durable when OK; fine when it exists.
  Task<absl::Status> MakeVaultDirectory(VaultId vault);

 private:
  Store(Io* io, std::string path) : io_(io), path_(std::move(path)) {}
  Task<absl::Status> TakeLock();
  Task<absl::Status> Identify(std::string site, bool is_primary);
  Task<absl::Status> Load();
  Task<absl::Status> MakeNew(std::string site, bool is_primary);
  Task<absl::Status> CheckEmpty();

  Io* io_;
  std::string path_;
  StoreIdentity identity_;
  Fd lock_ = -1;
};

// A directory that is there and durable in its parent afterwards.
Task<absl::Status> MakeDirectoryDurably(Io* io, std::string path);

}  // namespace tidemark
#endif  // TIDEMARK_AGENT_SITE_STORE_H_
