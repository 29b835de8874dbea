// Healer: asking the other sites.
#include <algorithm>
#include <utility>

#include "absl/strings/str_format.h"
#include "agent/site/healer.h"
#include "agent/site/site.h"

namespace tidemark {

// The one that is connected comes first.
Task<absl::Status> Healer::FetchAnywhere(Wanted* wanted) {
  std::vector<PeerAddress> order = peers_;
  if (session_ != nullptr) {
    const auto connected = std::find(order.begin(), order.end(), session_->peer());
    if (connected != order.end()) std::rotate(order.begin(), connected, connected + 1);
  }
  if (order.empty()) co_return absl::UnavailableError("no agent has said where other sites are");
  std::string reasons;
  bool all_answered = true;
  for (const PeerAddress& peer : order) {
    if (stopped_) co_return absl::CancelledError("the site stops");
    PeerAddress from = peer;
    absl::Status fetched = co_await FetchFrom(std::move(from), wanted);
    if (fetched.ok()) co_return fetched;
    all_answered = all_answered && !absl::IsUnavailable(fetched);
    if (!reasons.empty()) reasons += "; ";
    reasons += peer.name + ": " + std::string(fetched.message());
  }
  const std::string told = "no other site gives it: " + reasons;
  co_return all_answered ? absl::DataLossError(told) : absl::UnavailableError(told);
}

// A session from before may have ended unnoticed: then once more with a new one.
Task<absl::Status> Healer::FetchFrom(PeerAddress peer, Wanted* wanted) {
  absl::Status asked;
  for (int i = 0; i < 2 && !stopped_; ++i) {
    const bool is_old = session_ != nullptr && session_->peer() == peer;
    PeerAddress to = peer;
    absl::StatusOr<PeerSession*> session = co_await SessionWith(std::move(to));
    if (!session.ok()) co_return session.status();
    asked = co_await Ask(*session, wanted);
    const bool broken = session_->ended();
    if (broken) co_await DropSession();
    if (asked.ok() || !broken || !is_old) co_return asked;
  }
  co_return asked;
}

Task<absl::StatusOr<PeerSession*>> Healer::SessionWith(PeerAddress peer) {
  session_used_ = io_->Monotonic();
  if (session_ != nullptr && session_->peer() == peer && !session_->ended()) {
    co_return session_.get();
  }
  co_await DropSession();
  session_ = std::make_unique<PeerSession>(io_, &site_->options(), site_->channels(), peer);
  absl::Status opened = co_await session_->Open();
  if (!opened.ok()) {
    co_await DropSession();
    co_return opened;
  }
  co_return session_.get();
}

Task<> Healer::DropSession() {
  if (session_ == nullptr) co_return;
  co_await session_->Finish();
  session_.reset();
}

// kDataLoss: it has not what was wanted.
Task<absl::Status> Healer::Ask(PeerSession* session, Wanted* wanted) {
  session->ForgetError();
  wire::Control message;
  wire::ReadBlocks* order = message.mutable_read_blocks();
  order->set_request(++request_);
  order->set_vault(ToWire(ByteSpan(wanted->vault.bytes)));
  order->set_sequence(wanted->sequence);
  order->set_first_block(wanted->block == nullptr ? 0 : *wanted->block);
  order->set_block_count(wanted->block == nullptr ? 0 : 1);
  session->Send(message);
  bool got_bytes = false;
  while (true) {
    absl::StatusOr<DataConnection::Arrival> arrival = co_await session->data()->ReceiveHeader();
    if (!arrival.ok()) {
      session->Stop();
      co_return absl::UnavailableError(std::string(arrival.status().message()));
    }
    if (arrival->frame.kind == FrameKind::kReadEnd) break;
    if (arrival->head.has_value()) {
      wanted->header = std::move(*arrival->head);
      continue;
    }
    if (wanted->block == nullptr || arrival->frame.payload_bytes != wanted->bytes.size()) {
      session->Stop();
      co_return absl::DataLossError("sent a block that was not asked for");
    }
    absl::Status received = co_await session->data()->ReceivePayload(wanted->bytes);
    if (!received.ok()) {
      session->Stop();
      co_return absl::UnavailableError(std::string(received.message()));
    }
    got_bytes = true;
  }
  if (wanted->block != nullptr) {
    if (got_bytes && HashBytes(wanted->bytes) == wanted->digest) co_return absl::OkStatus();
  } else if (wanted->header.has_value() && wanted->header->digest() == wanted->digest) {
    co_return absl::OkStatus();
  }
  if (session->error().ok()) co_return absl::DataLossError("has not the same there");
  co_return absl::DataLossError(std::string(session->error().message()));
}

}  // namespace tidemark
