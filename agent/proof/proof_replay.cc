// ProofKeeper: what an earlier agent left in the journal.
#include <utility>

#include "agent/proof/proof_keeper.h"
#include "crypto/rare_path.h"

namespace tidemark {
namespace {

constexpr size_t kSegmentsReplayed = 8;

}  // namespace

// What is missing, and what sites are known for. On a worker, while nobody else does.
class ProofKeeper::AuditReplay : public EvidenceSink {
 public:
  AuditReplay(ProofKeeper* keeper, bool is_first) : keeper_(keeper), is_first_(is_first) {}
  void Take(const EvidenceFrame& frame) override {
    // Anchors of later segments were all said in the ones before.
    if (frame.kind != EvidenceKind::kReceipt || (frame.marks.is_anchor && !is_first_)) return;
    const absl::StatusOr<SignedReceipt> receipt = ParseReceiptUnchecked(frame.body);
    if (!receipt.ok()) return;
    for (size_t i = 0; i < keeper_->books_.size(); ++i) {
      if (keeper_->options_.sites[i].name != receipt->receipt.site) continue;
      SiteBook* book = &keeper_->books_[i];
      // Written again after a failure, or said as an anchor.
      const StoreBook& store = book->stores[receipt->receipt.store];
      if (IsKnown(store, *receipt, HashBytes(frame.body))) continue;
      keeper_->Take(book, *receipt, frame.body, frame.marks);
    }
  }

 private:
  ProofKeeper* keeper_;
  bool is_first_;
};

class ProofKeeper::LedgerReplay : public EvidenceSink {
 public:
  LedgerReplay(Ledger* ledger, bool is_first) : ledger_(ledger), is_first_(is_first) {}
  void Take(const EvidenceFrame& frame) override {
    if ((frame.marks.is_anchor && !is_first_) || frame.marks.is_disowned) return;
    const Digest digest = HashBytes(frame.body);
    if (frame.kind == EvidenceKind::kReceipt) {
      const absl::StatusOr<SignedReceipt> receipt = ParseReceiptUnchecked(frame.body);
      if (receipt.ok()) ledger_->OnReceipt(*receipt, digest, frame.body);
    } else if (frame.kind == EvidenceKind::kCheckpoint) {
      const absl::StatusOr<SignedCheckpoint> checkpoint = ParseCheckpointUnchecked(frame.body);
      if (checkpoint.ok()) ledger_->OnCheckpoint(*checkpoint, digest, frame.body);
    } else if (frame.kind == EvidenceKind::kControl) {
      const absl::StatusOr<ControlEvidence> control = ParseControlEvidence(frame.body);
      if (control.ok()) ledger_->OnControl(*control);
    }
  }

 private:
  Ledger* ledger_;
  bool is_first_;
};

// Twice: a ledger must know beforehand what is missing.
Task<> ProofKeeper::ReplayFrom(absl::Time since) {
  const std::vector<EvidenceJournal::Segment>& segments = journal_->segments();
  size_t first = segments.size();
  while (first > 0 && segments.size() - first < kSegmentsReplayed) {
    --first;
    if (segments[first].begun_at <= since) break;
  }
  std::function<std::unique_ptr<EvidenceSink>(bool)> audits = [this](bool is_first) {
    return std::make_unique<AuditReplay>(this, is_first);
  };
  co_await ReadSegments(first, std::move(audits));
  Ledger::Terms terms;
  const absl::Time begin = first < segments.size() ? segments[first].begun_at : io_->Now();
  terms.since = absl::ToUnixNanos(std::max(begin, since));
  terms.gaps = AllMissing();
  for (const Site& site : options_.sites) terms.sites.push_back(site.name);
  for (const Vault& vault : options_.vaults)
    terms.vaults.push_back({vault.id, vault.name, absl::ToInt64Nanoseconds(vault.target)});
  ledger_ = std::make_unique<Ledger>(std::move(terms), this);
  std::function<std::unique_ptr<EvidenceSink>(bool)> statements = [this](bool is_first) {
    return std::make_unique<LedgerReplay>(ledger_.get(), is_first);
  };
  co_await ReadSegments(first, std::move(statements));
}

Task<> ProofKeeper::ReadSegments(
    size_t first, std::function<std::unique_ptr<EvidenceSink>(bool is_first)> sink_for) {
  const std::vector<EvidenceJournal::Segment>& segments = journal_->segments();
  for (size_t i = first; i < segments.size(); ++i) {
    std::unique_ptr<EvidenceSink> sink = sink_for(i == first);
    EvidenceSink* into = sink.get();
    std::string path = journal_->PathOf(segments[i].number);
    absl::Status read = co_await ReadSegment(io_, std::move(path), segments[i].bytes, into);
    if (!read.ok()) RARE_PATH("evidence-segment-unreadable");
  }
}

}  // namespace tidemark
