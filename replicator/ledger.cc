#include "replicator/ledger.h"

#include <algorithm>
#include <utility>

namespace tidemark {
namespace {

constexpr size_t kClaimsMax = 1024;

LagFigures FiguresOf(const LagHistogram& lags) {
  return {lags.worst(), lags.Percentile(500), lags.Percentile(900), lags.Percentile(990),
          lags.Percentile(999)};
}

}  // namespace

Ledger::Ledger(Terms terms, MinuteListener* minutes) : terms_(std::move(terms)), minutes_(minutes) {
  sites_.resize(terms_.sites.size());
  for (const VaultTerms& vault : terms_.vaults) {
    VaultBook book;
    book.time = terms_.since;
    book.ledger.name = vault.name;
    book.ledger.vault = vault.id;
    book.ledger.target = vault.target;
    book.tracks.resize(terms_.sites.size());
    for (size_t i = 0; i < terms_.sites.size(); ++i) {
      book.tracks[i].ledger.site = terms_.sites[i];
      book.tracks[i].minute.vault = vaults_.size();
      book.tracks[i].minute.site = i;
    }
    vaults_.push_back(std::move(book));
  }
  for (const Gap& gap : terms_.gaps) StateGap(gap);
}

Ledger::VaultBook* Ledger::Find(const VaultId& vault) {
  for (VaultBook& book : vaults_) {
    if (book.ledger.vault == vault) return &book;
  }
  return nullptr;
}

void Ledger::OnReceipt(const SignedReceipt& receipt, const Digest& digest, ByteSpan statement) {
  const auto site = std::find(terms_.sites.begin(), terms_.sites.end(), receipt.receipt.site);
  if (site == terms_.sites.end()) return;
  SiteBook& book = sites_[static_cast<size_t>(site - terms_.sites.begin())];
  const Made* named = made_.Find(receipt.receipt.checkpoint);
  const uint64_t number = receipt.receipt.number;
  if (receipt.receipt.store == book.store && number < book.number) {
    // What later ones say of when they were given says nothing of this one.
    Heard late{receipt.receipt.store, number, 0, receipt.receipt.heads, {}, {}};
    late.statement.assign(statement.begin(), statement.end());
    if (named != nullptr) late.after = named->at;
    if (named != nullptr) late.named = named->statement;
    book.recent.Add(digest, std::move(late));
    return;
  }
  book.store = receipt.receipt.store;
  book.number = number;
  // One that names nothing known is later than its predecessors all the same.
  if (named != nullptr && named->at > book.after) {
    book.after = named->at;
    book.named = named->statement;
  }
  book.newest.assign(statement.begin(), statement.end());
  book.recent.Add(digest, {book.store,
                           number,
                           book.after,
                           receipt.receipt.heads,
                           {statement.begin(), statement.end()},
                           book.named});
}

void Ledger::OnCheckpoint(const SignedCheckpoint& signed_checkpoint, const Digest& digest,
                          ByteSpan statement) {
  const Checkpoint& checkpoint = signed_checkpoint.checkpoint;
  VaultBook* book = Find(checkpoint.vault);
  if (book == nullptr) return;
  made_.Add(digest, {checkpoint.made_at_nanos, {statement.begin(), statement.end()}});
  book->newest_checkpoint.assign(statement.begin(), statement.end());
  Advance(book, checkpoint.made_at_nanos);
  if (checkpoint.made_at_nanos >= terms_.since && checkpoint.made_at_nanos <= terms_.until)
    ++book->ledger.checkpoints;
  TakeClaim(book, checkpoint, statement);
  TakeListed(book, checkpoint);
  for (Track& track : book->tracks) Prove(book, &track, checkpoint.made_at_nanos);
  ForgetClaims(book);
}

// Claims stand by rising position. The newest word on a position counts, also when it takes back; a
// later epoch's takes the place of what it dropped. One of less than is claimed already (the target
// of a fetch) adds nothing.
void Ledger::TakeClaim(VaultBook* book, const Checkpoint& checkpoint, ByteSpan statement) {
  std::deque<Claim>& claims = book->claims;
  while (!claims.empty() && claims.back().upto.sequence >= checkpoint.upto.sequence) {
    const Position& newest = claims.back().upto;
    if (newest.sequence > checkpoint.upto.sequence && newest.epoch >= checkpoint.upto.epoch) return;
    claims.pop_back();
  }
  claims.push_back({checkpoint.upto,
                    checkpoint.captured_at_nanos,
                    checkpoint.restorable_at_nanos,
                    checkpoint.bytes_upto,
                    checkpoint.made_at_nanos,
                    {statement.begin(), statement.end()}});
}

// What every site is past is not needed. Of the rest the older half is thinned when there is too
// much: a site that is far behind is then told to be a little further, by about a hundredth.
void Ledger::ForgetClaims(VaultBook* book) {
  std::deque<Claim>& claims = book->claims;
  uint64_t everywhere = UINT64_MAX;
  for (const Track& track : book->tracks) {
    if (!track.listed.empty()) everywhere = std::min(everywhere, track.head.sequence);
  }
  const bool is_known = everywhere != UINT64_MAX;
  while (is_known && claims.size() > 1 && claims[1].upto.sequence <= everywhere) claims.pop_front();
  if (claims.size() <= kClaimsMax) return;
  std::deque<Claim> kept;
  for (size_t i = 0; i < claims.size(); ++i) {
    if (i % 2 == 0 || i > kClaimsMax / 2) kept.push_back(std::move(claims[i]));
  }
  claims = std::move(kept);
}

void Ledger::TakeListed(VaultBook* book, const Checkpoint& checkpoint) {
  const size_t listed = std::min(checkpoint.receipts.size(), book->tracks.size());
  for (size_t i = 0; i < listed; ++i) {
    Track& track = book->tracks[i];
    const Digest& digest = checkpoint.receipts[i];
    if (digest.empty() || digest == track.listed) continue;
    const Heard* heard = sites_[i].recent.Find(digest);
    if (heard == nullptr) continue;  // not shown here: what was proven stays
    track.listed = digest;
    track.store = heard->store;
    track.number = heard->number;
    track.after = heard->after;
    track.receipt = heard->statement;
    track.named = heard->named;
    track.changed_at = checkpoint.made_at_nanos;
    track.head = Position{};
    for (const VaultHead& head : heard->heads) {
      if (head.vault == checkpoint.vault) track.head = head.durable;
    }
  }
}

void Ledger::Prove(VaultBook* book, Track* track, int64_t now) {
  auto above = std::upper_bound(
      book->claims.begin(), book->claims.end(), track->head.sequence,
      [](uint64_t held, const Claim& claim) { return held < claim.upto.sequence; });
  // Epochs never fall along a log: with a head of an older epoch a site holds none of a newer one.
  while (above != book->claims.begin() && std::prev(above)->upto.epoch > track->head.epoch) --above;
  if (above == book->claims.begin()) {
    // A site that fell behind all that is known here: what it was proven to hold is not less true
    // for being old, unless it dropped it.
    if (track->claim && track->head.sequence < track->claim->upto.sequence) {
      track->taken.reset();
      track->restorable.reset();
      track->claim.reset();
    }
    return;
  }
  const Claim& claim = *std::prev(above);
  const bool moved = track->claim && track->claim->upto.sequence < claim.upto.sequence;
  if (moved && now >= terms_.since && now <= terms_.until && claim.bytes > track->claim->bytes) {
    const uint64_t bytes = claim.bytes - track->claim->bytes;
    track->ledger.bytes += bytes;
    // The oldest of them was captured no earlier than what was held before.
    const bool known = track->claim->taken > 0;
    if (known && now - track->claim->taken <= book->ledger.target)
      track->ledger.bytes_within += bytes;
  }
  track->claim = claim;
  const int64_t after = track->after > 0 ? track->after : 0;
  track->taken.reset();
  track->restorable.reset();
  if (claim.taken > 0 && after > 0) track->taken = std::min(claim.taken, after);
  if (claim.restorable > 0 && after > 0) track->restorable = std::min(claim.restorable, after);
}

void Ledger::OnControl(const ControlEvidence& control) {
  VaultBook* book = Find(control.header.vault);
  const absl::StatusOr<std::vector<std::byte>> body = ReadControlBody(control.payload);
  if (book == nullptr || !body.ok()) return;
  if (control.header.kind == RecordKind::kMode) {
    const absl::StatusOr<ModeChange> mode = ParseModeChange(*body);
    if (!mode.ok()) return;
    Advance(book, mode->at_nanos);
    book->is_quorum = mode->mode == AckMode::kQuorum;
    book->mode = EncodeControlEvidence(control.header, control.payload);
    std::vector<ModeFact>& modes = book->ledger.modes;
    // Of those before the period the last is enough.
    if (mode->at_nanos < terms_.since) modes.clear();
    if (mode->at_nanos <= terms_.until)
      modes.push_back({mode->at_nanos, book->is_quorum, mode->reason});
  } else if (control.header.kind == RecordKind::kEpochStart) {
    const int64_t at = control.header.made_at_nanos;
    if (at >= terms_.since && at <= terms_.until)
      book->ledger.epochs.push_back({at, control.header.epoch});
  }
}

void Ledger::AdvanceTo(int64_t now) {
  for (VaultBook& book : vaults_) Advance(&book, now);
}

void Ledger::Advance(VaultBook* book, int64_t to) {
  const int64_t end = std::min(to, terms_.until);
  const int64_t from = book->time;
  if (end <= from) return;
  for (Track& track : book->tracks) Count(book, &track, from, end);
  if (book->is_quorum) {
    std::vector<LedgerInterval>& quorum = book->ledger.quorum;
    if (!quorum.empty() && quorum.back().to == from) {
      quorum.back().to = end;
    } else if (quorum.size() < kLedgerIntervalsMax) {
      quorum.push_back({LedgerInterval::Kind::kQuorum, from, end, 0});
    }
  }
  book->time = end;
}

Ledger::Proven Ledger::ProvenOf(size_t vault, size_t site) const {
  const Track& track = vaults_.at(vault).tracks.at(site);
  return {track.taken, track.restorable, track.head.sequence};
}

LedgerReport Ledger::Finish() {
  if (terms_.until != INT64_MAX) AdvanceTo(terms_.until);
  LedgerReport report;
  report.since = terms_.since;
  report.until = terms_.until;
  for (VaultBook& book : vaults_) {
    for (Track& track : book.tracks) {
      track.ledger.lag = FiguresOf(track.lag);
      track.ledger.rpo = FiguresOf(track.rpo);
      book.ledger.sites.push_back(track.ledger);
    }
    report.vaults.push_back(std::move(book.ledger));
  }
  return report;
}

}  // namespace tidemark
