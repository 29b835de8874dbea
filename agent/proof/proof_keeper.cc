#include "agent/proof/proof_keeper.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_format.h"
#include "agent/io/transfer.h"
#include "crypto/rare_path.h"

namespace tidemark {
namespace {

constexpr size_t kSegmentsReplayed = 8;

std::optional<double> Seconds(const std::optional<absl::Duration>& duration) {
  if (!duration.has_value()) return std::nullopt;
  return absl::ToDoubleSeconds(*duration);
}

std::optional<double> SecondsSince(const std::optional<int64_t>& nanos, absl::Time now) {
  if (!nanos.has_value()) return std::nullopt;
  return std::max(absl::ToDoubleSeconds(now - absl::FromUnixNanos(*nanos)), 0.0);
}

}  // namespace

ProofKeeper::ProofKeeper(Io* io, Options options) : io_(io), options_(std::move(options)) {
  books_.resize(options_.sites.size());
  rows_.resize(options_.sites.size() * options_.vaults.size());
}

Task<absl::Status> ProofKeeper::Open() {
  EvidenceJournal::Options journal = options_.journal;
  absl::StatusOr<std::unique_ptr<EvidenceJournal>> opened =
      co_await EvidenceJournal::Open(io_, std::move(journal));
  if (!opened.ok()) {
    trouble_ = opened.status();
    co_return trouble_;
  }
  journal_ = std::move(*opened);
  co_await LoadMinutes();
  co_await ReplayFrom(minutes_saved_);
  journal_->SetAnchors([this] { return Anchors(); });
  co_return absl::OkStatus();
}

// Feeds what the journal says to the ledger and the audits. On a worker, while nobody else does.
class ProofKeeper::Replay : public EvidenceSink {
 public:
  Replay(ProofKeeper* keeper, bool is_first) : keeper_(keeper), is_first_(is_first) {}
  void Take(const EvidenceFrame& frame) override {
    // Anchors of later segments were all said in the ones before.
    if (frame.is_anchor && !is_first_) return;
    const Digest digest = HashBytes(frame.body);
    if (frame.kind == EvidenceKind::kReceipt) {
      const absl::StatusOr<SignedReceipt> receipt = ParseReceiptUnchecked(frame.body);
      if (receipt.ok()) TakeReceipt(*receipt, digest, frame);
    } else if (frame.kind == EvidenceKind::kCheckpoint) {
      const absl::StatusOr<SignedCheckpoint> checkpoint = ParseCheckpointUnchecked(frame.body);
      if (checkpoint.ok()) keeper_->ledger_->OnCheckpoint(*checkpoint, digest, frame.body);
    } else if (frame.kind == EvidenceKind::kControl) {
      const absl::StatusOr<ControlEvidence> control = ParseControlEvidence(frame.body);
      if (control.ok()) keeper_->ledger_->OnControl(*control);
    }
  }

