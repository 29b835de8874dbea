// Looks at the receipts of one store, in the order in which they come, and names what is wrong:
// forged, missing, duplicated, reordered, or of two histories. The agent does it as they arrive,
// rpo-verify does it with an export.
//
// Each receipt names the digest of the one before, so a signature covers all that stand before it.
// Signatures are checked at every border and every Nth receipt, and of both when two do not fit.
#ifndef TIDEMARK_REPLICATOR_RECEIPT_AUDIT_H_
#define TIDEMARK_REPLICATOR_RECEIPT_AUDIT_H_

#include <deque>
#include <map>
#include <string>
#include <vector>

#include "replicator/receipt.h"

namespace tidemark {

enum class FindingKind : uint8_t {
  kFile,          // bytes of the export were changed
  kMalformed,     // something that is no statement
  kForged,        // a statement that its signer did not sign
  kMissing,       // receipts that were left out
  kDuplicated,    // the same receipt twice
  kReordered,     // a receipt behind a later one
  kEquivocation,  // a site signed two histories, or the agent did
  kWentBack,      // a durable position shrank without a receipt that says truncated
  kChain,         // the records' own chain does not fit
  kLedger,        // the ledger beside the evidence is not what the evidence says
};
const char* FindingName(FindingKind kind);

struct ProofFinding {
  FindingKind kind = FindingKind::kFile;
  std::string site;     // empty: of the agent or the export
  uint64_t number = 0;  // of the receipt, or the sequence of the record; 0: none
  std::string message;
  std::vector<std::string> statements;  // signed bytes in hex that prove it by themselves
};
class ProofFindings {
 public:
  static constexpr size_t kListedMax = 1000;
  void Add(ProofFinding finding);
  bool empty() const { return count_ == 0; }
  uint64_t count() const { return count_; }
  const std::vector<ProofFinding>& listed() const { return listed_; }

 private:
  uint64_t count_ = 0;
  std::vector<ProofFinding> listed_;
};

class ReceiptAudit {
 public:
  // A run of receipts that the agent says it lost: no finding. Numbers are inclusive.
  struct Gap {
    uint64_t from = 0, to = 0;
  };
  static constexpr uint64_t kCallerChecks = 0;  // of signature_every: those taken are known to hold
  // `findings` outlives this.
  ReceiptAudit(std::string site, StoreId store, const PublicKey& key, uint64_t signature_every,
               ProofFindings* findings);
  void StateGaps(std::vector<Gap> gaps) { stated_ = std::move(gaps); }
  // What was signed before all that is shown here; before Take, by rising number.
  void Begin(const SignedReceipt& receipt, ByteSpan bytes);
  // `is_late`: the agent says that it could not keep it when it came. That it stands behind later
  // ones is then nobody's fault; number and chain are judged as ever.
  void Take(const SignedReceipt& receipt, ByteSpan bytes, bool is_late = false);
  // No more will come.
  void Finish();
  // One that was taken lately.
  bool Knows(uint64_t number, const Digest& digest) const;

  uint64_t receipts() const { return receipts_; }
  uint64_t signatures() const { return signatures_; }
  uint64_t first_number() const { return first_number_; }
  uint64_t last_number() const { return last_number_; }
  const Digest& last_digest() const { return last_digest_; }
  bool convicted() const { return convicted_; }
  // As far as receipts are missing, by rising number; those that came late are taken out again.
  const std::vector<Gap>& gaps() const { return gaps_; }

 private:
  struct Kept {
    Digest digest;
    std::vector<std::byte> bytes;  // the newest ones only
  };
  bool Holds(const SignedReceipt& receipt);
  bool HoldsBytes(ByteSpan bytes);
  void TakeNext(const SignedReceipt& receipt, ByteSpan bytes, const Digest& digest);
  void TakePassed(const SignedReceipt& receipt, ByteSpan bytes, const Digest& digest, bool is_late);
  std::vector<Gap>::iterator GapOf(uint64_t number);
  bool CutFromGap(uint64_t number);
  void CompareWithNeighbours(const SignedReceipt& receipt, ByteSpan bytes, const Digest& digest);
  void ComparePair(ByteSpan earlier_bytes, const Digest& earlier_digest, const SignedReceipt& later,
                   ByteSpan later_bytes);
  bool FollowsLast(const SignedReceipt& receipt, ByteSpan bytes);
  void CheckHeads(const SignedReceipt& receipt, ByteSpan bytes);
  void JudgeHead(const Position& before, ByteSpan earlier, const Position& durable,
                 const SignedReceipt& receipt, ByteSpan bytes);
  void MakeLast(const SignedReceipt& receipt, ByteSpan bytes, const Digest& digest, bool checked);
  void Keep(uint64_t number, const Digest& digest, ByteSpan bytes);
  void Report(FindingKind kind, uint64_t number, std::string message,
              std::vector<std::string> statements = {});
  void ReportForged(uint64_t number);
  void Convict(uint64_t number, std::string message, ByteSpan first, ByteSpan second,
               FindingKind kind = FindingKind::kEquivocation);
  bool IsStated(const Gap& gap) const;

  // Constant after construction.
  std::string site_;
  StoreId store_;
  PublicKey key_;
  uint64_t signature_every_;
  ProofFindings* findings_;
  std::vector<Gap> stated_;
  // As far as was taken.
  uint64_t receipts_ = 0, signatures_ = 0, first_number_ = 0, last_number_ = 0;
  Digest last_digest_;
  std::vector<std::byte> last_bytes_;
  bool last_checked_ = false, convicted_ = false;
  BootId boot_;
  std::map<VaultId, Position> heads_;
  std::map<uint64_t, Kept> recent_;
  std::vector<Gap> gaps_;
  std::map<uint64_t, Digest> promised_;  // number -> what the receipt behind a gap named as it
};

}  // namespace tidemark
#endif  // TIDEMARK_REPLICATOR_RECEIPT_AUDIT_H_
