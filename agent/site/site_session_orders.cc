// SiteSession: what an agent may order, and what it is told.
#include <algorithm>
#include <utility>

#include "absl/strings/str_format.h"
#include "agent/site/site_session.h"
#include "crypto/rare_path.h"

namespace tidemark {

bool SiteSession::Promised(const SiteVault& vault) const {
  const auto found = appending_.rights.find(vault.id());
  return found != appending_.rights.end() && vault.Promises(found->second);
}

void SiteSession::OnDurable(SiteVault* vault) {
  if (!Promised(*vault)) return;
  wire::Control message;
  message.mutable_ack()->set_vault(ToWire(ByteSpan(vault->id().bytes)));
  *message.mutable_ack()->mutable_durable() = ToWire(vault->durable());
  Send(std::move(message));
}

void SiteSession::OnDropped(SiteVault* vault, uint64_t sequence, const wire::Failure& why) {
  if (appends_.empty() || !Promised(*vault)) return;
  wire::Control message;
  wire::AppendRefused* refused = message.mutable_append_refused();
  refused->set_vault(ToWire(ByteSpan(vault->id().bytes)));
  refused->set_sequence(sequence);
  *refused->mutable_failure() = why;
  Send(std::move(message));
  CloseAppends();
}

void SiteSession::OnReceipt(const std::string& signed_receipt) {
  if (appending_.rights.empty()) return;
  wire::Control message;
  message.mutable_receipt()->set_receipt(signed_receipt);
  Send(std::move(message));
}

Task<> SiteSession::AnswerPromise(wire::PromiseRequest request) {
  wire::Control message;
  wire::PromiseReply* reply = message.mutable_promise_reply();
  reply->set_vault(request.vault());
  absl::Status answered = co_await Promise(&request, reply);
  VaultId id;
  SiteVault* vault = FromWire(request.vault(), id.bytes) ? site_->Find(id) : nullptr;
  if (vault != nullptr) {
    *reply->mutable_state() = vault->State();
  } else {
    reply->mutable_state()->set_vault(request.vault());
  }
  if (!answered.ok()) *reply->mutable_failure() = StatusFailure(answered);
  Send(std::move(message));
  if (!answered.ok() || request.epoch() == 0) co_return;
  // What was signed and stored while the agent was away, so that its chain has no gap.
  const absl::StatusOr<SignedReceipt> newest =
      ParseReceipt(site_->public_key(), AsBytes(request.newest_receipt()));
  uint64_t shown = newest.ok() ? newest->receipt.number : 0;
  if (request.has_receipts_after()) shown = request.receipts_after();
  // Each vault's request asks; once is enough.
  shown = std::max(shown, receipts_told_);
  for (const std::string& receipt : site_->receipts()->Behind(shown)) {
    RARE_PATH("receipt-told-late");
    OnReceipt(receipt);
  }
  receipts_told_ = site_->receipts()->number();
}

bool SiteSession::TellReceipts(const wire::ReceiptsWanted& wanted) {
  if (wanted.from() == 0 || wanted.to() < wanted.from()) return false;
  for (const std::string& receipt : site_->receipts()->Behind(wanted.from() - 1, wanted.to()))
    OnReceipt(receipt);
  wire::Control message;
  message.mutable_receipts_told()->set_oldest(site_->receipts()->oldest());
  Send(std::move(message));
  return true;
}

Task<absl::Status> SiteSession::Promise(const wire::PromiseRequest* request,
                                        wire::PromiseReply* reply) {
  VaultId id;
  AppendRight right;
  right.epoch = request->epoch();
  if (!FromWire(request->vault(), id.bytes))
    co_return absl::InvalidArgumentError("a vault id is 16 bytes");
  if (right.epoch == 0) co_return absl::OkStatus();  // a query
  if (!FromWire(request->nonce(), right.nonce.bytes)) {
    co_return absl::InvalidArgumentError("a nonce is 16 bytes");
  }
  absl::StatusOr<SiteVault*> vault = co_await site_->FindOrMake(id);
  if (!vault.ok()) co_return vault.status();
  std::string newest_receipt = request->newest_receipt();
  absl::StatusOr<SignedPromise> promise =
      co_await (*vault)->GivePromise(right.epoch, right.nonce, std::move(newest_receipt));
  if (!promise.ok()) co_return promise.status();
  appending_.rights[id] = right;
  reply->set_promise(ToWire(ByteSpan(promise->Encode())));
  co_return absl::OkStatus();
}

bool SiteSession::TakeCheckpoint(const std::string& bytes) {
  absl::StatusOr<SignedCheckpoint> checkpoint =
      ParseCheckpoint(control_.peer().key, AsBytes(bytes));
  if (checkpoint.ok()) site_->OnCheckpoint(*checkpoint);
  return checkpoint.ok();
}

Task<> SiteSession::Fetch(wire::FetchOrder order) {
  VaultId id;
  absl::Status refused;
  SiteVault* vault = nullptr;
  absl::StatusOr<SignedCheckpoint> checkpoint =
      ParseCheckpoint(control_.peer().key, AsBytes(order.checkpoint()));
  if (!FromWire(order.vault(), id.bytes)) {
    refused = absl::InvalidArgumentError("a vault id is 16 bytes");
  } else if (order.stop()) {
    const auto running = fetches_.find(id);
    if (running != fetches_.end()) running->second->Stop();  // its own report says how far it came
    co_return;
  } else if (!checkpoint.ok()) {
    refused = checkpoint.status();
  } else if (checkpoint->checkpoint.vault != id || checkpoint->checkpoint.upto.sequence == 0) {
    refused = absl::InvalidArgumentError("the checkpoint is of another vault, or of nothing");
  } else {
    absl::StatusOr<SiteVault*> found = co_await site_->FindOrMake(id);
    refused = found.status();
    if (found.ok()) vault = *found;
  }
  if (vault == nullptr || fetches_.count(id) != 0) {
    if (refused.ok()) refused = absl::FailedPreconditionError("the vault is already being fetched");
    wire::Control message;
    wire::FetchReport* report = message.mutable_fetch_report();
    report->set_vault(order.vault());
    if (vault != nullptr) *report->mutable_tail() = ToWire(vault->durable());
    report->set_finished(true);
    *report->mutable_failure() = StatusFailure(refused);
    Send(std::move(message));
    co_return;
  }
  FetchTarget target;
  target.right = appending_.rights[id];
  target.peer = {order.peer(), order.peer_address()};
  target.checkpoint = checkpoint->checkpoint.upto;
  target.agent = control_.peer().key;
  PeerFetch fetch(site_, &control_, &fetch_pacer_, vault, std::move(target));
  fetches_[id] = &fetch;
  if (control_.closed()) fetch.Stop();
  co_await fetch.Run();
  fetches_.erase(id);
}

void SiteSession::TakePeers(const wire::PeerList& list) {
  std::vector<PeerAddress> peers;
  for (const wire::PeerList::Peer& peer : list.peers()) {
    if (peer.name() != site_->options().name) peers.push_back({peer.name(), peer.address()});
  }
  site_->healer()->SetPeers(std::move(peers));
}

bool SiteSession::Verify(const wire::VerifyOrder& order) {
  VaultId vault;
  if (!FromWire(order.vault(), vault.bytes)) return false;
  if (!verify_service_.running()) {
    tasks_.Spawn(verify_service_.Run(vault, order.request()));
    return true;
  }
  wire::Control message;
  wire::VerifyReport* report = message.mutable_verify_report();
  report->set_request(order.request());
  report->set_finished(true);
  *report->mutable_failure() = MakeFailure(wire::Failure::BUSY, "another check is running");
  Send(std::move(message));
  return true;
}

void SiteSession::Find(const wire::FindRecord& request) {
  VaultId id;
  SiteVault* vault = FromWire(request.vault(), id.bytes) ? site_->Find(id) : nullptr;
  absl::StatusOr<uint64_t> found = uint64_t{0};
  if (vault != nullptr && request.kind() <= 255) {
    const uint64_t last = vault->durable().sequence;
    const uint64_t bound = request.at_most_sequence();
    const uint64_t at_most = bound == 0 || bound > last ? last : bound;
    found = vault->log()->FindKind(static_cast<RecordKind>(request.kind()), at_most);
  }
  wire::Control message;
  if (found.ok()) {
    message.mutable_found_record()->set_request(request.request());
    message.mutable_found_record()->set_sequence(*found);
  } else {
    message.mutable_read_failed()->set_request(request.request());
    // Ask again: it is being healed.
    *message.mutable_read_failed()->mutable_failure() =
        MakeFailure(wire::Failure::BUSY, std::string(found.status().message()));
  }
  Send(std::move(message));
}

}  // namespace tidemark
