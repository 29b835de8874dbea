// Where a site keeps its receipts: one preallocated file, written round and round, an entry at a
// time, each on its own 4 KiB pages. The newest entry says all that must be remembered.
//
//   STORE/receipts-NNNNNNNN
// A failed write or flush is final for the file: the entry goes into a new one.
#ifndef TIDEMARK_AGENT_SITE_RECEIPT_RING_H_
#define TIDEMARK_AGENT_SITE_RECEIPT_RING_H_

#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "agent/io/pool.h"
#include "agent/site/receipt_entry.h"
#include "agent/site/store.h"

namespace tidemark {

inline constexpr uint64_t kReceiptRingBytes = 4 << 20;
inline constexpr size_t kReceiptEntryBytesMax = 512 * 1024;
// In memory, to be told to an agent that lacks them: 25 s of a busy site, 40 min of an idle one.
inline constexpr size_t kReceiptsRemembered = 512;
inline constexpr size_t kReceiptBytesRemembered = 4 << 20;
inline constexpr size_t kReceiptsMended = 64;

class ReceiptRing {
 public:
  static Task<absl::StatusOr<std::unique_ptr<ReceiptRing>>> Open(Io* io, std::string directory,
                                                                 StoreCounters* counters);
  Io* io() const { return io_; }
  // The newest entries by number, oldest first, the last up to now; empty: there never was one.
  const std::deque<ReceiptEntry>& newest() const { return newest_; }
  // Durable when OK; one call at a time. kInvalidArgument: too big.
  Task<absl::Status> Append(ReceiptEntry entry);
  // Reads the newest entries again and rewrites those that are damaged; how many those were. Not
  // while Append runs.
  Task<absl::StatusOr<uint64_t>> Mend();
  Task<> Close();

 private:
  static constexpr uint64_t kPage = kDirectIoBytes;
  static uint64_t PagesFor(uint64_t bytes) { return (bytes + kPage - 1) / kPage * kPage; }
  static std::string NameOf(uint64_t number);
  static std::optional<uint64_t> NumberOf(const std::string& name);

  ReceiptRing(Io* io, std::string directory, StoreCounters* counters);
  Task<absl::Status> Recover();
  Task<absl::Status> KeepNewest();
  Task<absl::Status> ReadFile(uint64_t number);
  Task<absl::Status> ReadEntries(uint64_t number);
  Task<size_t> WrittenBytes(uint64_t offset);
  Task<absl::StatusOr<size_t>> ReadPages(MutableByteSpan into, uint64_t offset);
  void Forget();
  void TakePages(uint64_t file, uint64_t offset, ByteSpan pages);
  Task<absl::Status> BeginFile();
  Task<absl::Status> MakeFile(uint64_t number);
  Task<absl::StatusOr<bool>> MendEntry(ReceiptEntry entry);
  Task<> RemoveOthers();
  Task<> CloseFile();

  Io* io_;
  std::string directory_;
  StoreCounters* counters_;
  BufferPool pool_;  // one entry, aligned
  std::deque<ReceiptEntry> newest_;
  std::vector<uint64_t> files_;     // numbers of all ring files that exist
  Fd fd_ = -1;                      // of file_
  uint64_t file_ = 0, offset_ = 0;  // where the next entry goes
};

}  // namespace tidemark
#endif  // TIDEMARK_AGENT_SITE_RECEIPT_RING_H_
