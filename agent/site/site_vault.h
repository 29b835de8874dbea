// One vault at a site: who may append (PromiseBook), where records go (VaultLog), and the group
// commit between them:
//
//   Append | Fetch -> queue -> write all, flush once -> durable -> listeners (ack, receipt)
#ifndef TIDEMARK_AGENT_SITE_SITE_VAULT_H_
#define TIDEMARK_AGENT_SITE_SITE_VAULT_H_

#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "agent/site/promise_file.h"
#include "agent/site/vault_context.h"
#include "replicator/promise_book.h"
#include "replicator/truncation.h"
#include "replicator/wire.h"

namespace tidemark {

class SiteVault {
 public:
  // Recovers the vault in place.directory, which exists. `buffer`: kRecordBytesMax, aligned, used
  // until the Task ends. Damage is no error: such a vault serves what it has and says so in State.
  static Task<absl::StatusOr<std::unique_ptr<SiteVault>>> Open(Io* io, const VaultContext* context,
                                                               VaultPlace place,
                                                               MutableByteSpan buffer);
  SiteVault(const SiteVault&) = delete;
  Io* io() const { return context_->io; }
  const VaultId& id() const { return place_.vault; }
  const Position& durable() const { return book_.durable(); }
  const Position& flushed() const { return log_->flushed(); }
  VaultLog* log() const { return log_.get(); }
  wire::VaultState State() const;
  // Acks and receipts may be given: shown the newest receipt since the start, not damaged (law 2).
  bool may_sign() const { return confirmed_ && !blocked() && !truncating_; }
  // Records were given up since the last receipt: the next one says so.
  bool owes_truncation() const { return memory_.truncated_before > context_->receipts->number(); }

  // Law 4: flushes what was appended, makes the promise durable, signs it. newest_receipt: what the
  // agent holds of this site (law 2). kAborted: fenced; kDataLoss: damaged; kUnavailable: ask
  // again.
  Task<absl::StatusOr<SignedPromise>> GivePromise(uint64_t epoch, SessionId nonce,
                                                  std::string newest_receipt);

  // Whether a right stands: no other session was promised the vault since.
  bool Promises(const AppendRight& right) const {
    return confirmed_ && right.epoch == book_.epoch() && right.nonce == book_.nonce();
  }

  // May this record be taken from a session? Asked before its payload is received, and again after.
  // Codes as PromiseBook::MayAppend; kFailedPrecondition: PrepareAppend first, unless fetching().
  absl::StatusOr<PromiseBook::Offer> MayAppend(const AppendRight& right,
                                               const CanonicalHeader& header,
                                               const Digest& digest) const;
  // Gives up what a peer gave and no checkpoint covers.
  Task<absl::Status> PrepareAppend();
  // After MayAppend said kAppend, with nothing awaited between. Listeners hear the outcome.
  void Append(RecordBuffer record);

  // Catching up from a peer, up to a checkpoint whose signature holds:
  //   BeginFetch (MayFetch Fetch)* EndFetch
  // The next record wanted is the one behind tail(). kUnavailable: another fetch is running.
  // kAborted: fenced, before or during the fetch: what a promise says of the log must stand still.
  Task<absl::Status> BeginFetch(AppendRight right, Position checkpoint);
  absl::StatusOr<PromiseBook::Offer> MayFetch(const CanonicalHeader& header,
                                              const Digest& digest) const;
  void Fetch(RecordBuffer record);
  // Waits for the disk. OK when the checkpoint is durable now; else why the fetch ended short.
  Task<absl::Status> EndFetch();
  bool fetching() const { return fetch_beginning_ || fetch_checkpoint_.has_value(); }
  // Before BeginFetch, under the same right: gives up what stands behind the place at which the log
  // parts from the agent's, durably; it is kept aside. The caller asked MayTruncate. kUnavailable:
  // ask again. `buffer`: kRecordBytesMax, aligned, used until the Task ends.
  Task<absl::Status> Truncate(AppendRight right, Parting parting, MutableByteSpan buffer);
  // Gives up what a peer gave and nothing proves, if the fetch up to here cannot build on it.
  Task<absl::Status> ForgetUnproven(AppendRight right);
  const Position& tail() const { return book_.tail(); }
  // Wakes whoever has a record that is not the next one: the tail moved, or it is no more wanted.
  Event& moved() { return moved_; }
  // OK, or why records of the running fetch were dropped.
  const absl::Status& fetch_error() const { return fetch_error_; }

  // Reads the promise file again; how many of its copies had to be made anew.
  Task<absl::StatusOr<uint64_t>> MendPromise();
  // Asks whether FULL is over: `free_bytes` are free now.
  void OnFreeSpace(uint64_t free_bytes);
  // Flushes what is queued and ends. Await once before destruction in an orderly stop.
  Task<> Close();

 private:
  SiteVault(const VaultContext* context, VaultPlace place);
  bool blocked() const;
  Task<absl::Status> Recover(MutableByteSpan buffer);
  Task<absl::StatusOr<Position>> ProvenTail(MutableByteSpan buffer);
  Task<absl::Status> StorePromise(uint64_t epoch, SessionId nonce);
  Task<absl::Status> CheckShown(std::string receipt);
  void Damage(wire::Failure::Code code, uint64_t evidence, const std::string& why);
  absl::Status MayFetchFor(const AppendRight& right) const;
  Task<absl::Status> GiveUp(const Parting* parting, MutableByteSpan buffer);
  Task<absl::Status> DropUnproven();
  Task<absl::Status> RememberFetch(Position checkpoint);
  Task<absl::Status> ForgetFetch();
  void Queue(RecordBuffer record);
  Task<> CommitLoop();
  Task<> CommitGroup();
  void OnCommitted(const Position& flushed);
  void Drop(const absl::Status& why);
  Task<> WaitIdle();

  // Constant after Open.
  const VaultContext* context_;
  VaultPlace place_;
  std::unique_ptr<VaultLog> log_;

  PromiseFile file_;
  VaultMemory memory_;  // as stored, and newer evidence
  PromiseBook book_;
  bool confirmed_ = false;
  wire::Failure trouble_;  // code NONE: none
  std::optional<Position> fetch_checkpoint_;
  AppendRight fetch_right_;  // of the session that ordered it
  bool fetch_repairs_ = false;
  bool truncating_ = false;
  bool fetch_beginning_ = false;  // nothing is appended behind the base that is being remembered
  absl::Status fetch_error_;

  std::vector<RecordBuffer> queue_, group_;
  bool committing_ = false, closing_ = false;
  Semaphore changing_;  // one promise, fetch begin or drop at a time
  Event work_, idle_, moved_;
  TaskGroup tasks_;  // last: its frames use all of the above
};

}  // namespace tidemark
#endif  // TIDEMARK_AGENT_SITE_SITE_VAULT_H_
