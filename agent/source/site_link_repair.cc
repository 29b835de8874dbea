// SiteLink: a site that holds less than it once signed for gets what it lacks from another one; one
// that shows another store waits for the operator's word.
#include <utility>

#include "absl/strings/str_format.h"
#include "agent/source/lag_clock.h"
#include "agent/source/site_link.h"
#include "crypto/museum.h"

namespace tidemark {

// An empty store is never taken for the one that is gone: what that one held would be forgotten,
// and a disk that was only not mounted is not lost.
absl::Status SiteLink::CheckStore() {
  bool is_other = false;  // it cannot even check the receipt that is remembered: another key
  if (known_store_.empty() && !newest_receipt_.empty()) {
    const absl::StatusOr<SignedReceipt> newest = ParseReceipt(site_key_, newest_receipt_);
    if (newest.ok()) known_store_ = newest->receipt.store;
    is_other = !newest.ok();
  }
  if (!is_other && (known_store_.empty() || known_store_ == store_)) {
    known_store_ = store_;
    strange_store_ = StoreId();
    return absl::OkStatus();
  }
  strange_store_ = store_;
  SetState(LinkState::kDamaged, "");
  for (LinkedVault* vault : vaults_) {  // it has nothing any more, and its lag says so
    if (vault->log()->open()) vault->log()->lag().OnHeartbeat(options_.index, LagNow(io_), 0);
  }
  return absl::FailedPreconditionError(absl::StrFormat(
      "shows store %s, which is not the store %s that it had: put the old one back (is its disk "
      "mounted?), or, if that is lost, say `tidemark site replace %s`",
      store_.hex(), known_store_.hex(), name()));
}

// A site that holds less than it acked: its lag says so at once, whatever becomes of it.
void SiteLink::NoteLoss(LinkedVault* vault, const Position& durable) {
  if (!vault->log()->open()) return;
  const Position acked = vault->log()->window().durable(options_.index);
  if (durable.sequence >= acked.sequence) return;
  vault->log()->lag().OnHeartbeat(options_.index, LagNow(io_), durable.sequence);
}

void SiteLink::ReplaceStore() {
  known_store_ = strange_store_;
  strange_store_ = StoreId();
  newest_receipt_.clear();
  receipts_forgotten_ = true;
}

// Until the site promises again, or the session ends. It signs nothing meanwhile.
Task<> SiteLink::Repair(LinkedVault* vault) {
  const std::string damage = last_error_;
  while (session_up_) {
    absl::Status repaired = co_await RepairOnce(vault);
    if (!session_up_) co_return;
    if (repaired.ok()) {
      // Brought no further than the last time, it would refuse again.
      const uint64_t reached = SessionOf(vault).durable.sequence;
      if (std::exchange(SessionOf(vault).repaired_to, reached) != reached) break;
      repaired = absl::NotFoundError(
          "no other site has what it signed for; if none that is away has it either, give it an "
          "empty store and say `tidemark site replace " +
          name() + "`");
    }
    // A repair that was ordered before this session has finished: only the site's promise tells.
    const bool is_over = absl::IsAborted(repaired);
    SetState(LinkState::kDamaged,
             damage + "; its repair waits: " + std::string(repaired.message()));
    Op sleep = io_->Sleep(options_.retry_max / 4);
    const int32_t slept = co_await sleep;
    (void)slept;
    if (is_over) break;
  }
  if (!session_up_) co_return;
  VaultSession& session = SessionOf(vault);
  session.repairing = false;
  session.phase = VaultPhase::kNone;
  session.asked_epoch = 0;  // it is asked again
  Nudge();
}

// While the vault is open, up to what is committed; before that, to the longest tail that another
// site shows: the chain of records says that it goes on from what this one holds. A witness that is
// no help in opening waits: it would be given what is perhaps not committed, and never will be.
Task<absl::Status> SiteLink::RepairOnce(LinkedVault* vault) {
  const VaultId id = vault->log()->vault();
  Position target;
  SiteLink* peer = nullptr;
  const bool helps = options_.is_primary || vault->log()->may_use_quorum();
  if (!vault->log()->open() && !helps && !MUSEUM_BUG("witness-repaired-ahead")) {
    co_return absl::UnavailableError("what is committed is not known yet");
  }
  if (vault->log()->open()) {
    target = vault->log()->fetch_target(options_.index);
    peer = PeerFor(id, target.sequence);
  } else {
    for (SiteLink* link : links_) {
      const std::optional<Position> tail = link == this ? std::nullopt : link->HelloTail(id);
      if (!tail.has_value() || tail->sequence <= target.sequence) continue;
      target = *tail;
      peer = link;
    }
  }
  if (peer == nullptr || target.sequence == 0) {
    co_return absl::UnavailableError("no other site that has it is connected");
  }
  SignedCheckpoint checkpoint = vault->log()->MakeCheckpoint(target);
  SiteAddress address = peer->options_.address;
  absl::StatusOr<Position> reached = co_await Fetch(id, std::move(address), std::move(checkpoint));
  co_return reached.status();
}

}  // namespace tidemark
