// ProofCheck: the heads that sites signed, against the records' chain.
#include <algorithm>

#include "absl/strings/str_format.h"
#include "replicator/proof.h"

namespace tidemark {

// Against the records' own chain. A site that signed a head which is not in it, and later one which
// is, signed two histories, unless a TRUNCATED receipt between them says that it gave one up.
void ProofCheck::CompareHeads(const StoreKey& key, const SignedReceipt& receipt, ByteSpan bytes) {
  StoreBook& book = BookOf(key);
  const bool gave_up = receipt.receipt.level == Receipt::Level::kTruncated;
  for (const VaultHead& head : receipt.receipt.heads) {
    if (gave_up) book.gave_up = std::max(book.gave_up, receipt.receipt.number);
    if (gave_up) book.conflicts.erase(head.vault);
    if (gave_up) book.beyond.erase(head.vault);
    const auto chain = records_.find(head.vault);
    const uint64_t sequence = head.durable.sequence;
    const Digest* known = chain == records_.end() ? nullptr : chain->second.At(sequence);
    // Behind the end, but of an epoch that a newer one cut shorter: it holds nothing of that one.
    if (known == nullptr && chain != records_.end() && sequence > chain->second.last() &&
        head.durable.epoch < chain->second.epoch()) {
      ++report_.heads_superseded;
      continue;
    }
    if (known == nullptr) {
      if (sequence > 0) ++report_.heads_outside_chain;
      const bool is_beyond =
          sequence > 0 && (chain == records_.end() || sequence > chain->second.last());
      if (is_beyond) book.beyond.try_emplace(head.vault, Beyond{receipt.receipt.number, sequence});
      continue;
    }
    if (*known != head.durable.digest) {
      if (chain->second.EpochAt(sequence) > head.durable.epoch) {
        ++report_.heads_superseded;
        continue;
      }
      if (book.conflicts.count(head.vault) == 0 &&
          IsSignedBy(manifest_.sites[key.first].key, receipt)) {
        book.conflicts[head.vault] = {
            head.durable, receipt.receipt.number, {bytes.begin(), bytes.end()}};
      }
      continue;
    }
    const auto conflict = book.conflicts.find(head.vault);
    if (conflict == book.conflicts.end() || conflict->second.head.sequence > sequence) continue;
    findings_->Add({FindingKind::kEquivocation,
                    receipt.receipt.site,
                    conflict->second.number,
                    absl::StrFormat("signed two histories: receipt %d has another record %d than "
                                    "the log whose record %d it signed in receipt %d",
                                    conflict->second.number, conflict->second.head.sequence,
                                    sequence, receipt.receipt.number),
                    {ToHex(conflict->second.statement), ToHex(bytes)}});
    book.conflicts.erase(conflict);
  }
}

// Later receipts were looked at already, and one of those may say that it was given up.
void ProofCheck::CompareLateHeads(const StoreKey& key, const SignedReceipt& receipt,
                                  ByteSpan bytes) {
  StoreBook& book = BookOf(key);
  const uint64_t number = receipt.receipt.number;
  const bool gave_up = receipt.receipt.level == Receipt::Level::kTruncated;
  if (gave_up) book.gave_up = std::max(book.gave_up, number);
  for (const VaultHead& head : receipt.receipt.heads) {
    const auto conflict = book.conflicts.find(head.vault);
    if (gave_up && conflict != book.conflicts.end() && conflict->second.number < number)
      book.conflicts.erase(conflict);
    const auto chain = records_.find(head.vault);
    const uint64_t sequence = head.durable.sequence;
    const Digest* known = chain == records_.end() ? nullptr : chain->second.At(sequence);
    if (known == nullptr || *known == head.durable.digest) continue;
    if (chain->second.EpochAt(sequence) > head.durable.epoch) {
      ++report_.heads_superseded;
    } else if (IsSignedBy(manifest_.sites[key.first].key, receipt)) {
      Conflict& late = book.late_conflicts[head.vault];
      if (late.number < number) late = {head.durable, number, {bytes.begin(), bytes.end()}};
    }
  }
}

void ProofCheck::ReportConflicts(const StoreKey& key, StoreBook* book) {
  for (const auto& [vault, late] : book->late_conflicts) {
    if (late.number > book->gave_up) book->conflicts.try_emplace(vault, late);
  }
  for (const auto& [vault, conflict] : book->conflicts) {
    findings_->Add({FindingKind::kEquivocation,
                    manifest_.sites[key.first].name,
                    conflict.number,
                    absl::StrFormat("signed another history than the agent: record %d is not the "
                                    "one of the log",
                                    conflict.head.sequence),
                    {ToHex(conflict.statement)}});
  }
}

// A site that names what no log has would be taken to hold all that ever comes.
void ProofCheck::ReportBeyond() {
  for (const auto& [key, book] : stores_) {
    for (const auto& [vault, beyond] : book.beyond) {
      const bool is_ours =
          std::any_of(manifest_.vaults.begin(), manifest_.vaults.end(),
                      [id = vault](const ExportManifest::Vault& one) { return one.id == id; });
      if (!is_ours) continue;
      const auto chain = records_.find(vault);
      const uint64_t last = chain == records_.end() ? 0 : chain->second.last();
      findings_->Add({FindingKind::kMissing,
                      manifest_.sites[key.first].name,
                      beyond.number,
                      absl::StrFormat("receipt %d names record %d, and the records' chain ends "
                                      "with record %d: nothing shows what the site holds",
                                      beyond.number, beyond.sequence, last),
                      {}});
    }
  }
}

}  // namespace tidemark
