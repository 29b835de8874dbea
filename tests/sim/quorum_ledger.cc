#include "tests/sim/quorum_ledger.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_format.h"

namespace tidemark {

QuorumLedger::QuorumLedger(std::vector<SiteView> sites, std::string store_path, VaultId vault,
                           Findings* findings)
    : LogLedger(std::move(sites), std::move(store_path), vault, findings), claims_(sites_.size()) {}

bool QuorumLedger::Claimed(size_t site, const Position& position) const {
  const std::vector<Digest>& log = claims_[site].log;
  return position.sequence > 0 && position.sequence <= log.size() &&
         log[position.sequence - 1] == position.digest;
}

uint64_t QuorumLedger::committed() const {
  uint64_t committed = 0;
  for (size_t a = 0; a < claims_.size(); ++a) {
    for (size_t b = a + 1; b < claims_.size(); ++b) {
      uint64_t both = std::min(claims_[a].log.size(), claims_[b].log.size());
      while (both > 0 && claims_[a].log[both - 1] != claims_[b].log[both - 1]) --both;
      committed = std::max(committed, both);
    }
  }
  return committed;
}

Digest QuorumLedger::DigestAt(uint64_t sequence) const {
  for (size_t a = 0; sequence > 0 && a < claims_.size(); ++a) {
    for (size_t b = a + 1; b < claims_.size(); ++b) {
      if (std::min(claims_[a].log.size(), claims_[b].log.size()) < sequence) continue;
      if (claims_[a].log[sequence - 1] == claims_[b].log[sequence - 1])
        return claims_[a].log[sequence - 1];
    }
  }
  return Digest();
}

// Two sites agree on all before, so a shorter or another claim is lawful only for what one held.
void QuorumLedger::GiveUp(Site* site, const Position& position) {
  Claims* claims = ClaimsOf(site);
  site->platter->Update();
  uint64_t keep = 0;
  while (keep < claims->log.size() && site->platter->DigestAt(keep + 1) == claims->log[keep])
    ++keep;
  for (uint64_t i = keep; i < claims->log.size() && i < told_.size(); ++i) {
    if (claims->log[i] != told_[i]) continue;
    Wrong(Invariant::kDurability, *site,
          absl::StrFormat("gave up record %d, which was committed, and names %d", i + 1,
                          position.sequence));
    break;
  }
  claims->before.insert(claims->log.begin(), claims->log.end());
  claims->log.resize(keep);
  claims->owes_truncation = true;
  site->claimed = keep;
  site->floor = std::min(site->floor, keep);
  for (auto& [connection, said] : site->said) said = std::min(said, keep);
}

void QuorumLedger::Claim(Site* site, const char* where, const Position& position,
                         uint64_t at_least) {
  Claims* claims = ClaimsOf(site);
  const size_t index = static_cast<size_t>(site - &sites_[0]);
  if (position.sequence == 0 && at_least == 0) return;
  const bool shrinks = position.sequence < at_least;
  const bool differs =
      position.sequence > 0 && position.sequence <= claims->log.size() && !Claimed(index, position);
  if (shrinks || differs) GiveUp(site, position);
  if (position.sequence <= claims->log.size()) {
    if (position.sequence == 0 || Claimed(index, position)) return;
    return Wrong(Invariant::kNoEquivocation, *site,
                 absl::StrFormat("%s names another record %d than the platter holds", where,
                                 position.sequence));
  }
  if (!Holds(site, position)) {
    return Wrong(Invariant::kHonestReceipts, *site,
                 absl::StrFormat("%s names record %d as durable; the platter holds %d records",
                                 where, position.sequence, site->platter->log().size()));
  }
  const bool stands =
      claims->log.empty() || site->platter->DigestAt(claims->log.size()) == claims->log.back();
  if (!stands) GiveUp(site, position);
  const uint64_t before = committed();
  for (uint64_t s = claims->log.size() + 1; s <= position.sequence; ++s) {
    claims->log.push_back(site->platter->DigestAt(s));
  }
  site->claimed = position.sequence;
  if (committed() > before) ++commits_;
}

// Receipts may be told late: one that names what was claimed before it was given up is of before.
void QuorumLedger::OnNewReceipt(Site* site, const Receipt& receipt) {
  Claims* claims = ClaimsOf(site);
  const bool tells = receipt.level == Receipt::Level::kTruncated;
  for (const VaultHead& head : receipt.heads) {
    if (head.vault != vault_) continue;
    if (tells) GiveUp(site, head.durable);
    if (head.durable.sequence == 0) continue;
    const bool is_news = claims->before.count(head.durable.digest) == 0;
    if (claims->owes_truncation && !tells && is_news) {
      Wrong(Invariant::kHonestReceipts, *site,
            absl::StrFormat("gave records up, and receipt %d does not say so", receipt.number));
    }
    if (tells || is_news) Claim(site, "a receipt", head.durable, 0);
  }
  if (tells) claims->owes_truncation = false;
}

// Law 5: what fewer than both primaries hold was committed under a record that allows it.
void QuorumLedger::CheckMode(const Position& upto) {
  bool by_primaries = true;
  size_t holder = 0;
  for (size_t i = 0; i < sites_.size(); ++i) {
    if (sites_[i].view.is_primary) by_primaries = by_primaries && Claimed(i, upto);
    if (Claimed(i, upto)) holder = i;
  }
  if (by_primaries) return;
  bool quorum = false;
  const auto& log = sites_[holder].platter->log();
  for (uint64_t s = 1; s <= upto.sequence && s <= log.size(); ++s) {
    if (log[s - 1]->kind == RecordKind::kEpochStart) quorum = false;
    if (log[s - 1]->kind == RecordKind::kMode) quorum = !quorum;
  }
  if (quorum) return;
  findings_->Add(Invariant::kDurability,
                 absl::StrFormat("record %d is called committed in strict mode, and a primary "
                                 "does not hold it",
                                 upto.sequence));
}

void QuorumLedger::OnCheckpoint(const PublicKey& agent, const std::string& bytes) {
  absl::StatusOr<SignedCheckpoint> said = ParseCheckpoint(agent, AsBytes(bytes));
  if (!said.ok()) return findings_->Add(Invariant::kFencing, "a checkpoint does not verify");
  const Position& upto = said->checkpoint.upto;
  if (upto.sequence > 0 && upto.sequence <= told_.size()) {
    if (told_[upto.sequence - 1] == upto.digest) return;
    return findings_->Add(
        Invariant::kNoEquivocation,
        absl::StrFormat("record %d was committed twice, differently", upto.sequence));
  }
  size_t holders = 0;
  const Claims* holder = nullptr;
  for (size_t i = 0; i < claims_.size(); ++i) {
    if (!Claimed(i, upto)) continue;
    ++holders;
    holder = &claims_[i];
  }
  if (holders < 2) {
    return findings_->Add(
        Invariant::kHonestReceipts,
        absl::StrFormat("a checkpoint names record %d, %d sites claim it", upto.sequence, holders));
  }
  for (uint64_t s = 1; s <= told_.size(); ++s) {
    if (told_[s - 1] == holder->log[s - 1]) continue;
    return findings_->Add(Invariant::kDurability,
                          absl::StrFormat("record %d was committed and is not in the log", s));
  }
  CheckMode(upto);
  told_.assign(holder->log.begin(), holder->log.begin() + static_cast<ptrdiff_t>(upto.sequence));
}

void QuorumLedger::OnPowerLoss(uint32_t index) {
  Site* site = &sites_[index];
  const Claims& claims = claims_[index];
  site->platter->Forget();
  site->platter->Update();
  for (uint64_t s = 1; s <= claims.log.size(); ++s) {
    if (site->platter->DigestAt(s) == claims.log[s - 1]) continue;
    const bool was_told = s <= told_.size() && told_[s - 1] == claims.log[s - 1];
    // It may have given them up and lost power before anybody heard.
    if (!was_told && site->platter->IsGivenUp(claims.log[s - 1])) {
      GiveUp(site, Position());
      return;
    }
    return Wrong(Invariant::kNoHoleNoGhost, *site,
                 absl::StrFormat("after a power loss record %d of %d claimed is another one or "
                                 "gone; the platter holds %d",
                                 s, claims.log.size(), site->platter->log().size()));
  }
}

// What is committed is everywhere; a record that changes the mode may just have been on its way.
void QuorumLedger::CheckAllEqual() {
  for (size_t i = 0; i < sites_.size(); ++i) {
    OnPowerLoss(static_cast<uint32_t>(i));
    const Platter& platter = *sites_[i].platter;
    bool equal = platter.log().size() >= told_.size();
    for (uint64_t s = 1; equal && s <= told_.size(); ++s)
      equal = platter.DigestAt(s) == told_[s - 1];
    const uint64_t both = std::min(platter.log().size(), sites_[0].platter->log().size());
    equal = equal && platter.DigestAt(both) == sites_[0].platter->DigestAt(both);
    if (equal) continue;
    Wrong(Invariant::kByteIdentity, sites_[i],
          absl::StrFormat("ends with %d records on its platter, the first site with %d, committed "
                          "were %d",
                          platter.log().size(), sites_[0].platter->log().size(), told_.size()));
  }
}

}  // namespace tidemark
