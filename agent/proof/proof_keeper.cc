#include "agent/proof/proof_keeper.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_format.h"
#include "agent/io/transfer.h"
#include "crypto/rare_path.h"

namespace tidemark {
namespace {

std::optional<double> Seconds(const std::optional<absl::Duration>& duration) {
  if (!duration.has_value()) return std::nullopt;
  return absl::ToDoubleSeconds(*duration);
}

std::optional<double> SecondsSince(const std::optional<int64_t>& nanos, absl::Time now) {
  if (!nanos.has_value()) return std::nullopt;
  return std::max(absl::ToDoubleSeconds(now - absl::FromUnixNanos(*nanos)), 0.0);
}

}  // namespace

ProofKeeper::ProofKeeper(Io* io, Options options)
    : io_(io),
      options_(std::move(options)),
      identities_(io, options_.journal.directory + "/sites") {
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
  co_await identities_.Load();
  co_await ReplayFrom(minutes_saved_);
  journal_->SetAnchors([this] { return Anchors(); });
  co_return absl::OkStatus();
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
    AppendEvidence(anchor.kind, {.is_anchor = true}, anchor.statement, &frames);
  for (const SiteBook& book : books_) {
    const EvidenceMarks marks = {.is_anchor = true, .is_disowned = true};
    if (!book.convicting.empty())
      AppendEvidence(EvidenceKind::kReceipt, marks, book.convicting, &frames);
  }
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
    absl::Status saved = co_await identities_.Save();
    (void)saved;  // tried again
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

}  // namespace tidemark
