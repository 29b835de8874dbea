#include "agent/proof/rpo_export.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_format.h"
#include "agent/io/transfer.h"

namespace tidemark {
bool EvidenceFilter::Accepts(const EvidenceFrame& frame) {
  if (!Belongs(frame)) return false;
  std::string encoded;
  AppendEvidence(frame.kind, frame.marks, frame.body, &encoded);
  hasher_.Update(AsBytes(encoded));
  return true;
}

bool EvidenceFilter::Belongs(const EvidenceFrame& frame) {
  const Digest digest = HashBytes(frame.body);
  // A receipt of another log convicts in the period in which it came.
  if (frame.marks.is_anchor)
    return is_first_ && !frame.marks.is_disowned && anchors_.insert(digest).second;
  if (anchors_.count(digest) != 0 || !recent_.Add(digest, true)) return false;
  if (frame.kind != EvidenceKind::kCheckpoint) return true;
  const absl::StatusOr<SignedCheckpoint> checkpoint = ParseCheckpointUnchecked(frame.body);
  return checkpoint.ok() && checkpoint->checkpoint.made_at_nanos <= until_;
}

RpoExport::RpoExport(ProofKeeper* keeper, absl::Time since, absl::Time until,
                     const std::string& vault)
    : io_(keeper->io()), keeper_(keeper) {
  terms_.since = absl::ToUnixNanos(since);
  terms_.until = absl::ToUnixNanos(until);
  for (const ProofKeeper::Site& site : keeper->options().sites) terms_.sites.push_back(site.name);
  for (const ProofKeeper::Vault& one : keeper->options().vaults) {
    if (vault.empty() || vault == one.name)
      terms_.vaults.push_back({one.id, one.name, absl::ToInt64Nanoseconds(one.target)});
  }
}

// The gaps in what the journal has, and which records the statements are about.
class RpoExport::Surveyor : public EvidenceSink {
 public:
  Surveyor(RpoExport* owner, EvidenceFilter* filter) : owner_(owner), filter_(filter) {}
  void Take(const EvidenceFrame& frame) override {
    if (!filter_->Accepts(frame)) return;
    if (frame.kind == EvidenceKind::kReceipt) {
      const absl::StatusOr<SignedReceipt> receipt = ParseReceiptUnchecked(frame.body);
      if (!receipt.ok()) return;
      ++owner_->receipts_;
      for (const VaultHead& head : receipt->receipt.heads) Widen(head.vault, head.durable);
      Audit(*receipt, frame);
    } else if (frame.kind == EvidenceKind::kCheckpoint) {
      const absl::StatusOr<SignedCheckpoint> checkpoint = ParseCheckpointUnchecked(frame.body);
      if (!checkpoint.ok()) return;
      ++owner_->checkpoints_;
      const Position& upto = checkpoint->checkpoint.upto;
      Widen(checkpoint->checkpoint.vault, upto);
      uint64_t& newest = owner_->ranges_[checkpoint->checkpoint.vault].checkpointed;
      newest = std::max(newest, upto.sequence);
    }
  }

 private:
  void Widen(const VaultId& vault, const Position& position) {
    if (position.sequence == 0) return;
    Range& range = owner_->ranges_[vault];
    range.first = range.first == 0 ? position.sequence : std::min(range.first, position.sequence);
    range.last = std::max(range.last, position.sequence);
  }
  void Audit(const SignedReceipt& receipt, const EvidenceFrame& frame) {
    const std::vector<std::string>& sites = owner_->terms_.sites;
    const auto site = std::find(sites.begin(), sites.end(), receipt.receipt.site);
    if (site == sites.end()) return;
    auto& audit =
        owner_->audits_[{static_cast<size_t>(site - sites.begin()), receipt.receipt.store}];
    if (audit == nullptr) {
      audit =
          std::make_unique<ReceiptAudit>(receipt.receipt.site, receipt.receipt.store, PublicKey{},
                                         ReceiptAudit::kCallerChecks, &owner_->findings_);
    }
    if (frame.marks.is_anchor) {
      audit->Begin(receipt, frame.body);
    } else {
      audit->Take(receipt, frame.body, frame.marks.is_late);
    }
  }
  RpoExport* owner_;
  EvidenceFilter* filter_;
};

class RpoExport::Counter : public EvidenceSink {
 public:
  Counter(Ledger* ledger, EvidenceFilter* filter, bool copies)
      : ledger_(ledger), filter_(filter), copies_(copies) {}
  void Take(const EvidenceFrame& frame) override {
    if (!filter_->Accepts(frame)) return;
    if (copies_) AppendEvidence(frame.kind, frame.marks, frame.body, &copied_);
    const Digest digest = HashBytes(frame.body);
    if (frame.kind == EvidenceKind::kReceipt) {
      const absl::StatusOr<SignedReceipt> receipt = ParseReceiptUnchecked(frame.body);
      if (receipt.ok() && !frame.marks.is_disowned) ledger_->OnReceipt(*receipt, digest, {});
    } else if (frame.kind == EvidenceKind::kCheckpoint) {
      const absl::StatusOr<SignedCheckpoint> checkpoint = ParseCheckpointUnchecked(frame.body);
      if (checkpoint.ok()) ledger_->OnCheckpoint(*checkpoint, digest, {});
    } else if (frame.kind == EvidenceKind::kControl) {
      const absl::StatusOr<ControlEvidence> control = ParseControlEvidence(frame.body);
      if (control.ok()) ledger_->OnControl(*control);
    }
  }
  std::string TakeCopied() { return std::exchange(copied_, ""); }

