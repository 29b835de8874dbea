#include "agent/site/append_stream.h"

#include <utility>

#include "crypto/rare_path.h"

namespace tidemark {

Task<> AppendStream::Run() {
  while (true) {
    absl::StatusOr<DataConnection::Arrival> arrival = co_await data_->ReceiveHeader();
    if (!arrival.ok() || !arrival->head.has_value()) break;
    absl::Status taken = co_await TakeRecord(&*arrival);
    if (!taken.ok()) break;
  }
}

Task<absl::Status> AppendStream::TakeRecord(DataConnection::Arrival* arrival) {
  RecordBuffer record;
  record.header = std::move(*arrival->head);
  record.digest = arrival->frame.payload_digest;
  SiteVault* vault = site_->Find(record.header.vault);
  if (vault == nullptr) {
    absl::Status unknown = absl::NotFoundError("no promise was asked for this vault");
    Refuse(record.header, unknown);
    co_return unknown;
  }
  absl::Status ready = co_await TakeBuffer(vault, &record);
  if (!ready.ok()) co_return ready;
  absl::Status received = co_await data_->ReceiveRecord(&record.header, record.payload());
  if (!received.ok()) co_return received;
  // Again: while the payload came, another session may have been promised the vault.
  absl::StatusOr<PromiseBook::Offer> offer = co_await MayAppend(vault, &record);
  if (!offer.ok()) co_return offer.status();
  // And at this instant: on the way back from the wait a failed write may have cut the log short.
  offer = vault->MayAppend(RightFor(vault), record.header, record.digest);
  if (!offer.ok()) {
    Refuse(record.header, offer.status());
    co_return offer.status();
  }
  if (*offer == PromiseBook::Offer::kAppend) {
    vault->Append(std::move(record));
  } else if (vault->may_sign() && record.header.sequence <= vault->durable().sequence) {
    wire::Control ack;
    ack.mutable_ack()->set_vault(ToWire(ByteSpan(vault->id().bytes)));
    *ack.mutable_ack()->mutable_durable() = ToWire(vault->durable());
    control_->Send(ack);
  }
  co_return absl::OkStatus();
}

Task<absl::Status> AppendStream::TakeBuffer(SiteVault* vault, RecordBuffer* record) {
  BufferPool* pool = site_->PoolFor(record->header);
  if (IsEarly(vault, record->header) && pool->free_buffers() > pool->buffers() / 2) {
    record->memory = pool->TryAcquire();
    if (record->memory) co_return absl::OkStatus();
  }
  absl::StatusOr<PromiseBook::Offer> offer = co_await MayAppend(vault, record);
  if (offer.ok()) record->memory = co_await pool->Acquire();
  co_return offer.status();
}

// What stands before it comes over another connection of the session.
bool AppendStream::IsEarly(const SiteVault* vault, const CanonicalHeader& header) const {
  return session_->has_several && header.sequence > vault->tail().sequence + 1 &&
         vault->Promises(RightFor(vault)) && !vault->fetching();
}

Task<absl::Status> AppendStream::WaitForTurn(SiteVault* vault, const CanonicalHeader* header) {
  while (IsEarly(vault, *header)) {
    RARE_PATH("record-before-its-turn");
    if (data_->closed()) co_return absl::CancelledError("the session ends");
    co_await vault->moved().Wait();
  }
  co_return absl::OkStatus();
}

AppendRight AppendStream::RightFor(const SiteVault* vault) const {
  const auto found = session_->rights.find(vault->id());
  return found == session_->rights.end() ? AppendRight() : found->second;
}

Task<absl::StatusOr<PromiseBook::Offer>> AppendStream::MayAppend(SiteVault* vault,
                                                                 const RecordBuffer* record) {
  absl::Status turn = co_await WaitForTurn(vault, &record->header);
  if (!turn.ok()) co_return turn;
  const AppendRight right = RightFor(vault);
  absl::StatusOr<PromiseBook::Offer> offer =
      vault->MayAppend(right, record->header, record->digest);
  if (absl::IsFailedPrecondition(offer.status())) {
    absl::Status prepared = co_await vault->PrepareAppend();
    if (prepared.ok()) {
      turn = co_await WaitForTurn(vault, &record->header);  // the tail may be shorter now
      if (!turn.ok()) co_return turn;
      offer = vault->MayAppend(right, record->header, record->digest);
    } else {
      offer = prepared;
    }
  }
  if (!offer.ok()) Refuse(record->header, offer.status());
  co_return offer;
}

void AppendStream::Refuse(const CanonicalHeader& header, const absl::Status& why) {
  wire::Control refusal;
  wire::AppendRefused* refused = refusal.mutable_append_refused();
  refused->set_vault(ToWire(ByteSpan(header.vault.bytes)));
  refused->set_sequence(header.sequence);
  *refused->mutable_failure() = StatusFailure(why);
  control_->Send(refusal);
}

}  // namespace tidemark
