// Evidence of a period, read back from the journal: the ledger that follows from it, and an export
// that a stranger can check. Both are made from the same statements, so they say the same.
//
//   Survey, then facts(); for an export then WriteHeaders for each vault; Count, then ledger()
// Count reads again what was surveyed, since what is missing must be known beforehand.
#ifndef TIDEMARK_AGENT_PROOF_RPO_EXPORT_H_
#define TIDEMARK_AGENT_PROOF_RPO_EXPORT_H_

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "agent/proof/proof_keeper.h"
#include "crypto/digest.h"

namespace tidemark {

// Which of the journal's frames belong to a period: each statement once, none of a checkpoint that
// was made later.
class EvidenceFilter {
 public:
  explicit EvidenceFilter(int64_t until) : until_(until) {}
  void BeginSegment(bool is_first) { is_first_ = is_first; }
  bool Accepts(const EvidenceFrame& frame);
  // Of all that was accepted.
  Digest digest() { return hasher_.Finish(); }

 private:
  bool Belongs(const EvidenceFrame& frame);
  int64_t until_;
  bool is_first_ = true;
  Hasher hasher_;
  std::set<Digest> anchors_;
  DigestWindow<bool> recent_{65536};
};

class RpoExport {
 public:
  // `vault`: empty for all.
  RpoExport(ProofKeeper* keeper, absl::Time since, absl::Time until, const std::string& vault);
  Io* io() const { return io_; }

  Task<absl::Status> Survey();
  // `output`: where the evidence goes; below 0: nowhere. kUnknown: it is not what was surveyed.
  Task<absl::Status> Count(Fd output);
  const LedgerReport& ledger() const { return report_; }
  const std::vector<std::string>& facts() const { return facts_; }
  const std::vector<ExportManifest::Gap>& gaps() const { return gaps_; }
  const Ledger::Terms& terms() const { return terms_; }

  // Gives a record's canonical header, or why there is none.
  using HeaderSource =
      std::function<Task<absl::StatusOr<CanonicalHeader>>(VaultId vault, uint64_t sequence)>;
  // The chain of the records that the receipts are about, as far as `source` gives it and not
  // beyond `tail`, the log's end if it is known: a site may name what no log has.
  Task<absl::Status> WriteHeaders(size_t vault, std::optional<uint64_t> tail, HeaderSource source,
                                  Fd output);
  // Of all that was written.
  ExportManifest::File EvidenceFile();
  uint64_t receipts() const { return receipts_; }
  uint64_t checkpoints() const { return checkpoints_; }
  uint64_t records() const { return records_; }

 private:
  class Surveyor;
  class Counter;
  struct Range {
    uint64_t first = 0, last = 0, checkpointed = 0;
  };
  Task<absl::Status> Read(EvidenceSink* sink, EvidenceFilter* filter,
                          std::function<Task<absl::Status>()> each);
  Task<absl::Status> Write(Fd output, std::string bytes);
  Task<absl::Status> WriteCopied(Counter* counter, Fd output);
  void StateGaps();
  void StateGap(size_t site, const StoreId& store, const ReceiptAudit::Gap& gap);

  // Constant after construction.
  Io* io_;
  ProofKeeper* keeper_;
  Ledger::Terms terms_;
  // As far as was read and written.
  std::vector<EvidenceJournal::Segment> segments_;  // and no byte more is read
  Digest surveyed_;
  std::unique_ptr<Ledger> ledger_;
  ProofFindings findings_;
  std::map<std::pair<size_t, StoreId>, std::unique_ptr<ReceiptAudit>> audits_;
  std::map<VaultId, Range> ranges_;
  LedgerReport report_;
  std::vector<std::string> facts_;
  std::vector<ExportManifest::Gap> gaps_;
  Hasher hasher_;
  uint64_t written_ = 0, receipts_ = 0, checkpoints_ = 0, records_ = 0;
};

}  // namespace tidemark
#endif  // TIDEMARK_AGENT_PROOF_RPO_EXPORT_H_
