// Recovery of one vault's log from disk: reads what stands there and shows it to LogRecovery.
//
// Heads are walked file by file; payloads are read and checked only above the highest durable_upto
// that the newest file speaks of. Behind the place where the log ends every head that can still be
// found is shown as evidence, so that a torn tail and a damaged record are told apart (law 2).
#ifndef TIDEMARK_AGENT_SITE_LOG_SCAN_H_
#define TIDEMARK_AGENT_SITE_LOG_SCAN_H_

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "agent/io/task.h"
#include "agent/site/log_file.h"
#include "agent/site/store.h"

namespace tidemark {

class LogScan {
 public:
  struct Result {
    std::vector<LogFile> files;  // that hold the accepted records, in order
    LogRecovery::Outcome outcome;
    uint64_t evidence = 0;       // what is known to have been flushed; the tail may be behind it
    uint64_t newest_number = 0;  // of any log file in the directory, whole or not
    std::vector<std::string> unwritten;  // paths of files whose making was cut short: all space
    std::vector<uint64_t> rotten;        // accepted records whose heads must be healed
    bool may_continue = false;           // the next record may go behind files.back().end
  };
  // `buffer`: kRecordBytesMax, aligned. evidence: see LogRecovery.
  LogScan(Io* io, VaultPlace place, uint64_t evidence, MutableByteSpan buffer,
          StoreCounters* counters);
  Io* io() const { return io_; }
  // Once. Flushes files and directory before it believes what it reads. An error is one of opening,
  // listing or flushing; damage is part of the result.
  Task<absl::StatusOr<Result>> Run();

 private:
  struct Candidate {
    LogFile file;
    uint64_t bytes = 0;                       // that can hold records
    bool headed = false;                      // its header is whole
    std::optional<RecordHead> first;          // of a file whose header is damaged
    uint64_t last_sequence = ~uint64_t{0};    // records above are superseded
    const LogFileHeader* ended_by = nullptr;  // the later file whose `before` that is, if whole
    uint64_t before_sequence() const {
      return headed ? file.header.before.sequence : first->canonical.sequence - 1;
    }
    bool superseded() const { return before_sequence() > last_sequence; }
  };
  Task<absl::Status> Survey();
  Task<absl::Status> SurveyFile(uint64_t number);
  Task<absl::Status> ReadFileHeader(uint64_t number);
  void FindSuperseded();
  Task<absl::Status> Open(const Candidate* candidate);
  Task<> Close();
  Task<absl::StatusOr<size_t>> ReadAt(MutableByteSpan into, uint64_t offset);
  Task<absl::StatusOr<RecordHead>> ReadHead(uint64_t bytes, uint64_t offset);
  Task<std::optional<bool>> CheckStoredPayload(uint64_t offset, const CanonicalHeader* header);
  Task<absl::Status> FindHighestDurable(const Candidate* candidate);
  // False: the log ends in it, or before it.
  Task<absl::StatusOr<bool>> TakeFile(Candidate* candidate);
  // log_scan_evidence.cc
  struct Found {
    uint64_t offset = 0;
    RecordHead head;
  };
  Task<std::optional<Found>> NextHead(const Candidate* candidate, uint64_t offset);
  std::optional<Found> NextFile(const Candidate* candidate) const;
  Task<bool> PassRottenHead(Candidate* candidate);
  Task<> ShowEvidence(const Candidate* candidate, uint64_t offset);
  void MendHeader(Candidate* candidate) const;

  Io* io_;
  VaultPlace place_;
  MutableByteSpan buffer_;
  StoreCounters* counters_;
  uint64_t evidence_;  // what was flushed once: payloads up to here need no check
  std::optional<LogRecovery> recovery_;
  std::map<uint64_t, Candidate> candidates_;  // by file number
  Fd fd_ = -1;
  uint64_t cached_begin_ = 0, cached_end_ = 0;  // of fd_, at the front of buffer_
  uint64_t window_bytes_ = kRecordHeaderBytes;  // to read for the next head
  std::string unreadable_;                      // a place that gave an I/O error
  Result result_;
};

}  // namespace tidemark
#endif  // TIDEMARK_AGENT_SITE_LOG_SCAN_H_
