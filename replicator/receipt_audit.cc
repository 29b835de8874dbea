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

void ReceiptAudit::Take(const SignedReceipt& receipt, ByteSpan bytes) {
  ++receipts_;
  const Digest digest = HashBytes(bytes);
  if (receipt.receipt.number > last_number_) {
    TakeNext(receipt, bytes, digest);
  } else {
    TakeLate(receipt, bytes, digest);
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
      Report(FindingKind::kForged, number,
             absl::StrFormat("receipt %d is not signed by the site's key", number));
      return;
    }
    checked = true;
    if (is_border && !last_checked_ && !is_first && !HoldsBytes(last_bytes_)) {
      Report(FindingKind::kForged, last_number_,
             absl::StrFormat("receipt %d is not signed by the site's key", last_number_));
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
    return Report(
        FindingKind::kForged, receipt.receipt.number,
        absl::StrFormat("receipt %d is not signed by the site's key", receipt.receipt.number));
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
    Report(FindingKind::kForged, number,
           absl::StrFormat("receipt %d is not signed by the site's key", number));
    return false;
  }
  if (!HoldsBytes(last_bytes_)) {
    Report(FindingKind::kForged, last_number_,
           absl::StrFormat("receipt %d is not signed by the site's key", last_number_));
    return true;
  }
  Convict(number,
          absl::StrFormat("signed two histories: receipt %d names another receipt %d than the one "
                          "that it signed",
                          number, last_number_),
          last_bytes_, bytes);
  return true;
}

// A number that was passed already.
void ReceiptAudit::TakeLate(const SignedReceipt& receipt, ByteSpan bytes, const Digest& digest) {
  const uint64_t number = receipt.receipt.number;
  const auto known = recent_.find(number);
  if (Knows(number, digest)) {
    return Report(FindingKind::kDuplicated, number,
                  absl::StrFormat("receipt %d stands here twice", number));
  }
  if (!Holds(receipt)) {
    return Report(FindingKind::kForged, number,
                  absl::StrFormat("receipt %d is not signed by the site's key", number));
  }
  if (known != recent_.end()) {
    if (!HoldsBytes(known->second.bytes)) {
      return Report(FindingKind::kForged, number,
                    absl::StrFormat("receipt %d is not signed by the site's key", number));
    }
    return Convict(number,
                   absl::StrFormat("signed two histories: two receipts have the number %d", number),
                   known->second.bytes, bytes);
  }
  const auto gap = std::find_if(gaps_.begin(), gaps_.end(), [number](const Gap& missing) {
    return missing.from <= number && number <= missing.to;
  });
  const bool fills = gap != gaps_.end();
  Report(FindingKind::kReordered, number,
         absl::StrFormat("receipt %d stands behind receipt %d", number, last_number_));
  if (!fills) return;
  const Gap whole = *gap;
  gaps_.erase(gap);
  if (whole.from < number) gaps_.push_back({whole.from, number - 1});
  if (number < whole.to) gaps_.push_back({number + 1, whole.to});
  const auto promised = promised_.find(number);
  if (promised != promised_.end() && promised->second != digest) {
    const auto next = recent_.find(number + 1);
    Convict(number,
            absl::StrFormat("signed two histories: receipt %d names another receipt %d than this "
                            "one",
                            number + 1, number),
            next == recent_.end() ? ByteSpan() : ByteSpan(next->second.bytes), bytes);
  }
  Keep(number, digest, bytes);
}

void ReceiptAudit::CheckHeads(const SignedReceipt& receipt, ByteSpan bytes) {
  const bool may_shrink = receipt.receipt.level == Receipt::Level::kTruncated;
  for (const VaultHead& head : receipt.receipt.heads) {
    const auto known = heads_.find(head.vault);
    const bool is_new = known == heads_.end();
    if (!is_new && !may_shrink) {
      const Position& before = known->second;
      const bool shrank = head.durable.sequence < before.sequence;
      const bool forked = head.durable.sequence == before.sequence && head.durable != before;
      if ((shrank || forked) && Holds(receipt) && HoldsBytes(last_bytes_)) {
        Convict(receipt.receipt.number,
                shrank ? absl::StrFormat("its durable position went back from record %d to %d "
                                         "without a receipt that says truncated",
                                         before.sequence, head.durable.sequence)
                       : absl::StrFormat("signed two histories: two digests of record %d",
                                         before.sequence),
                last_bytes_, bytes, shrank ? FindingKind::kWentBack : FindingKind::kEquivocation);
      }
    }
    heads_[head.vault] = head.durable;
  }
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
    Report(FindingKind::kForged, last_number_,
           absl::StrFormat("receipt %d is not signed by the site's key", last_number_));
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
