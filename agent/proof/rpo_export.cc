#include "agent/proof/rpo_export.h"

#include <algorithm>
#include <deque>
#include <utility>

#include "absl/strings/str_format.h"
#include "agent/io/transfer.h"

namespace tidemark {
namespace {

constexpr size_t kHeadersInFlight = 16, kHeaderBytesAtOnce = 1 << 20;
// A chain longer than this is cut at its old end: a site that is that far behind is told so.
constexpr uint64_t kHeadersMax = 20'000'000;
// Records that sites hold and no checkpoint names yet, where the log's end is not known.
constexpr uint64_t kHeadsAheadMax = 10'000;

}  // namespace

bool EvidenceFilter::Accepts(const EvidenceFrame& frame) {
  const Digest digest = HashBytes(frame.body);
  if (frame.is_anchor) return is_first_ && anchors_.insert(digest).second;
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
  ledger_ = std::make_unique<Ledger>(terms_);
}

// The ledger, the gaps in what the journal has, and which records the statements are about.
class RpoExport::Scanner : public EvidenceSink {
 public:
  Scanner(RpoExport* owner, EvidenceFilter* filter) : owner_(owner), filter_(filter) {}
  void Take(const EvidenceFrame& frame) override {
    if (!filter_->Accepts(frame)) return;
    const Digest digest = HashBytes(frame.body);
    if (frame.kind == EvidenceKind::kReceipt) {
      const absl::StatusOr<SignedReceipt> receipt = ParseReceiptUnchecked(frame.body);
      if (!receipt.ok()) return;
      ++owner_->receipts_;
      for (const VaultHead& head : receipt->receipt.heads) Widen(head.vault, head.durable);
      Audit(*receipt, frame);
      owner_->ledger_->OnReceipt(*receipt, digest, {});
    } else if (frame.kind == EvidenceKind::kCheckpoint) {
      const absl::StatusOr<SignedCheckpoint> checkpoint = ParseCheckpointUnchecked(frame.body);
      if (!checkpoint.ok()) return;
      ++owner_->checkpoints_;
      const Position& upto = checkpoint->checkpoint.upto;
      Widen(checkpoint->checkpoint.vault, upto);
      uint64_t& newest = owner_->ranges_[checkpoint->checkpoint.vault].checkpointed;
      newest = std::max(newest, upto.sequence);
      owner_->ledger_->OnCheckpoint(*checkpoint, digest, {});
    } else if (frame.kind == EvidenceKind::kControl) {
      const absl::StatusOr<ControlEvidence> control = ParseControlEvidence(frame.body);
      if (control.ok()) owner_->ledger_->OnControl(*control);
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
    if (frame.is_anchor) {
      audit->Begin(receipt, frame.body);
    } else {
      audit->Take(receipt, frame.body);
    }
  }
  RpoExport* owner_;
  EvidenceFilter* filter_;
};

class RpoExport::Copier : public EvidenceSink {
 public:
  explicit Copier(EvidenceFilter* filter) : filter_(filter) {}
  void Take(const EvidenceFrame& frame) override {
    if (filter_->Accepts(frame)) AppendEvidence(frame.kind, frame.is_anchor, frame.body, &copied_);
  }
  std::string TakeCopied() { return std::exchange(copied_, ""); }

