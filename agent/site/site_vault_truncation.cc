// SiteVault: giving up the tail of an epoch that ended without this site (replicator/truncation.h).
#include <utility>

#include "agent/site/site_vault.h"
#include "crypto/museum.h"
#include "crypto/rare_path.h"

namespace tidemark {

Task<absl::Status> SiteVault::ForgetUnproven(AppendRight right) {
  co_await changing_.Acquire(1);
  Permit permit(&changing_);
  if (fetching()) co_return absl::UnavailableError("the vault is already being fetched");
  absl::Status may = MayFetchFor(right);
  if (may.ok() && book_.has_unproven()) may = co_await DropUnproven();
  co_return may;
}

// Remembered first: a crash then finds either the whole old log, and asks again, or what is left,
// and does not take the receipts for what is missing as evidence of damage.
Task<absl::Status> SiteVault::Truncate(AppendRight right, Parting parting, MutableByteSpan buffer) {
  co_await changing_.Acquire(1);
  Permit permit(&changing_);
  absl::Status may = MayFetchFor(right);
  if (!may.ok()) co_return may;
  truncating_ = true;
  co_await WaitIdle();
  // A receipt that is just being stored would name what is about to go.
  co_await context_->receipts->turn()->Acquire(1);
  Permit turn(context_->receipts->turn());
  const bool settled = !fetching() && !book_.has_unproven() &&
                       book_.durable() == parting.beyond.back() &&
                       !context_->receipts->has_unstored();
  if (settled) may = co_await GiveUp(&parting, buffer);
  truncating_ = false;
  context_->heads_changed->WakeAll();
  if (!settled) co_return absl::UnavailableError("the log changed while it was compared");
  co_return may;
}

Task<absl::Status> SiteVault::GiveUp(const Parting* parting, MutableByteSpan buffer) {
  absl::Status kept = co_await log_->KeepAside(parting->last_shared, buffer);
  if (!kept.ok()) co_return kept;
  VaultMemory memory = memory_;
  memory.evidence = parting->last_shared.sequence;
  memory.truncated_before = context_->receipts->number() + 1;
  memory.fetch.reset();
  absl::Status stored;
  if (!MUSEUM_BUG("truncation-not-remembered")) stored = co_await file_.Store(memory);
  absl::Status given_up = stored;
  if (stored.ok()) {
    memory_ = memory;
    given_up = co_await log_->DropAbove(parting->last_shared);
  }
  if (!given_up.ok()) {
    co_await log_->RemoveAside();
    co_return given_up;
  }
  book_ = PromiseBook(book_.epoch(), book_.nonce(), parting->last_shared, parting->last_shared);
  RARE_PATH("old-tail-given-up");
  co_return absl::OkStatus();
}

}  // namespace tidemark
