// rpo-verify without files: takes the evidence of an export in, frame by frame, gives out what is
// wrong with it and the ledger that it proves. Needs public keys only.
//
//   (Take)* Finish
// Proved: which site held which records, in which order, between which of the agent's checkpoints.
// The agent's word: when something was captured. It is bounded above by the sites' clocks: a
// receipt names a checkpoint that was made before it, so by how much the agent's clock can have
// been ahead of a site's is a figure of the report.
#ifndef TIDEMARK_REPLICATOR_PROOF_H_
#define TIDEMARK_REPLICATOR_PROOF_H_

#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "replicator/export_manifest.h"
#include "replicator/ledger.h"
#include "replicator/receipt_audit.h"

namespace tidemark {

struct ProofReport {
  struct Chain {  // the receipts of one store
    std::string site;
    StoreId store;
    uint64_t first = 0, last = 0, receipts = 0;
    bool convicted = false;
  };
  struct Clock {  // of the agent against a site's, in nanoseconds; negative: certainly behind
    std::string site;
    int64_t ahead_at_most = INT64_MIN, behind_at_most = INT64_MIN;
  };
  std::vector<Chain> chains;
  std::vector<Clock> clocks;
  LedgerReport ledger;
  uint64_t receipts = 0, checkpoints = 0, controls = 0, records = 0, signatures = 0;
  uint64_t heads_outside_chain = 0;  // of receipts: the records' chain does not reach there
  uint64_t heads_superseded = 0;     // of an epoch that a take-over cut shorter
};

class ProofCheck {
 public:
  // Every `signature_every`th signature is checked besides those at borders; 1: all.
  ProofCheck(const ExportManifest& manifest, uint64_t signature_every, ProofFindings* findings);
  void Take(const EvidenceFrame& frame);
  ProofReport Finish();

 private:
  struct RecordChain {  // of a vault
    uint64_t first = 0;
    std::vector<Digest> digests;
    std::vector<std::pair<uint64_t, uint64_t>> epochs;  // from this sequence on, this epoch
    uint64_t last() const { return first + digests.size() - 1; }
    const Digest* At(uint64_t sequence) const;
    uint64_t EpochAt(uint64_t sequence) const;
    uint64_t epoch() const { return epochs.empty() ? 0 : epochs.back().second; }
  };
  struct Conflict {  // a head that is not in the records' chain
    Position head;
    uint64_t number = 0;
    std::vector<std::byte> statement;
  };
  struct Beyond {  // a head behind the end of the records' chain: nothing shows what it names
    uint64_t number = 0, sequence = 0;
  };
  struct StoreBook {
    std::unique_ptr<ReceiptAudit> audit;
    std::map<VaultId, Conflict> conflicts;
    std::map<VaultId, Conflict> late_conflicts;  // the newest of receipts that came late
    uint64_t gave_up = 0;                        // the newest receipt that says truncated
    std::map<VaultId, Beyond> beyond;
  };
  using StoreKey = std::pair<size_t, StoreId>;

  void TakeHeader(ByteSpan body);
  void TakeControl(ByteSpan body);
  void TakeReceipt(ByteSpan body, EvidenceMarks marks);
  void TakeCheckpoint(ByteSpan body);
  void CompareHeads(const StoreKey& key, const SignedReceipt& receipt, ByteSpan bytes);
  void CompareLateHeads(const StoreKey& key, const SignedReceipt& receipt, ByteSpan bytes);
  void ReportConflicts(const StoreKey& key, StoreBook* book);
  void CompareClocks(size_t site, const Receipt& receipt);
  void CheckListed(const SignedCheckpoint& checkpoint);
  void ReportBeyond();
  StoreBook& BookOf(const StoreKey& key);
  void Report(FindingKind kind, uint64_t number, std::string message);

  const ExportManifest manifest_;
  uint64_t signature_every_;
  ProofFindings* findings_;
  Ledger ledger_;
  std::map<VaultId, RecordChain> records_;
  std::map<StoreKey, StoreBook> stores_;
  bool began_ = false;                        // something was said that is no anchor
  DigestWindow<int64_t> made_{65536};         // recent checkpoints: when
  std::vector<DigestWindow<int64_t>> heard_;  // recent receipts of each site: its wall clock
  std::vector<Digest> listed_;                // the receipt of each site that was named last
  ProofReport report_;
};

}  // namespace tidemark
#endif  // TIDEMARK_REPLICATOR_PROOF_H_
