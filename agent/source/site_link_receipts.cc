// SiteLink: what a site has signed, as it tells it.
#include <algorithm>
#include <utility>

#include "absl/strings/str_format.h"
#include "agent/source/site_link.h"
#include "crypto/rare_path.h"

namespace tidemark {

// Receipts never decide a commit; they are kept as evidence, and checked against what we appended.
void SiteLink::OnReceiptNote(const wire::ReceiptNote& note) {
  absl::StatusOr<SignedReceipt> receipt = ParseReceipt(site_key_, AsBytes(note.receipt()));
  if (!receipt.ok()) return EndSession(receipt.status());
  for (const VaultHead& head : receipt->receipt.heads) {
    LinkedVault* vault = VaultOf(ToWire(head.vault.bytes));
    if (vault == nullptr || !vault->log()->open()) continue;
    const LogWindow& window = vault->log()->window();
    const std::optional<Position> ours = window.PositionOf(head.durable.sequence);
    // Of this agent's own epoch there is nothing behind its tail; of a newer one there may be.
    const bool is_beyond = head.durable.sequence > window.tail().sequence &&
                           head.durable.epoch == vault->log()->epoch();
    const bool differs = is_beyond || (ours.has_value() && ours->digest != head.durable.digest);
    // A receipt of before it gave that up; the TRUNCATED one follows.
    if (differs && !window.IsOldTail(head.durable)) {
      RARE_PATH("receipt-of-another-log");
      if (receipts_.told) receipts_.told(*receipt, false);
      SetState(LinkState::kDamaged,
               absl::StrFormat("signed another history at record %d", head.durable.sequence));
      return EndSession(absl::DataLossError(last_error_));
    }
  }
  NoteNewest(*receipt);
  if (receipts_.told) receipts_.told(*receipt, true);
}

// Those that the agent had no room for when they came. A site tells receipts to whom it promised.
void SiteLink::AskForReceipts() {
  const bool may_ask = tells_receipts_ && receipts_.wanted && !asked_receipts_.has_value();
  const bool promised = std::any_of(sessions_.begin(), sessions_.end(), [](const auto& session) {
    return session.second.phase != VaultPhase::kNone &&
           session.second.phase != VaultPhase::kAsked &&
           session.second.phase != VaultPhase::kRefused;
  });
  if (!may_ask || !promised) return;
  asked_receipts_ = receipts_.wanted(store_);
  if (!asked_receipts_.has_value()) return;
  wire::Control message;
  message.mutable_receipts_wanted()->set_from(asked_receipts_->from);
  message.mutable_receipts_wanted()->set_to(asked_receipts_->to);
  control_->Send(message);
}

void SiteLink::OnReceiptsTold(const wire::ReceiptsTold& told) {
  const std::optional<ReceiptAudit::Gap> asked = std::exchange(asked_receipts_, std::nullopt);
  if (asked.has_value() && receipts_.told_all) receipts_.told_all(store_, *asked, told.oldest());
}

// One that is told late is not the newest.
void SiteLink::NoteNewest(const SignedReceipt& receipt) {
  const bool same_store = receipt.receipt.store == newest_store_ && !newest_receipt_.empty();
  if (same_store && receipt.receipt.number <= newest_number_) return;
  newest_receipt_ = receipt.Encode();
  newest_store_ = receipt.receipt.store;
  newest_number_ = receipt.receipt.number;
}

void SiteLink::RestoreNewestReceipt(std::vector<std::byte> receipt) {
  const absl::StatusOr<SignedReceipt> newest = ParseReceiptUnchecked(receipt);
  if (newest.ok()) NoteNewest(*newest);
}

}  // namespace tidemark
