// Opening a vault (law 4): read, promise, adopt, equalise, start the epoch.
#include <algorithm>
#include <utility>

#include "absl/strings/str_format.h"
#include "agent/io/transfer.h"
#include "agent/source/vault.h"
#include "crypto/hmac.h"
#include "crypto/museum.h"
#include "crypto/rare_path.h"

namespace tidemark {

// The story of a take-over.
Task<absl::Status> Vault::Open() {
  absl::Status read = co_await ReadWhatThereIs();  // any one site will do
  if (!read.ok()) co_return read;
  TakeOverPlan adopted;
  while (true) {
    phase_ = Phase::kWaitingForPrimaries;
    changed_.WakeAll();
    absl::StatusOr<TakeOverPlan> plan = co_await CollectPromises();  // both primaries are ours
    if (!plan.ok()) co_return plan.status();
    phase_ = Phase::kTakingOver;
    changed_.WakeAll();
    adopted = *plan;
    absl::Status equal = co_await Equalise(&adopted);  // both hold the adopted tail
    if (equal.ok()) break;
    if (!absl::IsUnavailable(equal)) co_return equal;
  }
  absl::Status known = co_await ReadAdopted(adopted.base);  // it is our own: its directories open
  if (!known.ok()) co_return known;
  if (!adopted.fresh) known = co_await LearnCutLimits();
  if (!known.ok()) co_return known;
  absl::Status started = co_await StartEpoch(&adopted);  // older records commit with this one
  if (!started.ok()) co_return started;
  absl::Status indexed = co_await CatchIndexUp(adopted.base);
  co_return indexed;
}

Task<> Vault::Pause() {
  Op sleep = io_->Sleep(options_.retry);
  pause_ = &sleep;
  const int32_t slept = co_await sleep;
  pause_ = nullptr;
  (void)slept;
}

// With `ack = quorum` any two sites will do, once the primaries have been waited for.
bool Vault::MaySettleForTwo(absl::Duration since) const {
  return options_.window.may_use_quorum && io_->Monotonic() - since > options_.quorum_after;
}

// Those of the primaries; if not all of them have come and two sites may do, those of any two.
std::vector<SitePromise> Vault::GivenPromises(bool patient) const {
  std::vector<SitePromise> given;
  for (const SiteLink* link : parts_.links) {
    auto promise = promises_.find(link->name());
    const bool counts =
        link->options().is_primary || (!patient && given.size() < options_.window.primaries);
    if (counts && promise != promises_.end()) given.push_back({link->name(), promise->second});
  }
  return given;
}

// Drawn by two machines whose generators are stuck, or clones, it would be the same for both, and
// the same epoch be promised to both: so what their sessions have of the sites goes into it.
SessionId Vault::NewNonce() const {
  const SessionId drawn = SessionId::Random(io_);
  Secret32 mixed = HmacSha256(drawn.bytes, {});
  for (const SiteLink* link : parts_.links) {
    if (link->up()) mixed = HmacSha256(link->SessionMark().view(), {mixed.view()});
  }
  SessionId nonce;
  std::copy_n(mixed.view().begin(), nonce.bytes.size(), nonce.bytes.begin());
  return nonce;
}

Task<absl::StatusOr<TakeOverPlan>> Vault::CollectPromises() {
  const absl::Duration since = io_->Monotonic();
  while (!stopping_) {
    std::vector<uint64_t> epochs;
    size_t primaries_up = 0;
    for (SiteLink* link : parts_.links) {
      const std::optional<uint64_t> promised = link->PromisedEpoch(options_.id);
      if (!promised.has_value()) continue;
      epochs.push_back(*promised);
      if (link->options().is_primary) ++primaries_up;
    }
    const size_t needed = options_.window.primaries;
    const bool enough =
        primaries_up == needed || (MaySettleForTwo(since) && epochs.size() >= needed);
    if (!enough) {
      absl::Status learned = co_await LearnCommitted();
      if (!learned.ok()) co_return learned;
      co_await Pause();
      continue;
    }
    epochs.push_back(refused_epoch_);
    const uint64_t own = wanted_.has_value() ? wanted_->epoch : 0;
    wanted_ = Wanted{NextEpoch(own, epochs), NewNonce()};
    promises_.clear();
    for (SiteLink* link : parts_.links) link->Nudge();
    std::vector<SitePromise> given;
    while (!stopping_ && refused_epoch_ < wanted_->epoch && given.size() < needed) {
      if (options_.window.may_use_quorum) {
        co_await Pause();
      } else {
        co_await changed_.Wait();
      }
      given = GivenPromises(!MaySettleForTwo(since));
    }
    // A site that refuses now would refuse for good.
    if (given.size() < needed || refused_epoch_ >= wanted_->epoch) {
      RARE_PATH("higher-epoch-tried");
      continue;
    }
    absl::StatusOr<TakeOverPlan> plan = PlanTakeOver(given, needed);
    co_return plan;
  }
  co_return absl::CancelledError("the agent stops");
}

// Sites that hold less than the adopted tail fetch the rest from the one that holds it.
// kUnavailable: one of them went away for long, and others might do.
Task<absl::Status> Vault::Equalise(const TakeOverPlan* plan) {
  const absl::Duration since = io_->Monotonic();
  SiteLink* holder = nullptr;
  for (SiteLink* link : parts_.links) {
    if (link->name() == plan->source) holder = link;
  }
  holders_.clear();
  for (const SitePromise& given : plan->promises) holders_.insert(given.site);
  for (const std::string& name : plan->behind) holders_.erase(name);
  for (SiteLink* link : parts_.links) {
    bool is_behind = false;
    for (const std::string& name : plan->behind) is_behind = is_behind || name == link->name();
    while (is_behind && !stopping_ && log_.failure().ok()) {
      SiteAddress address = holder->options().address;
      SignedCheckpoint checkpoint = log_.MakeCheckpoint(plan->base);
      absl::StatusOr<Position> reached =
          co_await link->Fetch(options_.id, std::move(address), std::move(checkpoint));
      if (reached.ok() && *reached == plan->base) {
        holders_.insert(link->name());
        break;
      }
      const bool final = absl::IsDataLoss(reached.status()) || absl::IsAborted(reached.status());
      if (final) co_return reached.status();
      trouble_ = reached.status();
      if (MaySettleForTwo(since)) co_return absl::UnavailableError("others may do");
      co_await Pause();
    }
  }
  if (!log_.failure().ok()) co_return log_.failure();
  trouble_ = absl::OkStatus();
  co_return stopping_ ? absl::CancelledError("the agent stops") : absl::OkStatus();
}

Task<absl::Status> Vault::StartEpoch(const TakeOverPlan* plan) {
  log_.Begin(wanted_->epoch, wanted_->nonce, plan->base);
  for (SiteLink* link : parts_.links) {
    if (link->name() == plan->source) log_.NoteLoggedBefore(link->HelloLogBytes(options_.id));
  }
  MakeStages();
  for (SiteLink* link : parts_.links) link->Nudge();
  co_await pack_->TakeTurn(nullptr);
  EpochStart start;
  start.epoch = wanted_->epoch;
  start.nonce = wanted_->nonce;
  start.base = plan->base;
  for (const SitePromise& given : plan->promises) start.promises.push_back(given.promise.Encode());
  absl::Status appended = absl::OkStatus();
  if (plan->fresh) {
    VaultGenesis genesis;
    genesis.start = start;
    genesis.vault_name = options_.name;
    genesis.agent_key = parts_.agent->public_key();
    genesis.created_at_nanos = absl::ToUnixNanos(io_->Now());
    genesis.segment_bytes = options_.segment_bytes;
    genesis.chunk_bytes_min = cut_limits_.bytes_min;
    genesis.chunk_bytes_average = cut_limits_.bytes_average;
    genesis.chunk_bytes_max = cut_limits_.bytes_max;
    std::vector<std::byte> body = Encode(genesis);
    absl::StatusOr<Position> position =
        co_await pack_->AppendControl(RecordKind::kVaultGenesis, std::move(body));
    appended = position.status();
  }
  if (appended.ok() && !(MUSEUM_BUG("epoch-start-left-out") && !plan->fresh)) {
    std::vector<std::byte> body = Encode(start);
    absl::StatusOr<Position> position =
        co_await pack_->AppendControl(RecordKind::kEpochStart, std::move(body));
    appended = position.status();
  }
  if (appended.ok() && LacksAPrimary(*plan)) appended = co_await BeginInQuorum();
  if (appended.ok() && opened_->keyring_sequence == 0) appended = co_await AppendKeyring();
  pack_->GiveTurn();
  if (!appended.ok()) co_return appended;
  if (options_.window.may_use_quorum) tasks_.Spawn(ModeLoop());
  const uint64_t last = log_.next_sequence() - 1;
  absl::Status committed = co_await log_.WaitCommitted(last, nullptr);
  co_return committed;
}

// With the turn.
Task<absl::Status> Vault::AppendKeyring() {
  absl::Status closed = co_await pack_->CloseNow();
  if (!closed.ok()) co_return closed;
  Keyring keyring;
  keyring.vault = options_.id;
  keyring.upto_sequence = log_.next_sequence() - 1;
  keyring.envelopes = opened_->catalog.EnvelopesUpTo(keyring.upto_sequence);
  std::vector<KeyringPart> parts =
      SealKeyring(keyring, *parts_.kek, opened_->keys.vault_secret, io_);
  for (const KeyringPart& part : parts) {
    std::vector<std::byte> body = Encode(part);
    absl::StatusOr<Position> position =
        co_await pack_->AppendControl(RecordKind::kKeyring, std::move(body));
    if (!position.ok()) co_return position.status();
    opened_->keyring_sequence = position->sequence;
  }
  if (!options_.state_path.empty()) tasks_.Spawn(SaveKeyringFile(std::move(parts)));
  // Whoever opens the vault reads on from the snapshot: the points before it are said again.
  std::vector<ResumeNotice> live = opened_->resume.Live(log_.committed_sequence(), io_->Now());
  absl::Status repeated = co_await pack_->RepeatNotices(std::move(live));
  co_return repeated;
}

Task<> Vault::SaveKeyringFile(std::vector<KeyringPart> parts) {
  const std::vector<std::byte> file = EncodeKeyringFile(options_.id, parts);
  std::string path = options_.state_path + "/keyring-" + options_.name;
  std::string content(AsText(file));
  absl::Status written = co_await WriteSmallFileDurably(io_, std::move(path), std::move(content));
  (void)written;  // a convenience: the log has the keyring
}

// Rows of the adopted records: committed now, with the epoch's start.
Task<absl::Status> Vault::CatchIndexUp(Position upto) {
  while (!stopping_ && upto.sequence > 0 && log_.failure().ok()) {
    absl::StatusOr<ReplayResult> replayed =
        co_await ReplayIndex(io_, &all_sources_, opened_.get(), parts_.index, upto);
    if (replayed.ok()) break;
    if (!MayPass(replayed.status())) co_return replayed.status();
    if (absl::IsDataLoss(replayed.status())) trouble_ = replayed.status();
    co_await Pause();
  }
  if (log_.failure().ok()) trouble_ = absl::OkStatus();
  co_return log_.failure();
}

}  // namespace tidemark
