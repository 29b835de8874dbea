#include "tests/sim/checkers.h"

#include <string.h>

#include <algorithm>

#include "absl/strings/str_format.h"

namespace tidemark {
namespace {

std::string Text(const Position& position) {
  return absl::StrFormat("record %d of epoch %d (%s)", position.sequence, position.epoch,
                         position.digest.hex().substr(0, 8));
}

bool Contains(ByteSpan bytes, std::string_view needle) {
  return memmem(bytes.data(), bytes.size(), needle.data(), needle.size()) != nullptr;
}

}  // namespace

LogLedger::LogLedger(std::vector<SiteView> sites, std::string store_path, VaultId vault,
                     Findings* findings)
    : vault_(vault), findings_(findings) {
  for (SiteView& view : sites) {
    Site site;
    site.platter = std::make_unique<Platter>(view.disk, store_path, vault);
    site.view = std::move(view);
    sites_.push_back(std::move(site));
  }
}

void LogLedger::OnMessage(uint32_t index, uint64_t connection, const wire::Control& message) {
  Site* site = &sites_[index];
  uint64_t* said = &site->said.try_emplace(connection, site->floor).first->second;
  const std::string vault = ToWire(vault_.bytes);
  if (message.has_ack() && message.ack().vault() == vault) {
    absl::StatusOr<Position> durable = FromWire(message.ack().durable());
    if (durable.ok()) Claim(site, "an ack", *durable, *said);
    if (durable.ok()) *said = std::max(*said, durable->sequence);
  }
  for (const wire::VaultState& state : message.hello_reply().vaults()) {
    ClaimState(site, "its hello", state, said);
  }
  for (const wire::VaultState& state : message.heartbeat_reply().vaults()) {
    ClaimState(site, "a heartbeat", state, said);
  }
  if (message.has_promise_reply() && message.promise_reply().vault() == vault) {
    ClaimState(site, "a promise's reply", message.promise_reply().state(), said);
    if (!message.promise_reply().promise().empty())
      OnPromise(site, message.promise_reply().promise());
  }
  if (message.has_receipt()) OnReceipt(site, message.receipt().receipt());
  if (message.has_fetch_report() && message.fetch_report().vault() == vault) {
    absl::StatusOr<Position> tail = FromWire(message.fetch_report().tail());
    if (!tail.ok()) return;
    if (message.fetch_report().finished()) {
      Claim(site, "a fetch's end", *tail, 0);
    } else if (!Holds(site, *tail)) {
      Wrong(Invariant::kHonestReceipts, *site,
            "a fetch report names " + Text(*tail) + ", which is not on the platter");
    }
  }
}

void LogLedger::ClaimState(Site* site, const char* where, const wire::VaultState& state,
                           uint64_t* said) {
  absl::StatusOr<Position> durable = FromWire(state.durable());
  if (state.vault() != ToWire(vault_.bytes) || !durable.ok()) return;
  const bool troubled = state.trouble().code() == wire::Failure::DAMAGED ||
                        state.trouble().code() == wire::Failure::DIVERGED;
  site->troubled = troubled || state.trouble().code() == wire::Failure::IO;
  Claim(site, where, *durable, troubled ? 0 : *said);
  *said = std::max(*said, durable->sequence);
}

bool LogLedger::Holds(Site* site, const Position& position) {
  if (position.sequence == 0) return true;
  if (site->platter->DigestAt(position.sequence) == position.digest) return true;
  site->platter->Update();
  return site->platter->DigestAt(position.sequence) == position.digest;
}

void LogLedger::Claim(Site* site, const char* where, const Position& position, uint64_t at_least) {
  if (position.sequence < at_least) {
    return Wrong(Invariant::kNoHoleNoGhost, *site,
                 absl::StrFormat("%s names record %d as durable, it had said %d before", where,
                                 position.sequence, at_least));
  }
  if (position.sequence <= site->claimed) {
    if (DigestAt(position.sequence) == position.digest) return;
    return Wrong(
        Invariant::kNoEquivocation, *site,
        absl::StrFormat("%s names another %s than was said before", where, Text(position)));
  }
  if (!Holds(site, position)) {
    return Wrong(Invariant::kHonestReceipts, *site,
                 absl::StrFormat("%s names %s as durable; the platter holds %d records", where,
                                 Text(position), site->platter->log().size()));
  }
  Extend(site, position.sequence);
}

void LogLedger::Extend(Site* site, uint64_t upto) {
  for (uint64_t sequence = site->claimed + 1; sequence <= upto; ++sequence) {
    const CanonicalHeader& header = *site->platter->log()[sequence - 1];
    const Digest digest = site->platter->DigestAt(sequence);
    if (sequence <= records_.size()) {
      if (records_[sequence - 1].digest != digest) {
        return Wrong(Invariant::kNoEquivocation, *site,
                     absl::StrFormat("holds another record %d (epoch %d) than was durable "
                                     "elsewhere (epoch %d)",
                                     sequence, header.epoch, records_[sequence - 1].epoch));
      }
      continue;
    }
    const uint64_t epoch_before = records_.empty() ? 0 : records_.back().epoch;
    const bool begins =
        header.kind == RecordKind::kEpochStart || header.kind == RecordKind::kVaultGenesis;
    if (header.epoch < epoch_before || (header.epoch > epoch_before && !begins)) {
      Wrong(Invariant::kFencing, *site,
            absl::StrFormat("record %d is of epoch %d behind epoch %d", sequence, header.epoch,
                            epoch_before));
    }
    records_.push_back({header.epoch, digest});
  }
  const uint64_t before = committed();
  site->claimed = upto;
  if (committed() > before) ++commits_;
  if (!site->view.is_primary && upto > committed()) {
    Wrong(Invariant::kIsolation, *site,
          absl::StrFormat("holds record %d; committed is %d", upto, committed()));
  }
}

uint64_t LogLedger::Held(uint32_t site) {
  sites_[site].platter->Update();
  return sites_[site].platter->log().size();
}

std::optional<Platter::Place> LogLedger::PlaceWithEvidence(uint32_t site, uint64_t chosen) {
  sites_[site].platter->Update();
  return sites_[site].platter->PlaceWithEvidence(chosen);
}

void LogLedger::Reread(uint32_t site) {
  sites_[site].platter->Forget();
  sites_[site].platter->Update();
}

void LogLedger::OnCheckpoint(const PublicKey& agent, const std::string& bytes) {
  absl::StatusOr<SignedCheckpoint> said = ParseCheckpoint(agent, AsBytes(bytes));
  if (!said.ok()) return findings_->Add(Invariant::kFencing, "a checkpoint does not verify");
  const Position& upto = said->checkpoint.upto;
  if (upto.sequence <= committed() && DigestAt(upto.sequence) == upto.digest) return;
  findings_->Add(
      Invariant::kHonestReceipts,
      absl::StrFormat("a checkpoint names record %d, committed is %d", upto.sequence, committed()));
}

void LogLedger::OnPromise(Site* site, const std::string& bytes) {
  absl::StatusOr<SignedPromise> promise = ParsePromise(site->view.key, AsBytes(bytes));
  if (!promise.ok()) return Wrong(Invariant::kFencing, *site, "a promise does not verify");
  const Promise& given = promise->promise;
  if (given.epoch < site->promised_epoch) {
    Wrong(Invariant::kFencing, *site,
          absl::StrFormat("promised epoch %d after epoch %d", given.epoch, site->promised_epoch));
  }
  site->promised_epoch = given.epoch;
  const auto [known, is_new] = site->promises.try_emplace(given.epoch, given.nonce);
  if (!is_new && known->second != given.nonce) {
    Wrong(Invariant::kFencing, *site,
          absl::StrFormat("promised epoch %d to two sessions", given.epoch));
  }
  Claim(site, "a promise", given.tail, site->claimed);
}

void LogLedger::OnReceipt(Site* site, const std::string& bytes) {
  absl::StatusOr<SignedReceipt> receipt = ParseReceipt(site->view.key, AsBytes(bytes));
  if (!receipt.ok()) return Wrong(Invariant::kNoEquivocation, *site, "a receipt does not verify");
  const Receipt& said = receipt->receipt;
  const auto [known, is_new] = site->receipts.try_emplace(said.number, receipt->digest());
  if (!is_new && known->second != receipt->digest()) {
    Wrong(Invariant::kNoEquivocation, *site,
          absl::StrFormat("signed receipt %d twice", said.number));
  }
  const auto before = site->receipts.find(said.number - 1);
  if (before != site->receipts.end() && before->second != said.previous) {
    Wrong(Invariant::kNoEquivocation, *site,
          absl::StrFormat("receipt %d does not chain to the one before", said.number));
  }
  if (is_new) OnNewReceipt(site, said);  // else told again to an agent that was away
}

void LogLedger::OnNewReceipt(Site* site, const Receipt& said) {
  for (const VaultHead& head : said.heads) {
    // One of an older number may be told late.
    if (head.vault == vault_) Claim(site, "a receipt", head.durable, 0);
  }
}

void LogLedger::OnPowerLoss(uint32_t index) {
  Site* site = &sites_[index];
  site->platter->Forget();
  site->platter->Update();
  if (site->platter->log().size() < site->claimed) {
    return Wrong(Invariant::kNoHoleNoGhost, *site,
                 absl::StrFormat("after a power loss the platter holds %d records; %d were said "
                                 "to be durable",
                                 site->platter->log().size(), site->claimed));
  }
  for (uint64_t sequence = 1; sequence <= site->claimed; ++sequence) {
    if (site->platter->DigestAt(sequence) == DigestAt(sequence)) continue;
    return Wrong(Invariant::kNoHoleNoGhost, *site,
                 absl::StrFormat("after a power loss record %d is another one", sequence));
  }
}

uint64_t LogLedger::committed() const {
  uint64_t committed = UINT64_MAX;
  for (const Site& site : sites_) {
    if (site.view.is_primary) committed = std::min(committed, site.claimed);
  }
  return committed;
}

void LogLedger::CheckAllEqual() {
  for (size_t i = 0; i < sites_.size(); ++i) {
    OnPowerLoss(static_cast<uint32_t>(i));
    if (sites_[i].platter->log().size() == records_.size()) continue;
    Wrong(Invariant::kByteIdentity, sites_[i],
          absl::StrFormat("ends with %d records on its platter, the log has %d",
                          sites_[i].platter->log().size(), records_.size()));
  }
}

SealWatch::SealWatch(Findings* findings) : findings_(findings) { SetSealObserver(&OnSeal, this); }
SealWatch::~SealWatch() { SetSealObserver(nullptr, nullptr); }

void SealWatch::OnSeal(void* self, const Digest& key_fingerprint, const Digest& plaintext) {
  SealWatch* watch = static_cast<SealWatch*>(self);
  ++watch->seals_;
  const auto [known, is_new] = watch->sealed_.try_emplace(key_fingerprint, plaintext);
  if (!is_new && known->second != plaintext) {
    watch->findings_->Add(Invariant::kKeyUniqueness, "one key sealed two plaintexts");
  }
}

void CanaryWatch::OnSend(uint32_t socket, ByteSpan bytes) {
  bytes_ += bytes.size();
  std::string& end = ends_[socket];
  const std::string edge =
      end + std::string(AsText(bytes.first(std::min(bytes.size(), kCanary.size()))));
  if (Contains(bytes, kCanary) || Contains(AsBytes(edge), kCanary)) {
    findings_->Add(Invariant::kCanaries, "plaintext was sent over the network");
  }
  const size_t kept = std::min(bytes.size(), kCanary.size() - 1);
  end.append(AsText(bytes.last(kept)));
  if (end.size() > kCanary.size() - 1) end.erase(0, end.size() - (kCanary.size() - 1));
}

void CanaryWatch::OnWrite(const std::string& path, ByteSpan bytes) {
  bytes_ += bytes.size();
  if (Contains(bytes, kCanary))
    findings_->Add(Invariant::kCanaries, "plaintext was written to " + path);
}

}  // namespace tidemark
