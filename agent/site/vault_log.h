// One vault's log on disk: records in, flushed, found again.
//
//   Open -> (Commit | DropAbove | FindPlace | FindKind)* -> Close
// Commit and DropAbove run one at a time; looking things up needs no order. Reading bytes:
// LogReader.
//
// A failed write or flush is final for its file (law 1): the file takes nothing more, what was not
// flushed is forgotten, and the next Commit begins a new file behind the last flushed record.
#ifndef TIDEMARK_AGENT_SITE_VAULT_LOG_H_
#define TIDEMARK_AGENT_SITE_VAULT_LOG_H_

#include <deque>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "agent/io/pool.h"
#include "agent/link/data_connection.h"
#include "agent/site/log_file.h"
#include "agent/site/store.h"

namespace tidemark {

struct VaultLogOptions {
  uint64_t file_bytes_min = 64ull << 20;  // the first file; each next one twice as big,
  uint64_t file_bytes_max = 1ull << 30;   // up to this; smaller where space is short
  uint64_t reserve_bytes = 64ull << 20;   // left free on the file system
};
inline constexpr size_t kFileFailuresMax = 3;  // per hour; then nothing is appended
inline constexpr absl::Duration kFileFailureWindow = absl::Hours(1);

class VaultLog {
 public:
  // Recovers what is there. evidence: the highest sequence known to have been durable here, 0:
  // none. `buffer`: kRecordBytesMax, aligned, used until the Task ends. Damage is told by found();
  // errors are those of listing, opening and flushing, and kUnimplemented for a newer format.
  static Task<absl::StatusOr<std::unique_ptr<VaultLog>>> Open(Io* io, VaultPlace place,
                                                              VaultLogOptions options,
                                                              uint64_t evidence,
                                                              MutableByteSpan buffer,
                                                              StoreCounters* counters);
  Io* io() const { return io_; }

  // What Open found.
  const LogRecovery::Outcome& found() const { return found_; }
  // Open copied records behind what was known to be flushed: that is all of it now.
  bool settled() const { return settled_; }
  // The last record that is on stable storage.
  const Position& flushed() const { return flushed_; }
  uint64_t bytes() const { return bytes_; }
  StoreCounters* counters() { return &counters_; }
  const StoreCounters& counted() const { return counters_; }

  // Writes the records from (*group)[from] on that fit into one file, concurrently; when all are
  // written, flushes once. Gives how many those were: they are durable. The first must follow
  // flushed(), each the one before. On an error none of them counts. kResourceExhausted: no space
  // for a new file, and nothing was written.
  Task<absl::StatusOr<size_t>> Commit(const std::vector<RecordBuffer>* group, size_t from);
  // Copies flushed records above `position` into a file of its own, which the log does not count:
  // nothing that was ever acked is destroyed. Rotten blocks are copied as they are, what cannot be
  // read is left out. `buffer`: kRecordBytesMax, aligned. kResourceExhausted: there is no space for
  // a log file.
  Task<absl::Status> KeepAside(Position position, MutableByteSpan buffer);
  // The records are not given up after all: the copy goes.
  Task<> RemoveAside();
  // Gives up flushed records above `position`, durably: a new file begins behind it.
  Task<absl::Status> DropAbove(Position position);
  // Records whose write or flush failed may be whole on the disk, and stand there after the next
  // start. OK: they never will, a new file begins behind flushed() if there may be any.
  Task<absl::Status> EndLeftovers();
  // Ends the files' use. Await once before destruction in an orderly stop.
  Task<> Close();

  struct Place {
    std::string path;
    uint64_t file_number = 0;
    uint64_t offset = 0;
    RecordKind kind = RecordKind::kPack;
    LogFileHeader file;
  };
  // Of a flushed record. nullopt: there is none of that sequence.
  std::optional<Place> FindPlace(uint64_t sequence) const;
  // The newest record of a kind at or before a sequence; 0: none. kDataLoss: it may be one whose
  // head is rotten.
  absl::StatusOr<uint64_t> FindKind(RecordKind kind, uint64_t at_most) const;
  // Records whose heads Open found rotten, to be healed. Reading a whole head ends that (NoteKind).
  const std::vector<uint64_t>& rotten() const { return rotten_; }
  void NoteKind(uint64_t sequence, RecordKind kind);

 private:
  VaultLog(Io* io, VaultPlace place, VaultLogOptions options, StoreCounters* counters);
  bool FitsCurrent(const RecordBuffer& record) const;
  Task<absl::Status> WriteGroup(const std::vector<RecordBuffer>* group, size_t from, size_t count);
  uint64_t ZerosAhead(uint64_t begin, uint64_t end) const;
  Task<absl::Status> Flush();
  Task<absl::Status> BeginFile(Position before);
  Task<absl::Status> MakeFile(LogFile* file, Position before);
  Task<absl::StatusOr<Fd>> OpenNewFile(LogFile* file, Position before, const char* suffix);
  Task<absl::Status> FinishFile(const LogFile* file, Fd fd);
  Task<> GiveUpAbove(Position position);
  Task<> ReleaseRest();
  Task<> RemoveFile(const LogFile* file, Fd fd);
  // vault_log_settle.cc
  LogFile PlanCopy(uint64_t first, uint64_t last) const;
  Task<absl::Status> Settle(uint64_t evidence, MutableByteSpan buffer);
  enum class Copying : uint8_t { kWhole, kAsItIs };
  Task<absl::Status> CopyRecords(LogFile* file, Fd fd, Copying copying, MutableByteSpan buffer);
  Task<absl::Status> CopyRecord(const LogFile* file, Fd fd, uint64_t sequence, Copying copying,
                                MutableByteSpan buffer);
  uint64_t StoredBytes(uint64_t sequence) const;
  Task<> AbandonFile(bool failed);
  Task<absl::StatusOr<uint64_t>> RoomForFile();
  Task<absl::Status> ContinueFile();

  // Constant after Open.
  Io* io_;
  VaultPlace place_;
  VaultLogOptions options_;
  StoreCounters counters_;  // of this vault
  LogRecovery::Outcome found_;
  bool settled_ = false;
  BufferPool header_;  // one file header, aligned

  std::vector<uint64_t> rotten_;
  std::vector<LogFile> files_;  // in order of their records; never with a gap
  Fd current_ = -1;             // writes files_.back(); -1: the next record begins a new file
  uint64_t newest_number_ = 0;
  bool has_leftovers_ = false;  // behind flushed_, until a new file begins there
  uint64_t zeroed_upto_ = 0;    // of the current file: from its end to here zeros were written
  uint64_t bytes_ = 0;
  Position flushed_;
  std::string aside_;                    // the copy that was kept last
  std::deque<absl::Duration> failures_;  // when files failed, monotonic
};

}  // namespace tidemark
#endif  // TIDEMARK_AGENT_SITE_VAULT_LOG_H_
