#include "agent/site/receipt_chain.h"

#include <algorithm>
#include <utility>

#include "crypto/museum.h"
#include "crypto/rare_path.h"

namespace tidemark {

Task<absl::StatusOr<std::unique_ptr<ReceiptChain>>> ReceiptChain::Open(Io* io,
                                                                       std::string directory,
                                                                       ReceiptSigner signer,
                                                                       StoreCounters* counters) {
  std::unique_ptr<ReceiptChain> chain(new ReceiptChain(io, std::move(signer)));
  absl::StatusOr<std::unique_ptr<ReceiptRing>> ring =
      co_await ReceiptRing::Open(io, std::move(directory), counters);
  if (!ring.ok()) co_return ring.status();
  chain->ring_ = std::move(*ring);
  if (!chain->ring_->newest().empty()) {
    const ReceiptEntry& newest = chain->ring_->newest().back();
    absl::StatusOr<SignedReceipt> receipt =
        ParseReceipt(chain->signer_.key->public_key(), newest.receipt);
    if (!receipt.ok()) {
      co_await chain->Close();
      co_return absl::DataLossError("the newest stored receipt is not this site's: " +
                                    std::string(receipt.status().message()));
    }
    chain->number_ = newest.number;
    chain->newest_ = receipt->digest();
    chain->heads_ = newest.heads;
    chain->checkpoint_ = newest.checkpoint;
  }
  co_return std::move(chain);
}

Position ReceiptChain::SignedHead(const VaultId& vault) const {
  auto it = heads_.find(vault);
  return it == heads_.end() ? Position() : it->second;
}

Task<absl::StatusOr<SignedReceipt>> ReceiptChain::Sign(std::vector<VaultHead> heads,
                                                       Receipt::Level level,
                                                       const SignedCheckpoint* newest_checkpoint) {
  if (!unstored_.has_value()) {
    Receipt receipt;
    receipt.site = signer_.site;
    receipt.store = signer_.store;
    receipt.boot = signer_.boot;
    receipt.number = number_ + 1;
    receipt.previous = newest_;
    receipt.level = level;
    receipt.wall_nanos = absl::ToUnixNanos(io_->Now());
    receipt.monotonic_nanos = absl::ToInt64Nanoseconds(io_->Monotonic());
    if (newest_checkpoint != nullptr) checkpoint_ = newest_checkpoint->Encode();
    if (!checkpoint_.empty()) receipt.checkpoint = HashBytes(checkpoint_);
    receipt.heads = std::move(heads);
    unstored_ = SignReceipt(*signer_.key, std::move(receipt));
  }
  SignedReceipt signing = *unstored_;
  ReceiptEntry entry;
  entry.number = signing.receipt.number;
  entry.receipt = signing.Encode();
  entry.checkpoint = checkpoint_;
  entry.heads = heads_;
  for (const VaultHead& head : signing.receipt.heads) entry.heads[head.vault] = head.durable;
  std::map<VaultId, Position> heads_after = entry.heads;
  co_await ring_use_.Acquire(1);
  absl::Status stored;
  if (!MUSEUM_BUG("receipt-not-stored")) stored = co_await ring_->Append(std::move(entry));
  ring_use_.Release(1);
  if (!stored.ok()) RARE_PATH("receipt-could-not-be-stored");
  if (!stored.ok()) co_return stored;
  if (signing.receipt.number <= number_) {
    co_return absl::AbortedError("the chain was found to be longer: sign again");
  }
  unstored_.reset();
  heads_ = std::move(heads_after);
  number_ = signing.receipt.number;
  if (!MUSEUM_BUG("receipt-not-chained")) newest_ = signing.digest();
  co_return std::move(signing);
}

Task<absl::StatusOr<uint64_t>> ReceiptChain::Mend() {
  co_await ring_use_.Acquire(1);
  absl::StatusOr<uint64_t> mended = co_await ring_->Mend();
  ring_use_.Release(1);
  co_return mended;
}

uint64_t ReceiptChain::oldest() const {
  return ring_->newest().empty() ? 0 : ring_->newest().front().number;
}

std::vector<std::string> ReceiptChain::Behind(uint64_t number, uint64_t upto) const {
  std::vector<std::string> receipts;
  for (const ReceiptEntry& entry : ring_->newest()) {
    if (entry.number > number && entry.number <= std::min(number_, upto))
      receipts.emplace_back(AsText(entry.receipt));
  }
  return receipts;
}

void ReceiptChain::Adopt(const SignedReceipt& shown) {
  if (shown.receipt.number <= number_) return;
  unstored_.reset();
  number_ = shown.receipt.number;
  newest_ = shown.digest();
  for (const VaultHead& head : shown.receipt.heads) {
    Position& known = heads_[head.vault];
    if (head.durable.sequence > known.sequence) known = head.durable;
  }
}

Task<> ReceiptChain::Close() {
  if (ring_ != nullptr) co_await ring_->Close();
}

}  // namespace tidemark
