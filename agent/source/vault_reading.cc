// Vault: what it learns from sites before its epoch starts: keys, catalogue, index.
#include <utility>

#include "absl/strings/str_format.h"
#include "agent/source/vault.h"

namespace tidemark {

// Keys, catalogue and index as far as any reachable site tells, so that list and restore work, and
// the index is rebuilt, while primaries are still away.
Task<absl::Status> Vault::ReadWhatThereIs() {
  while (!stopping_) {
    absl::StatusOr<std::unique_ptr<OpenedVault>> opened =
        co_await tidemark::OpenVault(&all_sources_, options_.id, parts_.kek, 0);
    if (opened.ok()) {
      opened_ = std::move(*opened);
      break;
    }
    if (absl::IsNotFound(opened.status()))
      co_return absl::OkStatus();  // a new vault, or only an empty site answers
    // Sites may hold different tails: the take-over says which counts.
    if (options_.window.may_use_quorum && absl::IsDataLoss(opened.status()))
      co_return absl::OkStatus();
    if (!MayPass(opened.status())) co_return opened.status();
    trouble_ = opened.status();
    co_await Pause();
  }
  if (stopping_) co_return absl::CancelledError("the agent stops");
  trouble_ = absl::OkStatus();
  changed_.WakeAll();
  absl::Status replayed = co_await ReplayUpToProven();
  co_return replayed;
}

// What one site cannot read it heals, or one that is away has it whole.
bool Vault::MayPass(const absl::Status& why) {
  return absl::IsUnavailable(why) || absl::IsDataLoss(why);
}

Task<absl::Status> Vault::ReplayUpToProven() {
  // Where two sites may commit, a third may hold another log, and give its own record of a number:
  // only the take-over says which counts.
  if (options_.window.may_use_quorum) co_return absl::OkStatus();
  if (opened_->proven_committed == 0) co_return absl::OkStatus();
  absl::StatusOr<CanonicalHeader> head =
      co_await all_sources_.Head(options_.id, opened_->proven_committed);
  if (!head.ok())
    co_return absl::OkStatus();  // the site went away: the rest waits for the primaries
  absl::StatusOr<ReplayResult> replayed = co_await ReplayIndex(
      io_, &all_sources_, opened_.get(), parts_.index, head->position(), ReplayUpto::kAtLeast);
  if (!replayed.ok() && !MayPass(replayed.status())) co_return replayed.status();
  co_return absl::OkStatus();
}

// The last record's commit stands in no record behind it. While primaries are away, others can
// prove it: the witness is sent nothing that is not committed, a primary shows our newest
// checkpoint.
Task<absl::Status> Vault::LearnCommitted() {
  // Where two sites may commit, a witness holds more than that.
  if (opened_ == nullptr || options_.window.may_use_quorum) co_return absl::OkStatus();
  Position proven;
  for (const SiteLink* link : parts_.links) {
    const std::optional<Position> told =
        link->options().is_primary ? link->HelloCheckpoint(options_.id, parts_.agent->public_key())
                                   : link->HelloTail(options_.id);
    if (told.has_value() && told->sequence > proven.sequence) proven = *told;
  }
  if (proven.sequence <= opened_->proven_committed) co_return absl::OkStatus();
  absl::StatusOr<CanonicalHeader> head = co_await all_sources_.Head(options_.id, proven.sequence);
  if (!head.ok() || head->digest() != proven.digest) co_return absl::OkStatus();
  const uint64_t before = std::exchange(opened_->proven_committed, proven.sequence);
  absl::Status extended = co_await ExtendVault(&all_sources_, opened_.get(), proven.sequence);
  if (!extended.ok()) {  // it waits for the take-over
    opened_->proven_committed = before;
    co_return absl::OkStatus();
  }
  changed_.WakeAll();
  absl::Status replayed = co_await ReplayUpToProven();
  co_return replayed;
}

// Whether the adopted log has no keyring, by the word of a site that holds all of it. Another one
// knows less, and a second set of secrets would lose the first.
Task<absl::StatusOr<bool>> Vault::HasNoKeyring(Position base) {
  if (base.sequence == 0) co_return true;
  absl::Status unknown = absl::UnavailableError("no holder says whether there is a keyring");
  for (size_t i = 0; i < parts_.sources.size(); ++i) {
    if (holders_.count(parts_.links[i]->name()) == 0) continue;
    absl::StatusOr<uint64_t> newest =
        co_await parts_.sources[i]->FindRecord(options_.id, RecordKind::kKeyring, base.sequence);
    if (newest.ok()) co_return *newest == 0;
    unknown = newest.status();
  }
  co_return unknown;
}

Task<absl::Status> Vault::ReadAdopted(Position base) {
  bool is_new = false;  // or its agent died before its keyring was written
  while (!stopping_ && log_.failure().ok()) {
    absl::Status read;
    const bool is_prefix = !options_.window.may_use_quorum;  // what was read is of this log
    if (opened_ != nullptr && opened_->unreadable.empty() && is_prefix) {
      read = co_await ExtendVault(&all_sources_, opened_.get(), base.sequence);
    } else {
      absl::StatusOr<std::unique_ptr<OpenedVault>> opened =
          co_await tidemark::OpenVault(&all_sources_, options_.id, parts_.kek, 0);
      read = opened.status();
      if (opened.ok() && opened_ == nullptr)
        opened_ = std::move(*opened);
      else if (opened.ok())
        *opened_ = std::move(**opened);  // restores under way keep their keys
    }
    // A version may be hidden in a pack that no reachable site gives back: numbering on would reuse
    // it.
    if (read.ok() && !opened_->unreadable.empty()) {
      trouble_ = absl::DataLossError(absl::StrFormat(
          "record %d is damaged at every site that answers", opened_->unreadable.front()));
      co_await Pause();
      continue;
    }
    if (read.ok()) break;
    if (absl::IsNotFound(read) && (opened_ == nullptr || !is_prefix)) {
      absl::StatusOr<bool> none = co_await HasNoKeyring(base);
      is_new = none.ok() && *none;
      if (is_new) break;
    } else if (!MayPass(read) && !absl::IsNotFound(read)) {
      co_return read;
    } else if (absl::IsDataLoss(read)) {
      trouble_ = read;
    }
    co_await Pause();
  }
  if (!log_.failure().ok()) co_return log_.failure();
  trouble_ = absl::OkStatus();
  if (is_new) {
    if (opened_ == nullptr) opened_ = std::make_unique<OpenedVault>();
    OpenedVault empty;
    empty.keys.vault = options_.id;
    empty.keys.kek = parts_.kek->Clone();
    empty.keys.vault_secret = Secret32::Random(io_);
    empty.keys.secrets = VaultSecrets::FromVaultSecret(empty.keys.vault_secret);
    *opened_ = std::move(empty);
  }
  co_return stopping_ ? absl::CancelledError("the agent stops") : absl::OkStatus();
}

// Other limits would cut everything anew: what is stored would be known no more.
Task<absl::Status> Vault::LearnCutLimits() {
  while (!stopping_ && log_.failure().ok()) {
    absl::StatusOr<VaultGenesis> genesis = co_await ReadGenesis(&all_sources_, options_.id);
    if (genesis.ok()) {
      cut_limits_ = {genesis->chunk_bytes_min, genesis->chunk_bytes_average,
                     genesis->chunk_bytes_max};
      const absl::Status checked = CheckCutLimits(cut_limits_);
      if (!checked.ok())
        co_return absl::DataLossError("the vault's first record: " +
                                      std::string(checked.message()));
      break;
    }
    if (!MayPass(genesis.status())) co_return genesis.status();
    trouble_ = genesis.status();
    co_await Pause();
  }
  if (!log_.failure().ok()) co_return log_.failure();
  trouble_ = absl::OkStatus();
  co_return stopping_ ? absl::CancelledError("the agent stops") : absl::OkStatus();
}

}  // namespace tidemark
