#include "agent/source/vault.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_format.h"
#include "agent/io/transfer.h"
#include "crypto/rare_path.h"

namespace tidemark {

Vault::Vault(Io* io, const Options& options, const Parts& parts)
    : io_(io),
      options_(options),
      parts_(parts),
      all_sources_(io, parts.sources),
      log_(io,
           {options.id,
            options.window,
            {options.ios_per_second, options.rpo_policy, options.rpo_target}},
           parts.agent, parts.records),
      cut_limits_(options.cut),
      changed_(io),
      tasks_(io) {
  parts_.logs->push_back(&log_);
  log_.ShareRoom(parts_.logs);
  all_sources_.UseOnly([this](const RecordSource* source) { return HoldsOurLog(source); });
}

Task<> Vault::Run() {
  absl::Status opened = co_await Open();
  if (!opened.ok()) {
    if (!stopping_) Fail(opened);
  } else {
    phase_ = Phase::kOpen;
    changed_.WakeAll();
    tasks_.Spawn(KeyringLoop());
    if (!options_.state_path.empty()) tasks_.Spawn(KeepCheckpoint());
  }
  while (!stopping_) co_await changed_.Wait();
  if (pack_ != nullptr) pack_->Stop();
  if (lookup_ != nullptr) lookup_->Stop();
  log_.Fail(absl::CancelledError("the agent stops"));
  co_await tasks_.Join();
  if (phase_ != Phase::kFailed) phase_ = Phase::kStopped;
}

void Vault::Stop() {
  stopping_ = true;
  if (pause_ != nullptr) io_->Cancel(pause_);
  if (mode_pause_ != nullptr) io_->Cancel(mode_pause_);
  changed_.WakeAll();
}

void Vault::Fail(absl::Status why) {
  if (phase_ == Phase::kFailed) return;
  phase_ = Phase::kFailed;
  trouble_ = why;
  log_.Fail(std::move(why));
  changed_.WakeAll();
}

Task<absl::Status> Vault::WaitOpen() {
  while (phase_ != Phase::kOpen && phase_ != Phase::kFailed && !stopping_) co_await changed_.Wait();
  if (phase_ == Phase::kOpen) co_return absl::OkStatus();
  if (stopping_) co_return absl::UnavailableError("the agent stops");
  co_return trouble_;
}

absl::Status Vault::MayPush() {
  if (admission() != Admission::State::kRefused) return absl::OkStatus();
  return absl::ResourceExhaustedError(absl::StrFormat(
      "vault %s takes no new push: a site is %.0f s behind, the RPO target is %.0f s, and "
      "rpo_policy = \"refuse\"",
      options_.name, absl::ToDoubleSeconds(log_.Behind()),
      absl::ToDoubleSeconds(options_.rpo_target)));
}

// Everything that works with keys comes into being once they are known.
void Vault::MakeStages() {
  cut_rule_.emplace(cut_limits_, CutKeys::FromSecret(opened_->keys.secrets.k_cut));
  id_key_.emplace(opened_->keys.secrets.k_id.Clone());
  pack_ = std::make_unique<PackFiller>(io_, options_.pack, &log_, &opened_->keys);
  lookup_ = std::make_unique<ChunkLookup>(io_, parts_.index, &opened_->catalog, &opened_->keys);
  log_.OnCommit([this](uint64_t sequence) { OnCommitted(sequence); });
  tasks_.Spawn(pack_->CloseLoop());
  tasks_.Spawn(lookup_->Persist());
}

void Vault::OnCommitted(uint64_t sequence) {
  // What an earlier session placed commits with this epoch's start: nobody saw when, so it says
  // when its root was placed.
  if (phase_ == Phase::kOpen)
    opened_->catalog.Commit(sequence, io_->Now());
  else
    opened_->catalog.CommitAsPlaced(sequence);
  if (phase_ == Phase::kOpen) lookup_->OnCommitted(log_.committed_position());
  changed_.WakeAll();
}

// An archive without versions. A push that was cut off may have begun it: what that one stored is
// known under its key.
PushContext::ArchiveHandle Vault::BeginArchive(const std::string& name) {
  ArchiveHandle handle;
  const ResumeNotice* begun = opened_->resume.FindAny(name, log_.committed_sequence(), io_->Now());
  if (begun != nullptr) {
    absl::StatusOr<Secret32> key = ArchiveKey(opened_->keys, *begun);
    if (key.ok()) {
      handle.id = begun->archive;
      handle.key = std::move(*key);
      handle.wrapped = begun->wrapped_key;
      return handle;
    }
  }
  handle.id = ArchiveId::Random(io_);
  handle.key = Secret32::Random(io_);
  handle.wrapped =
      WrapSecret(opened_->keys.kek, WrappedKind::kArchiveKey, handle.id.bytes, handle.key);
  return handle;
}

absl::StatusOr<PushContext::ArchiveHandle> Vault::OpenArchive(const std::string& name) {
  ArchiveHandle handle;
  const CatalogVersion* version = opened_->catalog.AnyVersion(name);
  if (version != nullptr) {
    absl::StatusOr<Secret32> key = ArchiveKey(opened_->keys, version->envelope);
    if (!key.ok()) return key.status();
    handle.id = version->envelope.archive;
    handle.key = std::move(*key);
    handle.wrapped = version->envelope.wrapped_key;
    lookup_->RememberArchiveKey(handle.id, handle.key);
    return handle;
  }
  auto known = new_archives_.find(name);  // another push of the same new name is on its way
  if (known == new_archives_.end()) known = new_archives_.emplace(name, BeginArchive(name)).first;
  handle.id = known->second.id;
  handle.key = known->second.key.Clone();
  handle.wrapped = known->second.wrapped;
  lookup_->RememberArchiveKey(handle.id, handle.key);
  return handle;
}

void Vault::OnPromise(SiteLink* link, const SignedPromise& promise) {
  if (!wanted_.has_value() || promise.promise.epoch != wanted_->epoch ||
      promise.promise.nonce != wanted_->nonce)
    return;
  promises_.insert_or_assign(link->name(), promise);
  changed_.WakeAll();
}

void Vault::OnPromiseRefused(SiteLink* link, const wire::Failure& failure,
                             uint64_t promised_epoch) {
  if (failure.code() != wire::Failure::FENCED) return;
  refused_epoch_ = std::max(refused_epoch_, promised_epoch);
  // A late refusal of a lower epoch than was promised to us meanwhile says nothing.
  const bool overtaken = promised_epoch == 0 || promised_epoch >= wanted_->epoch;
  // Until both primaries have promised, a higher epoch is tried; from then on another agent has
  // taken over: for good.
  if (overtaken && (phase_ == Phase::kTakingOver || phase_ == Phase::kOpen)) {
    RARE_PATH("agent-fenced");
    Fail(
        absl::AbortedError(absl::StrFormat("vault %s: fenced: another agent took over (site %s: "
                                           "%s); this agent appends nothing any more",
                                           options_.name, link->name(), failure.message())));
  }
  changed_.WakeAll();
}

// The newest checkpoint where the next recovery kit finds it: a site that is older than the kit is
// then told from one that is not.
Task<> Vault::KeepCheckpoint() {
  Position kept;
  while (!stopping_ && log_.open()) {
    if (log_.committed_position() != kept) {
      kept = log_.committed_position();
      std::string content(AsText(log_.MakeCheckpoint(kept).Encode()));
      std::string path = options_.state_path + "/checkpoint-" + options_.name;
      absl::Status written =
          co_await WriteSmallFileDurably(io_, std::move(path), std::move(content));
      if (!written.ok()) kept = Position();  // tried again: the kit is the poorer, the log is not
    }
    if (stopping_) co_return;
    Op sleep = io_->Sleep(options_.checkpoint_interval);
    pause_ = &sleep;
    const int32_t slept = co_await sleep;
    pause_ = nullptr;
    (void)slept;
  }
}

// Snapshots of the keyring keep the next start short. Each holds all versions: one for every
// quarter more costs four envelopes a version in the end, one for every so many would cost the more
// the longer the vault lives.
Task<> Vault::KeyringLoop() {
  uint64_t versions_at_last = opened_->catalog.VersionsUpTo(opened_->keyring_sequence);
  while (!stopping_ && log_.open()) {
    co_await changed_.Wait();
    if (stopping_ || !log_.open()) co_return;
    const uint64_t versions = opened_->catalog.versions();
    const uint64_t more = std::max(options_.versions_per_keyring, versions_at_last / 4);
    if (versions < versions_at_last + more) continue;
    versions_at_last = versions;
    co_await pack_->TakeTurn(nullptr);
    absl::Status appended = co_await AppendKeyring();
    pack_->GiveTurn();
    if (!appended.ok()) co_return;
  }
}

}  // namespace tidemark