 private:
  EvidenceFilter* filter_;
  std::string copied_;
};

// From the last segment that began before the period, which has all that the period needs to know
// of what was before.
Task<absl::Status> RpoExport::Read(EvidenceSink* sink, EvidenceFilter* filter,
                                   std::function<Task<absl::Status>()> each) {
  const std::vector<EvidenceJournal::Segment> segments = keeper_->journal()->segments();
  size_t first = 0;
  for (size_t i = 1; i < segments.size(); ++i) {
    if (absl::ToUnixNanos(segments[i].begun_at) <= terms_.since) first = i;
  }
  for (size_t i = first; i < segments.size(); ++i) {
    if (absl::ToUnixNanos(segments[i].begun_at) > terms_.until) break;
    filter->BeginSegment(i == first);
    SegmentReader reader(io_);
    std::string path = keeper_->journal()->PathOf(segments[i].number);
    absl::Status read = co_await reader.Open(std::move(path), segments[i].bytes);
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

Task<absl::Status> RpoExport::Scan() {
  absl::Status flushed = co_await keeper_->Flush();
  if (!flushed.ok())
    facts_.push_back("evidence could not be written: " + std::string(flushed.message()));
  if (keeper_->journal() == nullptr) co_return flushed;
  EvidenceFilter filter(terms_.until);
  Scanner scanner(this, &filter);
  absl::Status read = co_await Read(&scanner, &filter, nullptr);
  if (!read.ok()) co_return read;
  report_ = ledger_->Finish();
  StateGaps();
  co_return absl::OkStatus();
}

void RpoExport::StateGaps() {
  const std::vector<EvidenceJournal::Segment>& segments = keeper_->journal()->segments();
  if (segments.empty() || absl::ToUnixNanos(segments.front().begun_at) > terms_.since)
    facts_.push_back(
        "the journal does not reach back to the beginning of the period: what is not "
        "known counts as unknown");
  if (keeper_->dropped() > 0)
    facts_.push_back(
        absl::StrFormat("%d statements came faster than they could be written and "
                        "were not kept",
                        keeper_->dropped()));
  for (const auto& [key, audit] : audits_) {
    for (const ReceiptAudit::Gap& gap : audit->gaps()) {
      gaps_.push_back({static_cast<uint8_t>(key.first), key.second, gap.from, gap.to});
      facts_.push_back(absl::StrFormat("receipts %d to %d of site %s were never got", gap.from,
                                       gap.to, terms_.sites[key.first]));
    }
  }
}

Task<absl::Status> RpoExport::Write(Fd output, std::string bytes) {
  const ByteSpan view = AsBytes(bytes);
  hasher_.Update(view);
  written_ += view.size();
  absl::Status written = co_await WriteFully(io_, output, view, kNoOffset);
  co_return written;
}

Task<absl::Status> RpoExport::WriteHeaders(size_t vault, std::optional<uint64_t> tail,
                                           HeaderSource source, Fd output) {
  const Ledger::VaultTerms& terms = terms_.vaults.at(vault);
  Range range = ranges_[terms.id];
  range.last = std::min(range.last, tail.value_or(range.checkpointed + kHeadsAheadMax));
  if (range.last == 0) co_return absl::OkStatus();
  if (range.last - range.first >= kHeadersMax) range.first = range.last - kHeadersMax + 1;
  std::deque<Task<absl::StatusOr<CanonicalHeader>>> in_flight;
  uint64_t next = range.first;
  Digest before;
  std::string frames;
  absl::Status written, missing;
  for (uint64_t sequence = range.first; sequence <= range.last; ++sequence) {
    while (missing.ok() && next <= range.last && in_flight.size() < kHeadersInFlight) {
      in_flight.push_back(source(terms.id, next++));
      in_flight.back().Start();
    }
    if (in_flight.empty()) break;
    Task<absl::StatusOr<CanonicalHeader>>& oldest = in_flight.front();
    absl::StatusOr<CanonicalHeader> header = co_await oldest;
    in_flight.pop_front();
    if (!missing.ok() || !written.ok()) continue;
    missing = header.status();
    if (header.ok() && !before.empty() && header->previous != before)
      missing = absl::DataLossError("it does not follow the one before");
    if (!missing.ok()) {
      facts_.push_back(
          absl::StrFormat("vault %s: the records' chain ends before record %d of %d: "
                          "%s",
                          terms.name, sequence, range.last, std::string(missing.message())));
      continue;
    }
    before = header->digest();
    ++records_;
    AppendEvidence(EvidenceKind::kHeader, false, header->Encode(), &frames);
    if (frames.size() < kHeaderBytesAtOnce) continue;
    std::string writing = std::exchange(frames, "");
    written = co_await Write(output, std::move(writing));
  }
  if (written.ok()) written = co_await Write(output, std::move(frames));
  co_return written;
}

Task<absl::Status> RpoExport::WriteEvidence(Fd output) {
  EvidenceFilter filter(terms_.until);
  Copier copier(&filter);
  Copier* from = &copier;
  std::function<Task<absl::Status>()> each = [this, from, output] {
    return WriteCopied(from, output);
  };
  absl::Status read = co_await Read(&copier, &filter, std::move(each));
  co_return read;
}

Task<absl::Status> RpoExport::WriteCopied(Copier* copier, Fd output) {
  std::string copied = copier->TakeCopied();
  absl::Status written = co_await Write(output, std::move(copied));
  co_return written;
}

ExportManifest::File RpoExport::EvidenceFile() {
  return {kEvidenceName, written_, hasher_.Finish()};
}

}  // namespace tidemark
