// SiteVault: recovery, promises and fetches, which change what the vault remembers.
#include <algorithm>
#include <cassert>
#include <utility>

#include "absl/strings/str_format.h"
#include "agent/site/log_reader.h"
#include "agent/site/site_vault.h"
#include "crypto/museum.h"
#include "crypto/rare_path.h"

namespace tidemark {

Task<absl::StatusOr<std::unique_ptr<SiteVault>>> SiteVault::Open(Io* io,
                                                                 const VaultContext* context,
                                                                 VaultPlace place,
                                                                 MutableByteSpan buffer) {
  assert(io == context->io);
  std::unique_ptr<SiteVault> vault(new SiteVault(context, std::move(place)));
  absl::Status recovered = co_await vault->Recover(buffer);
  if (!recovered.ok()) co_return recovered;
  vault->tasks_.Spawn(vault->CommitLoop());
  co_return std::move(vault);
}

Task<absl::Status> SiteVault::Recover(MutableByteSpan buffer) {
  absl::StatusOr<VaultMemory> memory = co_await file_.Load();
  const bool memory_lost = absl::IsDataLoss(memory.status());
  const bool first_time = absl::IsNotFound(memory.status());
  if (memory.ok()) memory_ = *memory;
  if (!memory.ok() && !memory_lost && !first_time) co_return memory.status();
  Position receipted = context_->receipts->SignedHead(place_.vault);
  if (owes_truncation()) receipted = Position();  // it speaks of what was given up
  const uint64_t evidence = std::max(memory_.evidence, receipted.sequence);
  absl::StatusOr<std::unique_ptr<VaultLog>> log =
      co_await VaultLog::Open(io(), place_, context_->log, evidence, buffer, context_->counters);
  if (absl::IsDataLoss(log.status())) {
    // After a failed flush the scan may have read what the cache then let go of: now it sees that.
    RARE_PATH("log-scanned-again");
    log =
        co_await VaultLog::Open(io(), place_, context_->log, evidence, buffer, context_->counters);
  }
  if (!log.ok()) co_return log.status();
  log_ = std::move(*log);
  absl::StatusOr<Position> proven = co_await ProvenTail(buffer);
  if (!proven.ok()) co_return proven.status();
  // So that the next start need not copy it again. What a peer gave is not signed for.
  if (log_->settled() && memory.ok()) {
    memory_.evidence = std::max(memory_.evidence, proven->sequence);
    absl::Status stored = co_await file_.Store(memory_);
    if (!stored.ok()) co_return stored;
  }
  book_ = PromiseBook(memory_.epoch, memory_.nonce, log_->flushed(), *proven);
  const LogRecovery::Outcome& found = log_->found();
  if (found.newer_format) {
    Damage(wire::Failure::VERSION, found.evidence, found.explanation);
  } else if (found.damaged) {
    Damage(wire::Failure::DAMAGED, found.evidence, found.explanation);
  } else if (proven->sequence < evidence && !MUSEUM_BUG("cut-repair-believed")) {
    // A repair was cut short: what it brought counts for nothing, what it replaced was signed for.
    Damage(wire::Failure::DAMAGED, evidence,
           absl::StrFormat("record %d was durable here, and its repair has proven record %d only",
                           evidence, proven->sequence));
  } else if (memory_lost || (first_time && found.tail.sequence > 0)) {
    // Without it nobody knows which agents were fenced.
    Damage(wire::Failure::DAMAGED, found.tail.sequence,
           "the promise file is " + std::string(memory_lost ? "damaged" : "missing"));
  }
  co_return absl::OkStatus();
}

// How far the log is the agent's beyond doubt: all of it, unless a fetch is remembered; then up to
// its checkpoint, or, when that was not reached, to where it began.
Task<absl::StatusOr<Position>> SiteVault::ProvenTail(MutableByteSpan buffer) {
  const Position tail = log_->flushed();
  if (!memory_.fetch.has_value() || tail.sequence <= memory_.fetch->base.sequence) co_return tail;
  const Position& checkpoint = memory_.fetch->checkpoint;
  if (tail.sequence < checkpoint.sequence) co_return memory_.fetch->base;
  if (tail.sequence == checkpoint.sequence) {
    co_return tail == checkpoint ? checkpoint : memory_.fetch->base;
  }
  LogReader reader(log_.get());
  absl::StatusOr<Digest> digest = co_await reader.ReadDigest(checkpoint.sequence, buffer);
  co_await reader.Close();
  if (absl::IsUnavailable(digest.status())) co_return memory_.fetch->base;  // two heads are rotten
  if (!digest.ok()) co_return digest.status();
  co_return *digest == checkpoint.digest ? checkpoint : memory_.fetch->base;
}

void SiteVault::Damage(wire::Failure::Code code, uint64_t evidence, const std::string& why) {
  RARE_PATH("damage-found");
  trouble_ = MakeFailure(code, why);
  memory_.evidence = std::max(memory_.evidence, evidence);
  confirmed_ = false;
}

Task<absl::StatusOr<SignedPromise>> SiteVault::GivePromise(uint64_t epoch, SessionId nonce,
                                                           std::string newest_receipt) {
  co_await changing_.Acquire(1);
  Permit permit(&changing_);
  absl::Status shown = co_await CheckShown(std::move(newest_receipt));
  if (!shown.ok()) co_return shown;
  if (blocked()) co_return FailureStatus(context_->signer.site, trouble_);
  absl::Status may = book_.MayPromise(epoch, nonce);
  if (!may.ok()) co_return may;
  const Position before = book_.durable();
  absl::Status made = co_await StorePromise(epoch, nonce);
  if (!made.ok()) co_return made;
  confirmed_ = true;
  context_->heads_changed->WakeAll();
  Promise promise;
  promise.site = context_->signer.site;
  promise.store = context_->signer.store;
  promise.vault = place_.vault;
  promise.epoch = epoch;
  promise.nonce = nonce;
  promise.tail = MUSEUM_BUG("promise-tail-from-before") ? before : book_.durable();
  co_return SignPromise(*context_->signer.key, std::move(promise));
}

Task<absl::Status> SiteVault::StorePromise(uint64_t epoch, SessionId nonce) {
  const bool again = epoch == book_.epoch() && nonce == book_.nonce();
  book_.Promising(epoch, nonce);
  co_await WaitIdle();
  // The tail that a promise names is all there is: what came to light after it would be another log
  // than the one that the new epoch begins.
  absl::Status stored;
  if (!MUSEUM_BUG("promise-over-leftovers")) stored = co_await log_->EndLeftovers();
  if (stored.ok() && !again) {
    VaultMemory memory = memory_;
    memory.epoch = MUSEUM_BUG("epoch-not-stored") ? memory_.epoch : epoch;
    memory.nonce = nonce;
    memory.evidence = std::max(memory.evidence, book_.durable().sequence);
    if (!MUSEUM_BUG("promise-not-stored")) stored = co_await file_.Store(memory);
    if (stored.ok()) memory_ = memory;
  }
  if (stored.ok()) {
    book_.Promised(epoch, nonce);
    moved_.WakeAll();
  } else {
    // Nobody was told: the old promise stands until somebody asks again.
    book_.PromiseFailed();
  }
  co_return stored;
}

// Law 2: a store that has forgotten what it signed for was rolled back or damaged.
Task<absl::Status> SiteVault::CheckShown(std::string receipt) {
  if (receipt.empty()) co_return absl::OkStatus();
  absl::StatusOr<SignedReceipt> shown =
      ParseReceipt(context_->signer.key->public_key(), AsBytes(receipt));
  // A receipt of another key or store says nothing about this one.
  if (!shown.ok() || shown->receipt.store != place_.store) co_return absl::OkStatus();
  Position head;
  for (const VaultHead& each : shown->receipt.heads) {
    if (each.vault == place_.vault) head = each.durable;
  }
  const bool number_lost = shown->receipt.number > context_->receipts->number();
  if (number_lost) context_->receipts->Adopt(*shown);
  const Position held = book_.durable();
  if (shown->receipt.number < memory_.truncated_before) co_return absl::OkStatus();
  if (head.sequence > held.sequence || number_lost) {
    Damage(wire::Failure::DAMAGED, head.sequence,
           absl::StrFormat("receipt %d was signed here with record %d of this vault; the store "
                           "holds record %d and receipt %d: it was rolled back or damaged, repair "
                           "it from another site",
                           shown->receipt.number, head.sequence, held.sequence,
                           number_lost ? shown->receipt.number - 1 : shown->receipt.number));
    co_return absl::OkStatus();
  }
  if (head.sequence == 0) co_return absl::OkStatus();
  Digest digest = held.digest;
  if (head.sequence < held.sequence) {
    BufferPool page(io(), 1, kRecordHeaderBytes);
    PooledBuffer buffer = page.TryAcquire();
    LogReader reader(log_.get());
    absl::StatusOr<Digest> stored = co_await reader.ReadDigest(head.sequence, buffer.span());
    co_await reader.Close();
    if (!stored.ok()) co_return stored.status();
    digest = *stored;
  }
  if (digest != head.digest) {
    Damage(wire::Failure::DIVERGED, held.sequence,
           absl::StrFormat("receipt %d names another record %d than this store holds",
                           shown->receipt.number, head.sequence));
  }
  co_return absl::OkStatus();
}

Task<absl::StatusOr<uint64_t>> SiteVault::MendPromise() {
  co_await changing_.Acquire(1);
  Permit permit(&changing_);
  // One that was lost for good at the start is not made up: who was fenced is not known.
  if (memory_.epoch == 0) co_return uint64_t{0};
  absl::StatusOr<uint64_t> mended = co_await file_.Mend(memory_);
  co_return mended;
}

Task<absl::Status> SiteVault::PrepareAppend() {
  co_await changing_.Acquire(1);
  Permit permit(&changing_);
  if (fetching()) co_return absl::UnavailableError("the vault is being fetched from a peer");
  absl::Status prepared;
  if (book_.has_unproven()) {
    prepared = co_await DropUnproven();
  } else if (memory_.fetch.has_value()) {
    prepared = co_await ForgetFetch();
  }
  co_return prepared;
}

// The log's new file comes first: until it is durable, what is remembered of the fetch is needed.
Task<absl::Status> SiteVault::DropUnproven() {
  RARE_PATH("unproven-tail-dropped");
  co_await WaitIdle();
  const Position keep = book_.durable();
  absl::Status dropped = co_await log_->DropAbove(keep);
  if (!dropped.ok()) co_return dropped;
  book_ = PromiseBook(book_.epoch(), book_.nonce(), keep, keep);
  absl::Status forgotten = co_await ForgetFetch();
  co_return forgotten;
}

// A damaged vault promises nothing, so whoever repairs it has no promise; and it signs nothing.
absl::Status SiteVault::MayFetchFor(const AppendRight& right) const {
  const bool repairs = trouble_.code() == wire::Failure::DAMAGED;
  const absl::Status current = book_.IsCurrent(right.epoch, right.nonce);
  if (!repairs && !current.ok()) return current;
  if (trouble_.code() == wire::Failure::DIVERGED || trouble_.code() == wire::Failure::VERSION) {
    return FailureStatus(context_->signer.site, trouble_);
  }
  return absl::OkStatus();
}

Task<absl::Status> SiteVault::BeginFetch(AppendRight right, Position checkpoint) {
  co_await changing_.Acquire(1);
  Permit permit(&changing_);
  if (fetching()) co_return absl::UnavailableError("the vault is already being fetched");
  absl::Status may = MayFetchFor(right);
  if (!may.ok()) co_return may;
  fetch_beginning_ = true;
  moved_.WakeAll();
  absl::Status begun = co_await RememberFetch(checkpoint);
  fetch_beginning_ = false;
  if (!begun.ok()) co_return begun;
  fetch_checkpoint_ = checkpoint;
  fetch_right_ = right;
  fetch_repairs_ = trouble_.code() == wire::Failure::DAMAGED;
  fetch_error_ = absl::OkStatus();
  co_return begun;
}

Task<absl::Status> SiteVault::RememberFetch(Position checkpoint) {
  co_await WaitIdle();
  const bool known = book_.Knows(checkpoint);
  if (!known && book_.has_unproven() && book_.tail().sequence >= checkpoint.sequence) {
    absl::Status dropped = co_await DropUnproven();
    if (!dropped.ok()) co_return dropped;
  }
  if (checkpoint.sequence <= book_.durable().sequence) co_return absl::OkStatus();
  VaultMemory memory = memory_;
  VaultMemory::Fetch fetch;
  fetch.base = book_.durable();
  fetch.checkpoint = checkpoint;
  memory.fetch = fetch;
  absl::Status stored = co_await file_.Store(memory);
  if (!stored.ok()) co_return stored;
  memory_ = memory;
  if (known) book_.Prove(checkpoint);  // not before: after a crash only the memory proves it
  co_return stored;
}

// Also of one that brought nothing: what is appended behind its base must count after a crash.
Task<absl::Status> SiteVault::ForgetFetch() {
  VaultMemory memory = memory_;
  memory.fetch.reset();
  absl::Status stored = co_await file_.Store(memory);
  if (stored.ok()) memory_ = memory;
  co_return stored;
}

Task<absl::Status> SiteVault::EndFetch() {
  co_await WaitIdle();
  const Position checkpoint = *fetch_checkpoint_;
  fetch_checkpoint_.reset();
  if (!fetch_error_.ok()) co_return fetch_error_;
  if (book_.durable().sequence < checkpoint.sequence) {
    RARE_PATH("fetch-ended-short");
    co_return absl::UnavailableError(absl::StrFormat("the fetch ended at record %d of %d",
                                                     book_.tail().sequence, checkpoint.sequence));
  }
  const bool repaired = book_.durable().sequence >= memory_.evidence;
  if (trouble_.code() == wire::Failure::DAMAGED && repaired) trouble_.Clear();
  co_return absl::OkStatus();
}

}  // namespace tidemark
