// One vault in the agent: its keys, catalogue, dedup and log, from take-over to stop.
//
//   Run: opening (read what one site can tell; promises of both primaries; adopt, equalise, start
//   the epoch), then pushes until Stop or until another agent takes over.
#ifndef TIDEMARK_AGENT_SOURCE_VAULT_H_
#define TIDEMARK_AGENT_SOURCE_VAULT_H_

#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "agent/recover/replay.h"
#include "agent/recover/vault_reader.h"
#include "agent/source/push.h"
#include "agent/source/vault_options.h"
#include "replicator/mode_rule.h"
#include "replicator/take_over.h"

namespace tidemark {

class Vault : public PushContext, public LinkedVault {
 public:
  using Options = VaultOptions;
  using Parts = VaultParts;
  Vault(Io* io, const Options& options, const Parts& parts);
  Io* io() const { return io_; }

  // Until Stop or a failure that the vault cannot leave (fenced, wrong key, diverged): see
  // trouble().
  Task<> Run();
  void Stop();
  // Until pushes are possible. The failure when they never will be.
  Task<absl::Status> WaitOpen();
  Event& changed() { return changed_; }

  enum class Phase : uint8_t {
    kReading,
    kWaitingForPrimaries,
    kTakingOver,
    kOpen,
    kFailed,
    kStopped
  };
  Phase phase() const { return phase_; }
  const absl::Status& trouble() const { return trouble_; }
  bool readable() const { return opened_ != nullptr; }
  const Options& options() const { return options_; }
  // Once it is open: those it was made with, for ever. The options' count for a new vault only.
  const CutLimits& cut_limits() const { return cut_limits_; }
  RecordSource* source() override { return &all_sources_; }
  // "strict" or "quorum": which sites a commit waits for now.
  const char* ack_mode() const { return log_.mode() == AckMode::kQuorum ? "quorum" : "strict"; }
  bool IsLate(const SiteLink& link) const;  // of a primary, by the mode's rule
  // What the policy near the RPO target does now; kResourceExhausted where it refuses a new push.
  Admission::State admission() { return log_.LookAtAdmission(); }
  absl::Status MayPush();
  uint64_t stored_bytes() const { return pack_ ? pack_->stored_bytes() : 0; }

  // PushContext.
  LogWriter* log() override { return &log_; }
  PackFiller* pack() override { return pack_.get(); }
  ChunkLookup* lookup() override { return lookup_.get(); }
  Catalog* catalog() override { return &opened_->catalog; }
  ResumeBook* resume_book() override { return &opened_->resume; }
  const ResumeRule& resume_rule() const override { return options_.resume; }
  const VaultKeys& keys() const override { return opened_->keys; }
  const CutRule& cut_rule() const override { return *cut_rule_; }
  const ChunkIdKey& id_key() const override { return *id_key_; }
  BufferPool* spans() override { return parts_.spans; }
  uint64_t segment_bytes() const override { return options_.segment_bytes; }
  uint64_t* span_numbers() override { return &span_numbers_; }
  uint64_t NextPushNumber() override { return ++push_numbers_; }
  absl::StatusOr<ArchiveHandle> OpenArchive(const std::string& name) override;

  // LinkedVault.
  absl::Duration RpoTarget() const override { return options_.rpo_target; }
  std::optional<Wanted> WantedPromise() const override { return wanted_; }
  void OnPromise(SiteLink* link, const SignedPromise& promise) override;
  void OnPromiseRefused(SiteLink* link, const wire::Failure& failure,
                        uint64_t promised_epoch) override;

 private:
  // vault_opening.cc: the story of opening, step by step.
  Task<absl::Status> Open();
  SessionId NewNonce() const;
  Task<absl::StatusOr<TakeOverPlan>> CollectPromises();
  Task<absl::Status> Equalise(const TakeOverPlan* plan);
  Task<absl::Status> StartEpoch(const TakeOverPlan* plan);
  std::vector<SitePromise> GivenPromises(bool patient) const;
  bool MaySettleForTwo(absl::Duration since) const;
  Task<absl::Status> CatchIndexUp(Position upto);
  Task<absl::Status> AppendKeyring();
  Task<> KeyringLoop();
  Task<> SaveKeyringFile(std::vector<KeyringPart> parts);
  Task<> Pause();
  Task<> KeepCheckpoint();
  // vault_reading.cc: what sites tell of the log.
  Task<absl::Status> ReadWhatThereIs();
  static bool MayPass(const absl::Status& why);
  Task<absl::Status> ReplayUpToProven();
  Task<absl::Status> LearnCommitted();
  Task<absl::Status> ReadAdopted(Position base);
  Task<absl::Status> LearnCutLimits();
  Task<absl::StatusOr<bool>> HasNoKeyring(Position base);
  void MakeStages();
  // vault_mode.cc: which sites a commit waits for, and whom reads may believe.
  Task<> ModeLoop();
  Task<> ChangeMode(AckMode mode);
  bool LacksAPrimary(const TakeOverPlan& plan) const;
  Task<absl::Status> BeginInQuorum();
  std::string WhyMode(AckMode mode) const;
  bool HoldsOurLog(const RecordSource* source) const;
  ArchiveHandle BeginArchive(const std::string& name);
  void OnCommitted(uint64_t sequence);
  void Fail(absl::Status why);

  // Constant after construction.
  Io* io_;
  Options options_;
  Parts parts_;
  SourceList all_sources_;
  // Owned by the loop thread.
  LogWriter log_;
  std::unique_ptr<OpenedVault> opened_;
  std::unique_ptr<PackFiller> pack_;
  std::unique_ptr<ChunkLookup> lookup_;
  CutLimits cut_limits_;
  std::optional<CutRule> cut_rule_;
  std::optional<ChunkIdKey> id_key_;
  Phase phase_ = Phase::kReading;
  absl::Status trouble_;
  bool stopping_ = false;
  std::optional<Wanted> wanted_;
  std::map<std::string, SignedPromise> promises_;
  uint64_t refused_epoch_ = 0;  // the highest that anybody was promised instead of us
  uint64_t versions_since_keyring_ = 0;
  uint64_t span_numbers_ = 0, push_numbers_ = 0;
  std::map<std::string, ArchiveHandle> new_archives_;
  std::set<std::string> holders_;  // sites of the take-over that hold the adopted tail
  std::optional<ModeRule> mode_rule_;
  Op *pause_ = nullptr, *mode_pause_ = nullptr;
  Event changed_;
  TaskGroup tasks_;
};

}  // namespace tidemark
#endif  // TIDEMARK_AGENT_SOURCE_VAULT_H_
