#include "agent/site/peer_fetch.h"

#include <utility>

#include "crypto/museum.h"

namespace tidemark {
namespace {

constexpr absl::Duration kReportInterval = absl::Seconds(1);
constexpr uint32_t kRequest = 1;

}  // namespace

PeerFetch::PeerFetch(Site* site, ControlConnection* control, Pacer* pacer, SiteVault* vault,
                     FetchTarget target)
    : site_(site),
      control_(control),
      pacer_(pacer),
      vault_(vault),
      target_(std::move(target)),
      peer_(site->io(), &site->options(), site->channels(), target_.peer) {}

Task<> PeerFetch::Run() {
  absl::Status result = co_await GiveUpOldTail();
  if (result.ok()) result = co_await vault_->BeginFetch(target_.right, target_.checkpoint);
  if (result.ok()) {
    absl::Status pulled;
    if (vault_->tail().sequence < target_.checkpoint.sequence) pulled = co_await Pull();
    result = co_await vault_->EndFetch();
    if (!result.ok() && !pulled.ok()) result = pulled;
  }
  co_await peer_.Finish();
  done_ = true;
  Report(true, result);
}

void PeerFetch::Stop() {
  stopped_ = true;
  peer_.Stop();
}

// Only where an older epoch's tail, or what no checkpoint covers yet, might not be the agent's.
Task<absl::Status> PeerFetch::GiveUpOldTail() {
  const Position& durable = vault_->durable();
  const bool is_old = durable.sequence > 0 && durable.epoch < target_.checkpoint.epoch;
  if (!is_old && vault_->flushed() == durable) co_return absl::OkStatus();
  absl::Status opened = co_await peer_.Open();
  opened_ = opened.ok();
  if (!opened_) co_return opened;
  OldTail tail(site_, vault_, &peer_, target_.right, target_.checkpoint, target_.agent);
  absl::Status given_up = co_await tail.GiveUp();
  if (!absl::IsDataLoss(given_up)) co_return given_up;
  co_return FailureStatus(site_->options().name,
                          MakeFailure(wire::Failure::DIVERGED, std::string(given_up.message())));
}

Task<absl::Status> PeerFetch::Pull() {
  absl::Status opened;
  if (!opened_) opened = co_await peer_.Open();
  if (!opened.ok()) co_return opened;
  wire::Control message;
  wire::StreamRecords* order = message.mutable_stream_records();
  order->set_request(kRequest);
  order->set_vault(ToWire(ByteSpan(vault_->id().bytes)));
  order->set_first_sequence(vault_->tail().sequence + 1);
  order->set_last_sequence(target_.checkpoint.sequence);
  peer_.Send(message);
  absl::Status received = co_await ReceiveRecords();
  if (received.ok() || peer_.error().ok()) co_return received;
  co_return peer_.error();
}

Task<absl::Status> PeerFetch::ReceiveRecords() {
  peer_.data()->Pace(pacer_);
  absl::Duration reported = io()->Monotonic();
  while (!stopped_) {
    absl::StatusOr<DataConnection::Arrival> arrival = co_await peer_.data()->ReceiveHeader();
    if (!arrival.ok()) co_return arrival.status();
    if (arrival->frame.kind == FrameKind::kReadEnd) co_return absl::OkStatus();
    if (!arrival->head.has_value())
      co_return PeerError(target_.peer.name, "sent a block without its head");
    absl::Status taken = co_await TakeRecord(&*arrival);
    if (!taken.ok()) co_return taken;
    const absl::Duration now = io()->Monotonic();
    if (now - reported >= kReportInterval) {
      Report(false, absl::OkStatus());
      reported = now;
    }
  }
  co_return absl::CancelledError("the fetch was stopped");
}

Task<absl::Status> PeerFetch::TakeRecord(DataConnection::Arrival* arrival) {
  RecordBuffer record;
  record.header = std::move(*arrival->head);
  record.digest = arrival->frame.payload_digest;
  if (record.header.vault != vault_->id())
    co_return PeerError(target_.peer.name, "sent another vault");
  absl::StatusOr<PromiseBook::Offer> offer = vault_->MayFetch(record.header, record.digest);
  if (!offer.ok()) co_return offer.status();
  BufferPool* pool = site_->PoolFor(record.header);
  record.memory = co_await pool->Acquire();
  absl::Status received = co_await peer_.data()->ReceiveRecord(&record.header, record.payload());
  if (!received.ok()) co_return received;
  offer = vault_->MayFetch(record.header, record.digest);
  if (!offer.ok()) co_return offer.status();
  if (*offer == PromiseBook::Offer::kAppend) vault_->Fetch(std::move(record));
  co_return absl::OkStatus();
}

void PeerFetch::Report(bool finished, const absl::Status& status) {
  wire::Control message;
  wire::FetchReport* report = message.mutable_fetch_report();
  report->set_vault(ToWire(ByteSpan(vault_->id().bytes)));
  // Underway: what is written. At the end: what counts.
  const bool counts = finished && !MUSEUM_BUG("fetch-told-as-durable");
  *report->mutable_tail() = ToWire(counts ? vault_->durable() : vault_->flushed());
  report->set_finished(finished);
  if (!status.ok()) {
    *report->mutable_failure() = StatusFailure(status);
    const bool own = absl::IsResourceExhausted(status) || absl::IsUnknown(status) ||
                     absl::IsAborted(status) || report->failure().code() == wire::Failure::DIVERGED;
    if (!own) report->mutable_failure()->set_code(wire::Failure::PEER);
  }
  control_->Send(message);
}

}  // namespace tidemark
