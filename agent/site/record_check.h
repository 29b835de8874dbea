// Re-reads records of one vault as they stand on disk, and says exactly what is wrong: a block, a
// head, a file's header. For verify and for the scrub.
#ifndef TIDEMARK_AGENT_SITE_RECORD_CHECK_H_
#define TIDEMARK_AGENT_SITE_RECORD_CHECK_H_

#include <string>
#include <vector>

#include "agent/site/log_reader.h"

namespace tidemark {

class SiteVault;

// One place in a store that is not what it was.
struct Damage {
  enum class Part : uint8_t { kFileHeader, kHead, kBlock };
  VaultId vault;
  uint64_t sequence = 0;  // the record; of a file header: the file's first record
  Part part = Part::kBlock;
  uint32_t block = 0;
  std::string Describe() const;  // "record 17 block 3"
  friend auto operator<=>(const Damage&, const Damage&) = default;
};

class RecordCheck {
 public:
  explicit RecordCheck(SiteVault* vault);
  Io* io() const { return reader_.io(); }

  struct Found {
    Damage damage;
    absl::Status why;
  };
  // The record, and the header of its file when it is the file's first. In order, the chain from
  // record to record is checked too. `buffer`: kRecordBytesMax, aligned. Damage is added to *found.
  Task<> Check(uint64_t sequence, MutableByteSpan buffer, std::vector<Found>* found);
  // Of the record that was checked last; 0 and one head when its head is bad.
  uint32_t blocks() const { return blocks_; }
  uint64_t bytes() const { return bytes_; }
  // Await once before destruction in an orderly stop.
  Task<> Close();

 private:
  Task<> CheckBlocks(const CanonicalHeader* header, MutableByteSpan payload,
                     std::vector<Found>* found);
  void CheckChain(const CanonicalHeader& header, std::vector<Found>* found);
  void Note(Damage::Part part, uint64_t sequence, uint32_t block, const absl::Status& why,
            std::vector<Found>* found) const;

  SiteVault* vault_;
  LogReader reader_;
  Position last_;  // the record before, if its head was whole
  uint32_t blocks_ = 0;
  uint64_t bytes_ = 0;
};

}  // namespace tidemark
#endif  // TIDEMARK_AGENT_SITE_RECORD_CHECK_H_
