// Placement: what a site writes beside a canonical header, outside digest and identity.
//
// On disk a record is 4 KiB (canonical header at 0, placement header at 3584), then the payload.
// A log file starts with one 4 KiB file header. Own offset finds misdirected writes, the salt of
// the file's incarnation makes recycled extents safe, durable_upto tells a torn tail from a damaged
// acknowledged record.
#ifndef TIDEMARK_REPLICATOR_PLACEMENT_H_
#define TIDEMARK_REPLICATOR_PLACEMENT_H_

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "replicator/record.h"

namespace tidemark {

struct PlacementHeader {
  StoreId store;
  uint64_t file_number = 0;
  uint64_t file_salt = 0;
  uint64_t own_offset = 0;  // of the record's first byte in its file
  uint64_t sequence = 0;
  uint64_t durable_upto = 0;  // highest sequence of this vault known flushed when this was written
  Digest record_digest;
  friend bool operator==(const PlacementHeader&, const PlacementHeader&) = default;
};
// The 4 KiB that stand before a payload on disk.
std::vector<std::byte> EncodeRecordHead(const CanonicalHeader& header,
                                        const PlacementHeader& placement);

struct RecordHead {
  CanonicalHeader canonical;
  PlacementHeader placement;
};
// Checks both headers, the checksum, and that they agree. kDataLoss: nothing valid here;
// kUnimplemented: newer format.
absl::StatusOr<RecordHead> ParseRecordHead(ByteSpan head4096);

// A new incarnation (recycled file) has a new salt; after a TRUNCATED receipt a store begins a new
// file.
struct LogFileHeader {
  StoreId store;
  VaultId vault;
  uint64_t file_number = 0;
  uint64_t file_salt = 0;
  uint64_t file_bytes = 0;
  Position before;  // the record before the file's first
};
inline constexpr size_t kLogFileHeaderBytes = 4096;
std::vector<std::byte> EncodeLogFileHeader(const LogFileHeader& header);
absl::StatusOr<LogFileHeader> ParseLogFileHeader(ByteSpan head4096);

// Recovery of one vault's log as decisions (law 2): feed what stands on disk in order, ask at the
// end. Pure: the store reads, this judges.
//   (OnFile OnRecord*)* Finish
class LogRecovery {
 public:
  // evidence: the highest sequence that this site is known to have held durably (own receipts,
  // promises, receipts shown by agent or peer). 0: none.
  LogRecovery(StoreId store, VaultId vault, uint64_t evidence);
  enum class Verdict : uint8_t {
    kAccept,  // take it, go on behind it
    kStop,    // no record here; the log ends (or is damaged: ask Finish)
  };
  // kFailedPrecondition: a file of another store or vault; kDataLoss: it does not follow the tail.
  // After either (or a stop) heads are not accepted any more, but may still be shown as evidence.
  absl::Status OnFile(const LogFileHeader& header);
  // `head` as parsed at `offset` of the current file, or its error. payload_ok: nullopt when the
  // payload was not read (allowed for sequences <= the durable_upto of a later head), else the
  // check's result.
  Verdict OnRecord(uint64_t offset, const absl::StatusOr<RecordHead>& head,
                   std::optional<bool> payload_ok);

  // The head of the record behind the tail is rotten, and `next` is the next head of this file.
  // True: that record was durable here once and `next` follows it, so it is taken unread; its place
  // ends where `next` stands. The next OnRecord is about `next`. next_is_whole: its payload has its
  // digests, or evidence speaks of it.
  bool OnRottenHead(const RecordHead& next, bool next_is_whole);

  struct Outcome {
    Position tail;  // last record of the accepted prefix
    bool damaged =
        false;  // evidence says more was durable than the prefix holds: keep, sign nothing, repair
    uint64_t evidence = 0;  // the highest sequence evidence speaks of
    bool newer_format =
        false;  // a newer version wrote on: damaged is set too; upgrade, write nothing
    std::string explanation;  // for people: what was found where
  };
  Outcome Finish() const;
  const Position& tail() const { return tail_; }

 private:
  bool IsOwn(uint64_t offset, const RecordHead& head) const;
  std::string Fault(uint64_t offset, const absl::StatusOr<RecordHead>& head,
                    std::optional<bool> payload_ok) const;
  StoreId store_;
  VaultId vault_;
  uint64_t evidence_;
  Position tail_;
  std::optional<LogFileHeader> file_;
  std::string stopped_by_;
  bool newer_format_ = false;
};

}  // namespace tidemark
#endif  // TIDEMARK_REPLICATOR_PLACEMENT_H_
