// ProofKeeper: what comes in of receipts, what could not be kept, and what is asked for again.
#include <algorithm>
#include <utility>

#include "absl/strings/str_format.h"
#include "agent/proof/proof_keeper.h"
#include "crypto/rare_path.h"

namespace tidemark {
namespace {

constexpr size_t kDisownedMax = 1000;

}  // namespace

bool ProofKeeper::OnReceipt(size_t site, const SignedReceipt& receipt, bool of_our_log) {
  if (journal_ == nullptr) return true;
  SiteBook& book = books_.at(site);
  StoreBook& store = book.stores[receipt.receipt.store];
  const uint64_t number = receipt.receipt.number;
  const std::vector<std::byte> bytes = receipt.Encode();
  const Digest digest = HashBytes(bytes);
  if (IsKnown(store, receipt, digest)) return false;
  EvidenceMarks marks;
  marks.is_late = store.audit != nullptr && number < store.audit->last_number();
  marks.is_disowned = !of_our_log;
  if (!journal_->Add(EvidenceKind::kReceipt, bytes, marks)) {
    RARE_PATH("evidence-dropped");
    ++dropped_;
    store.dropped_upto = std::max(store.dropped_upto, number);
    store.dropped_since_asked = true;
    ledger_->StateGap({site, receipt.receipt.store, number, number});
    if (marks.is_disowned && book.conviction.empty()) Disown(&book, receipt, {});
    return true;
  }
  Take(&book, receipt, bytes, marks);
  if (!marks.is_disowned) ledger_->OnReceipt(receipt, digest, bytes);
  return true;
}

bool ProofKeeper::IsKnown(const StoreBook& store, const SignedReceipt& receipt,
                          const Digest& digest) {
  const auto disowned = store.disowned.find(receipt.receipt.number);
  if (disowned != store.disowned.end() && disowned->second == digest) return true;
  return store.audit != nullptr && store.audit->Knows(receipt.receipt.number, digest);
}

void ProofKeeper::Take(SiteBook* book, const SignedReceipt& receipt, ByteSpan bytes,
                       EvidenceMarks marks) {
  if (marks.is_disowned) return Disown(book, receipt, bytes);
  Audit(book, receipt, bytes, marks);
  NoteNewest(book, receipt, bytes);
}

void ProofKeeper::Audit(SiteBook* book, const SignedReceipt& receipt, ByteSpan bytes,
                        EvidenceMarks marks) {
  std::unique_ptr<ReceiptAudit>& audit = book->stores[receipt.receipt.store].audit;
  if (audit == nullptr) {
    audit = std::make_unique<ReceiptAudit>(receipt.receipt.site, receipt.receipt.store, PublicKey{},
                                           ReceiptAudit::kCallerChecks, &book->findings);
  }
  if (marks.is_anchor) return audit->Begin(receipt, bytes);
  audit->Take(receipt, bytes, marks.is_late);
  if (!audit->convicted() || !book->conviction.empty()) return;
  for (const ProofFinding& finding : book->findings.listed()) {
    if (!finding.statements.empty()) book->conviction = finding.message;
  }
}

// Outside of the audit, so that the site is asked for it again in each session, and judged by it.
void ProofKeeper::Disown(SiteBook* book, const SignedReceipt& receipt, ByteSpan bytes) {
  book->conviction =
      absl::StrFormat("signed another history in receipt %d", receipt.receipt.number);
  if (bytes.empty()) return;
  std::map<uint64_t, Digest>& disowned = book->stores[receipt.receipt.store].disowned;
  disowned[receipt.receipt.number] = HashBytes(bytes);
  if (disowned.size() > kDisownedMax) disowned.erase(disowned.begin());
  if (book->convicting.empty()) book->convicting.assign(bytes.begin(), bytes.end());
}

void ProofKeeper::NoteNewest(SiteBook* book, const SignedReceipt& receipt, ByteSpan bytes) {
  if (receipt.receipt.store == book->store && receipt.receipt.number <= book->newest_number) return;
  book->store = receipt.receipt.store;
  book->newest_number = receipt.receipt.number;
  book->newest.assign(bytes.begin(), bytes.end());
  book->named = HashBytes(bytes);
}

const ProofKeeper::StoreBook* ProofKeeper::FindStore(size_t site, const StoreId& store) const {
  const auto found = books_.at(site).stores.find(store);
  return found == books_.at(site).stores.end() ? nullptr : &found->second;
}

std::vector<ReceiptAudit::Gap> ProofKeeper::Missing(size_t site, const StoreId& store) const {
  std::vector<ReceiptAudit::Gap> missing;
  const StoreBook* book = FindStore(site, store);
  if (book == nullptr) return missing;
  const auto is_disowned = [book](uint64_t number) { return book->disowned.count(number) != 0; };
  const uint64_t last = book->audit == nullptr ? 0 : book->audit->last_number();
  if (book->audit != nullptr) missing = book->audit->gaps();
  if (book->dropped_upto > last) missing.push_back({last + 1, book->dropped_upto});
  // What is kept as evidence against the site is not missing.
  for (ReceiptAudit::Gap& gap : missing) {
    while (gap.from <= gap.to && is_disowned(gap.from)) ++gap.from;
    while (gap.from <= gap.to && is_disowned(gap.to)) --gap.to;
  }
  std::erase_if(missing, [](const ReceiptAudit::Gap& gap) { return gap.from > gap.to; });
  return missing;
}

uint64_t ProofKeeper::KeptWithoutGap(size_t site, const StoreId& store) const {
  const StoreBook* book = FindStore(site, store);
  if (book == nullptr || book->audit == nullptr) return 0;
  for (const ReceiptAudit::Gap& gap : Missing(site, store)) {
    if (gap.to > book->gone_upto) return gap.from - 1;
  }
  return book->audit->last_number();
}

std::optional<ReceiptAudit::Gap> ProofKeeper::Wanted(size_t site, const StoreId& store) {
  const bool takes = journal_ != nullptr && trouble_.ok() && journal_->has_room();
  if (!takes || FindStore(site, store) == nullptr) return std::nullopt;
  StoreBook& book = books_.at(site).stores[store];
  for (const ReceiptAudit::Gap& gap : Missing(site, store)) {
    if (gap.to <= book.gone_upto) continue;
    book.dropped_since_asked = false;
    return ReceiptAudit::Gap{std::max(gap.from, book.gone_upto + 1), gap.to};
  }
  return std::nullopt;
}

void ProofKeeper::OnToldAll(size_t site, const StoreId& store, ReceiptAudit::Gap wanted,
                            uint64_t oldest) {
  StoreBook& book = books_.at(site).stores[store];
  if (book.dropped_since_asked) return;  // it may have been among those that were told
  book.gone_upto = std::max(book.gone_upto, wanted.to);
  book.oldest_told = oldest;
}

uint64_t ProofKeeper::OldestTold(size_t site, const StoreId& store) const {
  const StoreBook* book = FindStore(site, store);
  return book == nullptr ? 0 : book->oldest_told;
}

std::vector<Ledger::Gap> ProofKeeper::AllMissing() const {
  std::vector<Ledger::Gap> all;
  for (size_t i = 0; i < books_.size(); ++i) {
    for (const auto& [store, book] : books_[i].stores) {
      for (const ReceiptAudit::Gap& gap : Missing(i, store))
        all.push_back({i, store, gap.from, gap.to});
    }
  }
  return all;
}

}  // namespace tidemark
