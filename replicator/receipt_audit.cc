#include "replicator/receipt_audit.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_format.h"

namespace tidemark {
namespace {

constexpr size_t kDigestsKept = 65536, kBytesKept = 1024;
constexpr size_t kGapsMax = 10000;

}  // namespace

const char* FindingName(FindingKind kind) {
  constexpr const char* kNames[] = {"changed file", "malformed",     "forged",       "missing",
                                    "duplicated",   "reordered",     "equivocation", "went back",
                                    "broken chain", "ledger differs"};
  return kNames[static_cast<size_t>(kind)];
}

void ProofFindings::Add(ProofFinding finding) {
  if (++count_ <= kListedMax) listed_.push_back(std::move(finding));
}

ReceiptAudit::ReceiptAudit(std::string site, StoreId store, const PublicKey& key,
                           uint64_t signature_every, ProofFindings* findings)
    : site_(std::move(site)),
      store_(store),
      key_(key),
      signature_every_(signature_every),
      findings_(findings) {}

void ReceiptAudit::Report(FindingKind kind, uint64_t number, std::string message,
                          std::vector<std::string> statements) {
  findings_->Add({kind, site_, number, std::move(message), std::move(statements)});
}

void ReceiptAudit::ReportForged(uint64_t number) {
  Report(FindingKind::kForged, number,
         absl::StrFormat("receipt %d is not signed by the site's key", number));
}

void ReceiptAudit::Convict(uint64_t number, std::string message, ByteSpan first, ByteSpan second,
                           FindingKind kind) {
  convicted_ = true;
  std::vector<std::string> statements;
  if (!first.empty()) statements.push_back(ToHex(first));
  statements.push_back(ToHex(second));
  Report(kind, number, std::move(message), std::move(statements));
}

bool ReceiptAudit::Holds(const SignedReceipt& receipt) {
  if (signature_every_ == kCallerChecks) return true;
  ++signatures_;
  return IsSignedBy(key_, receipt);
}

bool ReceiptAudit::HoldsBytes(ByteSpan bytes) {
  if (bytes.empty()) return true;
  const absl::StatusOr<SignedReceipt> receipt = ParseReceiptUnchecked(bytes);
  return receipt.ok() && Holds(*receipt);
}

void ReceiptAudit::Take(const SignedReceipt& receipt, ByteSpan bytes, bool is_late) {
  ++receipts_;
  const Digest digest = HashBytes(bytes);
  if (receipt.receipt.number > last_number_) {
    TakeNext(receipt, bytes, digest);
  } else {
    TakePassed(receipt, bytes, digest, is_late);
  }
}

void ReceiptAudit::TakeNext(const SignedReceipt& receipt, ByteSpan bytes, const Digest& digest) {
  const uint64_t number = receipt.receipt.number;
  const bool is_first = last_number_ == 0;
  const bool has_gap = !is_first && number > last_number_ + 1;
  const bool is_border = is_first || has_gap || receipt.receipt.boot != boot_ ||
                         receipt.receipt.level == Receipt::Level::kTruncated;
  const bool is_due = signature_every_ > 0 && number % signature_every_ == 0;
  bool checked = false;
  if (is_border || is_due) {
    if (!Holds(receipt)) {
      ReportForged(number);
      return;
    }
    checked = true;
    if (is_border && !last_checked_ && !is_first && !HoldsBytes(last_bytes_)) {
      ReportForged(last_number_);
    }
  }
  if (!is_first && !has_gap && receipt.receipt.previous != last_digest_ &&
      !FollowsLast(receipt, bytes)) {
    return;
  }
  if (has_gap && gaps_.size() < kGapsMax) {
    gaps_.push_back({last_number_ + 1, number - 1});
    promised_[number - 1] = receipt.receipt.previous;
  }
  if (has_gap) heads_.clear();  // the one that says truncated may be among those
  CheckHeads(receipt, bytes);
  MakeLast(receipt, bytes, digest, checked);
}

void ReceiptAudit::MakeLast(const SignedReceipt& receipt, ByteSpan bytes, const Digest& digest,
                            bool checked) {
  const uint64_t number = receipt.receipt.number;
  if (first_number_ == 0) first_number_ = number;
  last_number_ = number;
  last_digest_ = digest;
  last_bytes_.assign(bytes.begin(), bytes.end());
  last_checked_ = checked;
  boot_ = receipt.receipt.boot;
  Keep(number, digest, bytes);
}

void ReceiptAudit::Begin(const SignedReceipt& receipt, ByteSpan bytes) {
  ++receipts_;
  if (!Holds(receipt)) {
    return ReportForged(receipt.receipt.number);
  }
  if (receipt.receipt.number <= last_number_) return;
  first_number_ = 0;
  for (const VaultHead& head : receipt.receipt.heads) heads_[head.vault] = head.durable;
  MakeLast(receipt, bytes, HashBytes(bytes), true);
}

// It names another receipt as the one before it. True: it counts all the same.
bool ReceiptAudit::FollowsLast(const SignedReceipt& receipt, ByteSpan bytes) {
  const uint64_t number = receipt.receipt.number;
  if (!Holds(receipt)) {
    ReportForged(number);
    return false;
  }
  if (!HoldsBytes(last_bytes_)) {
    ReportForged(last_number_);
    return true;
  }
  Convict(number,
          absl::StrFormat("signed two histories: receipt %d names another receipt %d than the one "
                          "that it signed",
                          number, last_number_),
          last_bytes_, bytes);
  return true;
}

void ReceiptAudit::CheckHeads(const SignedReceipt& receipt, ByteSpan bytes) {
  const bool may_shrink = receipt.receipt.level == Receipt::Level::kTruncated;
  for (const VaultHead& head : receipt.receipt.heads) {
    const auto known = heads_.find(head.vault);
    if (known != heads_.end() && !may_shrink)
      JudgeHead(known->second, last_bytes_, head.durable, receipt, bytes);
    heads_[head.vault] = head.durable;
  }
}

// Of a vault, in one receipt and in the next.
void ReceiptAudit::JudgeHead(const Position& before, ByteSpan earlier, const Position& durable,
                             const SignedReceipt& receipt, ByteSpan bytes) {
  const bool shrank = durable.sequence < before.sequence;
  const bool forked = durable.sequence == before.sequence && durable != before;
  if ((!shrank && !forked) || !Holds(receipt) || !HoldsBytes(earlier)) return;
  Convict(receipt.receipt.number,
          shrank
              ? absl::StrFormat("its durable position went back from record %d to %d "
                                "without a receipt that says truncated",
                                before.sequence, durable.sequence)
              : absl::StrFormat("signed two histories: two digests of record %d", before.sequence),
          earlier, bytes, shrank ? FindingKind::kWentBack : FindingKind::kEquivocation);
}

void ReceiptAudit::Keep(uint64_t number, const Digest& digest, ByteSpan bytes) {
  recent_[number] = {digest, {bytes.begin(), bytes.end()}};
  const auto old = recent_.find(number - kBytesKept);
  if (number > kBytesKept && old != recent_.end()) {
    old->second.bytes.clear();
    old->second.bytes.shrink_to_fit();
  }
  if (recent_.size() > kDigestsKept) recent_.erase(recent_.begin());
}

bool ReceiptAudit::Knows(uint64_t number, const Digest& digest) const {
  const auto known = recent_.find(number);
  return known != recent_.end() && known->second.digest == digest;
}

bool ReceiptAudit::IsStated(const Gap& gap) const {
  return std::any_of(stated_.begin(), stated_.end(), [&gap](const Gap& stated) {
    return stated.from <= gap.from && gap.to <= stated.to;
  });
}

void ReceiptAudit::Finish() {
  if (last_number_ != 0 && !last_checked_ && !HoldsBytes(last_bytes_)) {
    ReportForged(last_number_);
  }
  last_checked_ = true;
  for (const Gap& gap : gaps_) {
    if (IsStated(gap)) continue;
    Report(FindingKind::kMissing, gap.from,
           gap.from == gap.to ? absl::StrFormat("receipt %d is missing", gap.from)
                              : absl::StrFormat("receipts %d to %d are missing", gap.from, gap.to));
  }
}

}  // namespace tidemark
