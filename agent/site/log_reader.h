// Reads records of a VaultLog back. Each reader keeps one file open, so a run of records costs one
// open per file. One call at a time; the log may grow meanwhile.
#ifndef TIDEMARK_AGENT_SITE_LOG_READER_H_
#define TIDEMARK_AGENT_SITE_LOG_READER_H_

#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "agent/site/vault_log.h"

namespace tidemark {

class LogReader {
 public:
  explicit LogReader(VaultLog* log) : log_(log) {}
  Io* io() const { return log_->io(); }
  VaultLog* log() const { return log_; }

  // The head of a flushed record. `buffer`: kRecordHeaderBytes, aligned. kNotFound: no such record;
  // kDataLoss: what stands there is not that record, or cannot be read.
  Task<absl::StatusOr<CanonicalHeader>> ReadHead(uint64_t sequence, MutableByteSpan buffer);
  // The digest of a flushed record that is not the last, as the next one names it: its own head may
  // be rotten. kUnavailable: so is the next one's, until both are healed.
  Task<absl::StatusOr<Digest>> ReadDigest(uint64_t sequence, MutableByteSpan buffer);
  // The header of the file that holds that record. kDataLoss: it is not what it was, or cannot be
  // read. `buffer`: kLogFileHeaderBytes, aligned.
  Task<absl::Status> CheckFileHeader(uint64_t sequence, MutableByteSpan buffer);
  // Blocks of that record from `first` on, as they stand on disk: as many as `into` is long, which
  // is aligned. kDataLoss: cannot be read. Digests are the caller's to check.
  Task<absl::Status> ReadBlocks(const CanonicalHeader* header, uint32_t first,
                                MutableByteSpan into);
  // Await once before destruction in an orderly stop.
  Task<> Close();

 private:
  Task<absl::Status> OpenFile(const VaultLog::Place* place);
  VaultLog* log_;
  Fd fd_ = -1;
  uint64_t file_number_ = 0;
};

// Bytes of blocks [first, first + count) of a record.
size_t BlockRangeBytes(const CanonicalHeader& header, uint32_t first, uint32_t count);

}  // namespace tidemark
#endif  // TIDEMARK_AGENT_SITE_LOG_READER_H_