 private:
  void TakeReceipt(const SignedReceipt& receipt, const Digest& digest, const EvidenceFrame& frame) {
    for (size_t i = 0; i < keeper_->books_.size(); ++i) {
      if (keeper_->options_.sites[i].name != receipt.receipt.site) continue;
      SiteBook* book = &keeper_->books_[i];
      // Written again after a failure, or said as an anchor.
      const auto known = book->audits.find(receipt.receipt.store);
      if (known != book->audits.end() && known->second->Knows(receipt.receipt.number, digest))
        return;
      keeper_->ledger_->OnReceipt(receipt, digest, frame.body);
      keeper_->Audit(book, receipt, frame.body, frame.is_anchor);
      keeper_->NoteNewest(book, receipt, frame.body);
    }
  }
  ProofKeeper* keeper_;
  bool is_first_;
};

Task<> ProofKeeper::ReplayFrom(absl::Time since) {
  const std::vector<EvidenceJournal::Segment>& segments = journal_->segments();
  size_t first = segments.size();
  while (first > 0 && segments.size() - first < kSegmentsReplayed) {
    --first;
    if (segments[first].begun_at <= since) break;
  }
  Ledger::Terms terms;
  const absl::Time begin = first < segments.size() ? segments[first].begun_at : io_->Now();
  terms.since = absl::ToUnixNanos(std::max(begin, since));
  for (const Site& site : options_.sites) terms.sites.push_back(site.name);
  for (const Vault& vault : options_.vaults)
    terms.vaults.push_back({vault.id, vault.name, absl::ToInt64Nanoseconds(vault.target)});
  ledger_ = std::make_unique<Ledger>(std::move(terms), this);
  for (size_t i = first; i < segments.size(); ++i) {
    Replay replay(this, i == first);
    std::string path = journal_->PathOf(segments[i].number);
    absl::Status read = co_await ReadSegment(io_, std::move(path), segments[i].bytes, &replay);
    if (!read.ok()) RARE_PATH("evidence-segment-unreadable");
  }
}

void ProofKeeper::Audit(SiteBook* book, const SignedReceipt& receipt, ByteSpan bytes,
                        bool is_anchor) {
  std::unique_ptr<ReceiptAudit>& audit = book->audits[receipt.receipt.store];
  if (audit == nullptr) {
    audit = std::make_unique<ReceiptAudit>(receipt.receipt.site, receipt.receipt.store, PublicKey{},
                                           ReceiptAudit::kCallerChecks, &book->findings);
  }
  if (is_anchor) return audit->Begin(receipt, bytes);
  audit->Take(receipt, bytes);
  if (!audit->convicted() || !book->conviction.empty()) return;
  for (const ProofFinding& finding : book->findings.listed()) {
    if (!finding.statements.empty()) book->conviction = finding.message;
  }
}

void ProofKeeper::NoteNewest(SiteBook* book, const SignedReceipt& receipt, ByteSpan bytes) {
  if (receipt.receipt.store == book->store && receipt.receipt.number <= book->newest_number) return;
  book->store = receipt.receipt.store;
  book->newest_number = receipt.receipt.number;
  book->newest.assign(bytes.begin(), bytes.end());
  book->named = HashBytes(bytes);
}

bool ProofKeeper::OnReceipt(size_t site, const SignedReceipt& receipt, bool of_our_log) {
  if (journal_ == nullptr) return true;
  SiteBook& book = books_.at(site);
  const std::vector<std::byte> bytes = receipt.Encode();
  const Digest digest = HashBytes(bytes);
  const auto known = book.audits.find(receipt.receipt.store);
  if (known != book.audits.end() && known->second->Knows(receipt.receipt.number, digest))
    return false;
  if (!journal_->Add(EvidenceKind::kReceipt, bytes)) {
    RARE_PATH("evidence-dropped");
    ++dropped_;
    return true;
  }
  if (!of_our_log) {
    book.conviction =
        absl::StrFormat("signed another history in receipt %d", receipt.receipt.number);
    return true;
  }
  Audit(&book, receipt, bytes, false);
  NoteNewest(&book, receipt, bytes);
  ledger_->OnReceipt(receipt, digest, bytes);
  return true;
}

void ProofKeeper::OnCheckpoint(const SignedCheckpoint& checkpoint) {
  if (journal_ == nullptr) return;
  const std::vector<std::byte> bytes = checkpoint.Encode();
  if (journal_->Add(EvidenceKind::kCheckpoint, bytes)) {
    ledger_->OnCheckpoint(checkpoint, HashBytes(bytes), bytes);
  } else {
    ++dropped_;
  }
}

void ProofKeeper::OnControl(const CanonicalHeader& header, ByteSpan payload) {
  if (journal_ == nullptr) return;
  if (header.kind != RecordKind::kMode && header.kind != RecordKind::kEpochStart) return;
  const std::vector<std::byte> bytes = EncodeControlEvidence(header, payload);
  if (journal_->Add(EvidenceKind::kControl, bytes)) {
    ledger_->OnControl({header, {payload.begin(), payload.end()}});
  } else {
    ++dropped_;
  }
}

std::vector<Digest> ProofKeeper::NamedReceipts() const {
  std::vector<Digest> named;
  for (const SiteBook& book : books_) named.push_back(book.named);
  return named;
}

std::string ProofKeeper::Anchors() const {
  std::string frames;
  for (const Ledger::Anchor& anchor : ledger_->Anchors())
    AppendEvidence(anchor.kind, true, anchor.statement, &frames);
  return frames;
}

Task<absl::Status> ProofKeeper::Flush() {
  if (journal_ == nullptr) co_return trouble_;
  while (flushing_) {
    Op turn = io_->Sleep(absl::Milliseconds(5));
    co_await turn;
  }
  flushing_ = true;
  absl::Status flushed = co_await journal_->Flush();
  flushing_ = false;
  trouble_ = flushed;
  co_return flushed;
}

Task<> ProofKeeper::Run() {
  absl::Duration saved_at = io_->Monotonic();
  while (!stopping_ && journal_ != nullptr) {
    Op sleep = io_->Sleep(options_.flush_interval);
    sleep_ = &sleep;
    co_await sleep;
    sleep_ = nullptr;
    absl::Status flushed = co_await Flush();
    (void)flushed;  // trouble() says it, and what waits is tried again
    ledger_->AdvanceTo(absl::ToUnixNanos(io_->Now()));
    if (io_->Monotonic() - saved_at < options_.minutes_interval) continue;
    saved_at = io_->Monotonic();
    co_await SaveMinutes();
  }
  if (journal_ == nullptr) co_return;
  co_await SaveMinutes();
  while (flushing_) {
    Op turn = io_->Sleep(absl::Milliseconds(5));
    co_await turn;
  }
  co_await journal_->Close();
}

void ProofKeeper::Stop() {
  stopping_ = true;
  if (sleep_ != nullptr) io_->Cancel(sleep_);
}

Ledger::Proven ProofKeeper::ProvenOf(size_t vault, size_t site) const {
  return ledger_ == nullptr ? Ledger::Proven{} : ledger_->ProvenOf(vault, site);
}

void ProofKeeper::OnMinute(const Ledger::Minute& minute) {
  using Mark = MinuteBook::Mark;
  const Mark mark = minute.above > 0     ? Mark::kMissed
                    : minute.unknown > 0 ? Mark::kUnknown
                                         : Mark::kMet;
  RowOf(minute.vault, minute.site).minutes.Put(minute.minute, mark);
}

void ProofKeeper::Sample(size_t vault, size_t site, std::optional<absl::Duration> lag,
                         std::optional<absl::Duration> rpo) {
  Row& row = RowOf(vault, site);
  row.lag = lag;
  row.rpo = rpo;
  row.forecast.Add(io_->Monotonic(), rpo);
}

std::vector<RpoFigures> ProofKeeper::Figures() const {
  std::vector<RpoFigures> all;
  const absl::Time now = io_->Now();
  for (size_t v = 0; v < options_.vaults.size(); ++v) {
    for (size_t s = 0; s < options_.sites.size(); ++s) {
      const Vault& vault = options_.vaults[v];
      const Row& row = RowOf(v, s);
      RpoFigures figures;
      figures.vault = vault.name;
      figures.data_class = vault.data_class;
      figures.site = options_.sites[s].name;
      figures.is_primary = options_.sites[s].is_primary;
      figures.target_seconds = absl::ToDoubleSeconds(vault.target);
      figures.lag_seconds = Seconds(row.lag);
      figures.rpo_seconds = Seconds(row.rpo);
      const Ledger::Proven proven = ProvenOf(v, s);
      figures.proved_lag_seconds = SecondsSince(proven.taken, now);
      figures.proved_rpo_seconds = SecondsSince(proven.restorable, now);
      const MinuteBook::Sums sums = row.minutes.sums();
      figures.minutes_met = sums.met;
      figures.minutes_missed = sums.missed;
      figures.minutes_unknown = sums.unknown;
      const double counted = static_cast<double>(sums.met + sums.missed);
      if (counted > 0) figures.share_within_target = static_cast<double>(sums.met) / counted;
      figures.breach_in_seconds = Seconds(row.forecast.BreachIn(vault.target));
      all.push_back(std::move(figures));
    }
  }
  return all;
}

uint64_t ProofKeeper::KeptWithoutGap(size_t site, const StoreId& store) const {
  const auto known = books_.at(site).audits.find(store);
  return known == books_.at(site).audits.end() ? 0 : known->second->last_number();
}

}  // namespace tidemark
