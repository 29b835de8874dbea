// ReceiptAudit: receipts whose number was passed already. The agent may have got one late, or have
// had no room for it when it came: what counts then is where its number and its chain put it.
#include <algorithm>

#include "absl/strings/str_format.h"
#include "replicator/receipt_audit.h"

namespace tidemark {

void ReceiptAudit::TakePassed(const SignedReceipt& receipt, ByteSpan bytes, const Digest& digest,
                              bool is_late) {
  const uint64_t number = receipt.receipt.number;
  const auto known = recent_.find(number);
  if (Knows(number, digest)) {
    return Report(FindingKind::kDuplicated, number,
                  absl::StrFormat("receipt %d stands here twice", number));
  }
  if (!Holds(receipt)) return ReportForged(number);
  if (known != recent_.end()) {
    if (!HoldsBytes(known->second.bytes)) return ReportForged(number);
    return Convict(number,
                   absl::StrFormat("signed two histories: two receipts have the number %d", number),
                   known->second.bytes, bytes);
  }
  if (!is_late) {
    Report(FindingKind::kReordered, number,
           absl::StrFormat("receipt %d stands behind receipt %d", number, last_number_));
  }
  const bool fills = CutFromGap(number);
  if (!fills && number >= first_number_) return;
  Keep(number, digest, bytes);
  CompareWithNeighbours(receipt, bytes, digest);
  promised_.erase(number);
  if (GapOf(number - 1) != gaps_.end()) promised_[number - 1] = receipt.receipt.previous;
}

std::vector<ReceiptAudit::Gap>::iterator ReceiptAudit::GapOf(uint64_t number) {
  return std::find_if(gaps_.begin(), gaps_.end(),
                      [number](const Gap& gap) { return gap.from <= number && number <= gap.to; });
}

// False: none of the missing.
bool ReceiptAudit::CutFromGap(uint64_t number) {
  const auto gap = GapOf(number);
  if (gap == gaps_.end()) return false;
  const Gap whole = *gap;
  auto place = gaps_.erase(gap);
  if (number < whole.to) place = gaps_.insert(place, {number + 1, whole.to});
  if (whole.from < number) gaps_.insert(place, {whole.from, number - 1});
  return true;
}

// The receipts just before and behind it name it, and it names them; heads went on between them.
void ReceiptAudit::CompareWithNeighbours(const SignedReceipt& receipt, ByteSpan bytes,
                                         const Digest& digest) {
  const uint64_t number = receipt.receipt.number;
  const auto before = recent_.find(number - 1), behind = recent_.find(number + 1);
  if (before != recent_.end() && !before->second.bytes.empty())
    ComparePair(before->second.bytes, before->second.digest, receipt, bytes);
  const bool is_shown = behind != recent_.end() && !behind->second.bytes.empty();
  if (is_shown) {
    const absl::StatusOr<SignedReceipt> next = ParseReceiptUnchecked(behind->second.bytes);
    if (next.ok()) ComparePair(bytes, digest, *next, behind->second.bytes);
    return;
  }
  const auto promised = promised_.find(number);
  if (promised == promised_.end() || promised->second == digest) return;
  Convict(number,
          absl::StrFormat("signed two histories: receipt %d names another receipt %d than this one",
                          number + 1, number),
          {}, bytes);
}

void ReceiptAudit::ComparePair(ByteSpan earlier_bytes, const Digest& earlier_digest,
                               const SignedReceipt& later, ByteSpan later_bytes) {
  const uint64_t number = later.receipt.number;
  const absl::StatusOr<SignedReceipt> earlier = ParseReceiptUnchecked(earlier_bytes);
  if (!earlier.ok()) return;
  if (later.receipt.previous != earlier_digest) {
    if (!Holds(later)) return ReportForged(number);
    if (!Holds(*earlier)) return ReportForged(number - 1);
    return Convict(number,
                   absl::StrFormat("signed two histories: receipt %d names another receipt %d than "
                                   "the one that it signed",
                                   number, number - 1),
                   earlier_bytes, later_bytes);
  }
  if (later.receipt.level == Receipt::Level::kTruncated) return;
  for (const VaultHead& head : later.receipt.heads) {
    for (const VaultHead& before : earlier->receipt.heads) {
      if (before.vault == head.vault)
        JudgeHead(before.durable, earlier_bytes, head.durable, later, later_bytes);
    }
  }
}

}  // namespace tidemark
