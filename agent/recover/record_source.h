// Where records are read from: a site over the network, or a store's directory.
//
// What it gives is checked against the canonical header (block digests), which itself hashes to
// the record's digest. Keys are somebody else's business.
#ifndef TIDEMARK_AGENT_RECOVER_RECORD_SOURCE_H_
#define TIDEMARK_AGENT_RECOVER_RECORD_SOURCE_H_

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "agent/io/task.h"
#include "replicator/record.h"

namespace tidemark {

class RecordSource {
 public:
  virtual ~RecordSource() = default;
  // "site a", "store /path": for messages.
  virtual const std::string& name() const = 0;
  virtual Io* io() const = 0;
  // What is durable there. kNotFound: it has no such vault; kUnavailable: not reachable now.
  virtual Task<absl::StatusOr<Position>> Tail(VaultId vault) = 0;
  virtual Task<absl::StatusOr<CanonicalHeader>> Head(VaultId vault, uint64_t sequence) = 0;
  // Blocks [first, first + count) of a record's payload; the last block may be short. `header` must
  // outlive the call. kDataLoss names source, sequence and block.
  virtual Task<absl::Status> ReadBlocks(const CanonicalHeader* header, uint32_t first,
                                        uint32_t count, MutableByteSpan into) = 0;
  // Sequence of the newest record of that kind at or before at_most (0: no bound); 0: there is
  // none.
  virtual Task<absl::StatusOr<uint64_t>> FindRecord(VaultId vault, RecordKind kind,
                                                    uint64_t at_most) = 0;
  // Ends its connections. Await once before destruction in an orderly stop.
  virtual Task<> Finish() = 0;
};

// Several sources of one vault, best first: a read goes to the first that answers rightly. Blocks
// may be spread over the first few: then to the one with the least under way. One that could not be
// reached is asked last from then on. With one source only (restore --from) nothing
// is read around. Tail and FindRecord ask all: the answer is the best of those that answered.
class SourceList : public RecordSource {
 public:
  // Does not own the sources. Blocks are spread over the first `striped`.
  SourceList(Io* io, std::vector<RecordSource*> sources, size_t striped = 1);
  // Only those for which this is true are asked; null: all.
  void UseOnly(std::function<bool(const RecordSource*)> usable) { usable_ = std::move(usable); }
  const std::string& name() const override { return name_; }
  Io* io() const override { return io_; }
  Task<absl::StatusOr<Position>> Tail(
      VaultId vault) override;  // the longest that any reachable one has
  Task<absl::StatusOr<CanonicalHeader>> Head(VaultId vault, uint64_t sequence) override;
  Task<absl::Status> ReadBlocks(const CanonicalHeader* header, uint32_t first, uint32_t count,
                                MutableByteSpan into) override;
  Task<absl::StatusOr<uint64_t>> FindRecord(VaultId vault, RecordKind kind,
                                            uint64_t at_most) override;
  Task<> Finish() override;

 private:
  // Keeps the worst of the errors: damage over silence over absence.
  void NoteFailure(RecordSource* source, const absl::Status& why, absl::Status* worst);
  std::vector<RecordSource*> OrderOfRead() const;
  Io* io_;
  std::string name_;
  std::vector<RecordSource*> Usable() const;
  std::vector<RecordSource*> sources_;  // in the order in which they are asked
  std::function<bool(const RecordSource*)> usable_;
  size_t striped_;
  std::map<const RecordSource*, uint64_t> reading_;  // blocks under way
};

}  // namespace tidemark
#endif  // TIDEMARK_AGENT_RECOVER_RECORD_SOURCE_H_
