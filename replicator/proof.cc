#include "replicator/proof.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_format.h"

namespace tidemark {
namespace {

constexpr size_t kReceiptsRemembered = 65536;

Ledger::Terms TermsOf(const ExportManifest& manifest) {
  Ledger::Terms terms;
  terms.since = manifest.since_nanos;
  terms.until = manifest.until_nanos;
  for (const ExportManifest::Site& site : manifest.sites) terms.sites.push_back(site.name);
  for (const ExportManifest::Vault& vault : manifest.vaults)
    terms.vaults.push_back({vault.id, vault.name, vault.target_nanos});
  if (manifest.version < 2) return terms;  // its ledger was counted without
  for (const ExportManifest::Gap& gap : manifest.gaps)
    terms.gaps.push_back({gap.site, gap.store, gap.from, gap.to});
  return terms;
}

}  // namespace

ProofCheck::ProofCheck(const ExportManifest& manifest, uint64_t signature_every,
                       ProofFindings* findings)
    : manifest_(manifest),
      signature_every_(signature_every),
      findings_(findings),
      ledger_(TermsOf(manifest)) {
  for (const ExportManifest::Site& site : manifest.sites) {
    heard_.emplace_back(kReceiptsRemembered);
    listed_.emplace_back();
    report_.clocks.push_back({site.name});
  }
}

const Digest* ProofCheck::RecordChain::At(uint64_t sequence) const {
  if (digests.empty() || sequence < first || sequence > last()) return nullptr;
  return &digests[sequence - first];
}

uint64_t ProofCheck::RecordChain::EpochAt(uint64_t sequence) const {
  uint64_t epoch = 0;
  for (const auto& [from, began] : epochs) {
    if (from <= sequence) epoch = began;
  }
  return epoch;
}

void ProofCheck::Report(FindingKind kind, uint64_t number, std::string message) {
  findings_->Add({kind, "", number, std::move(message), {}});
}

void ProofCheck::Take(const EvidenceFrame& frame) {
  // Anchors are exempt from following each other: nothing but headers may stand before them.
  if (frame.marks.is_anchor && began_)
    return Report(FindingKind::kMalformed, 0, "an anchor stands behind what it should precede");
  began_ = began_ || (!frame.marks.is_anchor && frame.kind != EvidenceKind::kHeader);
  switch (frame.kind) {
    case EvidenceKind::kHeader:
      return TakeHeader(frame.body);
    case EvidenceKind::kControl:
      return TakeControl(frame.body);
    case EvidenceKind::kReceipt:
      return TakeReceipt(frame.body, frame.marks);
    case EvidenceKind::kCheckpoint:
      return TakeCheckpoint(frame.body);
  }
}

void ProofCheck::TakeHeader(ByteSpan body) {
  const absl::StatusOr<CanonicalHeader> header = ParseCanonicalHeader(body);
  if (!header.ok() || header->Encode().size() != body.size())
    return Report(FindingKind::kMalformed, 0, "a record's header is malformed");
  ++report_.records;
  RecordChain& chain = records_[header->vault];
  if (chain.digests.empty()) {
    chain.first = header->sequence;
  } else if (header->sequence != chain.last() + 1 || header->previous != chain.digests.back()) {
    return Report(FindingKind::kChain, header->sequence,
                  absl::StrFormat("record %d does not follow record %d: its header names another "
                                  "one, or some are left out",
                                  header->sequence, chain.last()));
  }
  chain.digests.push_back(header->digest());
  if (chain.epochs.empty() || chain.epochs.back().second != header->epoch)
    chain.epochs.emplace_back(header->sequence, header->epoch);
}

void ProofCheck::TakeControl(ByteSpan body) {
  const absl::StatusOr<ControlEvidence> control = ParseControlEvidence(body);
  if (!control.ok()) return Report(FindingKind::kMalformed, 0, "a control record is malformed");
  const CanonicalHeader& header = control->header;
  ++report_.controls;
  ++report_.signatures;
  if (!OpenControlPayload(manifest_.agent_key, header, control->payload).ok()) {
    return Report(FindingKind::kForged, header.sequence,
                  absl::StrFormat("control record %d is not signed by the agent", header.sequence));
  }
  const auto chain = records_.find(header.vault);
  const Digest* known = chain == records_.end() ? nullptr : chain->second.At(header.sequence);
  if (known != nullptr && *known != header.digest()) {
    // What its epoch began was passed over if a newer one went on from another record there; that
    // may be an older epoch's, where only sites without this one answered the newer.
    const bool passed_over = chain->second.epoch() > header.epoch &&
                             chain->second.EpochAt(header.sequence) != header.epoch;
    if (!passed_over) {
      return Report(FindingKind::kChain, header.sequence,
                    absl::StrFormat("control record %d is not the one of the records' chain",
                                    header.sequence));
    }
  }
  ledger_.OnControl(*control);
}

ProofCheck::StoreBook& ProofCheck::BookOf(const StoreKey& key) {
  StoreBook& book = stores_[key];
  if (book.audit != nullptr) return book;
  const ExportManifest::Site& site = manifest_.sites[key.first];
  book.audit =
      std::make_unique<ReceiptAudit>(site.name, key.second, site.key, signature_every_, findings_);
  std::vector<ReceiptAudit::Gap> stated;
  for (const ExportManifest::Gap& gap : manifest_.gaps) {
    if (gap.site == key.first && gap.store == key.second) stated.push_back({gap.from, gap.to});
  }
  book.audit->StateGaps(std::move(stated));
  return book;
}

void ProofCheck::TakeReceipt(ByteSpan body, EvidenceMarks marks) {
  const absl::StatusOr<SignedReceipt> receipt = ParseReceiptUnchecked(body);
  if (!receipt.ok()) return Report(FindingKind::kMalformed, 0, "a receipt is malformed");
  const auto site = std::find_if(
      manifest_.sites.begin(), manifest_.sites.end(),
      [&receipt](const ExportManifest::Site& one) { return one.name == receipt->receipt.site; });
  if (site == manifest_.sites.end()) {
    return findings_->Add({FindingKind::kForged,
                           receipt->receipt.site,
                           receipt->receipt.number,
                           "a receipt of a site that the export does not name",
                           {}});
  }
  ++report_.receipts;
  const StoreKey key(static_cast<size_t>(site - manifest_.sites.begin()), receipt->receipt.store);
  const uint64_t wrong_before = findings_->count();
  ReceiptAudit* audit = BookOf(key).audit.get();
  const uint64_t last_number = audit->last_number();
  if (marks.is_anchor) {
    audit->Begin(*receipt, body);
  } else {
    audit->Take(*receipt, body, marks.is_late);
  }
  const bool is_right = findings_->count() == wrong_before;
  if (is_right && marks.is_late) CompareLateHeads(key, *receipt, body);
  if (is_right && !marks.is_late) {
    // The one that says truncated may be among those that lack.
    const bool has_gap = last_number > 0 && receipt->receipt.number > last_number + 1;
    if (has_gap) BookOf(key).conflicts.clear();
    CompareHeads(key, *receipt, body);
  }
  CompareClocks(key.first, receipt->receipt);
  const Digest digest = HashBytes(body);
  heard_[key.first].Add(digest, receipt->receipt.wall_nanos);
  if (!marks.is_disowned) ledger_.OnReceipt(*receipt, digest, {});
}

void ProofCheck::CompareClocks(size_t site, const Receipt& receipt) {
  const int64_t* made = made_.Find(receipt.checkpoint);
  if (made == nullptr) return;
  int64_t& ahead = report_.clocks[site].ahead_at_most;
  ahead = std::max(ahead, *made - receipt.wall_nanos);
}

void ProofCheck::TakeCheckpoint(ByteSpan body) {
  const absl::StatusOr<SignedCheckpoint> parsed = ParseCheckpointUnchecked(body);
  if (!parsed.ok()) return Report(FindingKind::kMalformed, 0, "a checkpoint is malformed");
  const Checkpoint& checkpoint = parsed->checkpoint;
  const bool is_due = signature_every_ > 0 && report_.checkpoints % signature_every_ == 0;
  ++report_.checkpoints;
  const uint64_t sequence = checkpoint.upto.sequence;
  if (is_due) {
    ++report_.signatures;
    if (!IsSignedBy(manifest_.agent_key, *parsed)) {
      return Report(
          FindingKind::kForged, sequence,
          absl::StrFormat("a checkpoint of record %d is not signed by the agent", sequence));
    }
  }
  const auto chain = records_.find(checkpoint.vault);
  const Digest* known = chain == records_.end() ? nullptr : chain->second.At(sequence);
  if (known != nullptr && *known != checkpoint.upto.digest &&
      chain->second.EpochAt(sequence) <= checkpoint.upto.epoch) {
    findings_->Add({FindingKind::kEquivocation,
                    "",
                    sequence,
                    absl::StrFormat("the agent signed two histories: its checkpoint has another "
                                    "record %d than the log",
                                    sequence),
                    {ToHex(body)}});
  }
  CheckListed(*parsed);
  const Digest digest = HashBytes(body);
  made_.Add(digest, checkpoint.made_at_nanos);
  ledger_.OnCheckpoint(*parsed, digest, {});
}

// The receipts that the agent says it holds are here.
void ProofCheck::CheckListed(const SignedCheckpoint& signed_checkpoint) {
  const Checkpoint& checkpoint = signed_checkpoint.checkpoint;
  const size_t listed = std::min(checkpoint.receipts.size(), heard_.size());
  for (size_t i = 0; i < listed; ++i) {
    const Digest& digest = checkpoint.receipts[i];
    if (digest.empty() || digest == listed_[i]) continue;
    listed_[i] = digest;
    const int64_t* wall = heard_[i].Find(digest);
    if (wall != nullptr) {
      int64_t& behind = report_.clocks[i].behind_at_most;
      behind = std::max(behind, *wall - checkpoint.made_at_nanos);
    } else if (checkpoint.made_at_nanos >= manifest_.since_nanos) {
      findings_->Add({FindingKind::kMissing,
                      manifest_.sites[i].name,
                      0,
                      absl::StrFormat("the agent's checkpoint of record %d names a receipt that is "
                                      "not here: %s",
                                      checkpoint.upto.sequence, digest.hex()),
                      {}});
    }
  }
}

ProofReport ProofCheck::Finish() {
  ReportBeyond();
  for (auto& [key, book] : stores_) {
    book.audit->Finish();
    ReportConflicts(key, &book);
    const bool convicted = book.audit->convicted() || !book.conflicts.empty();
    report_.chains.push_back({manifest_.sites[key.first].name, key.second,
                              book.audit->first_number(), book.audit->last_number(),
                              book.audit->receipts(), convicted});
    report_.signatures += book.audit->signatures();
  }
  report_.ledger = ledger_.Finish();
  return std::move(report_);
}

}  // namespace tidemark
