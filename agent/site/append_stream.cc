#include "agent/site/append_stream.h"

#include <utility>

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
  absl::StatusOr<PromiseBook::Offer> offer = co_await MayAppend(vault, &record);
  if (!offer.ok()) co_return offer.status();
  BufferPool* pool = site_->PoolFor(record.header);
  record.memory = co_await pool->Acquire();
  absl::Status received = co_await data_->ReceiveRecord(&record.header, record.payload());
  if (!received.ok()) co_return received;
  // Again: while the payload came, another session may have been promised the vault.
  offer = co_await MayAppend(vault, &record);
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

AppendRight AppendStream::RightFor(const SiteVault* vault) const {
  const auto found = rights_->find(vault->id());
  return found == rights_->end() ? AppendRight() : found->second;
}

Task<absl::StatusOr<PromiseBook::Offer>> AppendStream::MayAppend(SiteVault* vault,
                                                                 const RecordBuffer* record) {
  const AppendRight right = RightFor(vault);
  absl::StatusOr<PromiseBook::Offer> offer =
      vault->MayAppend(right, record->header, record->digest);
  if (absl::IsFailedPrecondition(offer.status())) {
    absl::Status prepared = co_await vault->PrepareAppend();
    if (prepared.ok()) {
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