 private:
  Ledger* ledger_;
  EvidenceFilter* filter_;
  bool copies_;
  std::string copied_;
};

// From the last segment that began before the period, which has all that the period needs to know
// of what was before.
Task<absl::Status> RpoExport::Read(EvidenceSink* sink, EvidenceFilter* filter,
                                   std::function<Task<absl::Status>()> each) {
  size_t first = 0;
  for (size_t i = 1; i < segments_.size(); ++i) {
    if (absl::ToUnixNanos(segments_[i].begun_at) <= terms_.since) first = i;
  }
  for (size_t i = first; i < segments_.size(); ++i) {
    if (absl::ToUnixNanos(segments_[i].begun_at) > terms_.until) break;
    filter->BeginSegment(i == first);
    SegmentReader reader(io_);
    std::string path = keeper_->journal()->PathOf(segments_[i].number);
    absl::Status read = co_await reader.Open(std::move(path), segments_[i].bytes);
    bool more = read.ok();
    while (more) {
      absl::StatusOr<bool> next = co_await reader.Next(sink);
      read = next.status();
      more = next.ok() && *next;
      if (more && each) {
        Task<absl::Status> step = each();
        absl::Status stepped = co_await step;
        if (!stepped.ok()) {
          co_await reader.Close();
          co_return stepped;
        }
      }
    }
    co_await reader.Close();
    // A segment that cannot be read leaves a gap, which is stated.
    if (!read.ok() && !absl::IsNotFound(read) && !absl::IsDataLoss(read)) co_return read;
  }
  co_return absl::OkStatus();
}

Task<absl::Status> RpoExport::Survey() {
  absl::Status flushed = co_await keeper_->Flush();
  if (!flushed.ok())
    facts_.push_back("evidence could not be written: " + std::string(flushed.message()));
  if (keeper_->journal() == nullptr) co_return flushed;
  segments_ = keeper_->journal()->segments();
  EvidenceFilter filter(terms_.until);
  Surveyor surveyor(this, &filter);
  absl::Status read = co_await Read(&surveyor, &filter, nullptr);
  if (!read.ok()) co_return read;
  surveyed_ = filter.digest();
  StateGaps();
  co_return absl::OkStatus();
}

void RpoExport::StateGaps() {
  if (segments_.empty() || absl::ToUnixNanos(segments_.front().begun_at) > terms_.since)
    facts_.push_back(
        "the journal does not reach back to the beginning of the period: what is not "
        "known counts as unknown");
  if (keeper_->dropped() > 0)
    facts_.push_back(
        absl::StrFormat("%d statements found no room when they came: the disk took none, or too "
                        "few",
                        keeper_->dropped()));
  for (const auto& [key, audit] : audits_) {
    std::vector<ReceiptAudit::Gap> gaps = audit->gaps();
    // At the end nothing in the evidence shows what is missing.
    for (const ReceiptAudit::Gap& gap : keeper_->Missing(key.first, key.second)) {
      if (gap.from == audit->last_number() + 1) gaps.push_back(gap);
    }
    for (const ReceiptAudit::Gap& gap : gaps) StateGap(key.first, key.second, gap);
  }
}

void RpoExport::StateGap(size_t site, const StoreId& store, const ReceiptAudit::Gap& gap) {
  gaps_.push_back({static_cast<uint8_t>(site), store, gap.from, gap.to});
  const uint64_t oldest = keeper_->OldestTold(site, store);
  const std::string why = gap.to < oldest
                              ? absl::StrFormat("the site has none before %d any more", oldest)
                              : std::string("the site is asked for them");
  facts_.push_back(
      absl::StrFormat("receipts %d to %d of site %s are missing (%s): the time that they would "
                      "tell of counts as unknown",
                      gap.from, gap.to, terms_.sites[site], why));
}

// The ledger, and the evidence that goes with it: of what was surveyed, byte for byte.
Task<absl::Status> RpoExport::Count(Fd output) {
  for (const ExportManifest::Gap& gap : gaps_)
    terms_.gaps.push_back({gap.site, gap.store, gap.from, gap.to});
  ledger_ = std::make_unique<Ledger>(terms_);
  EvidenceFilter filter(terms_.until);
  Counter counter(ledger_.get(), &filter, output >= 0);
  Counter* from = &counter;
  std::function<Task<absl::Status>()> each = [this, from, output] {
    return WriteCopied(from, output);
  };
  absl::Status read = co_await Read(&counter, &filter, std::move(each));
  if (!read.ok()) co_return read;
  if (filter.digest() != surveyed_) {
    co_return absl::UnknownError(
        keeper_->options().journal.directory +
        ": the evidence changed while it was read: a segment was removed, or the disk fails; try "
        "again, and look at the disk if it happens twice");
  }
  report_ = ledger_->Finish();
  co_return absl::OkStatus();
}

Task<absl::Status> RpoExport::WriteCopied(Counter* counter, Fd output) {
  std::string copied = counter->TakeCopied();
  if (copied.empty()) co_return absl::OkStatus();
  absl::Status written = co_await Write(output, std::move(copied));
  co_return written;
}

Task<absl::Status> RpoExport::Write(Fd output, std::string bytes) {
  const ByteSpan view = AsBytes(bytes);
  hasher_.Update(view);
  written_ += view.size();
  absl::Status written = co_await WriteFully(io_, output, view, kNoOffset);
  co_return written;
}

ExportManifest::File RpoExport::EvidenceFile() {
  return {kEvidenceName, written_, hasher_.Finish()};
}

}  // namespace tidemark
