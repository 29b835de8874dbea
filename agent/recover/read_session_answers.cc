// ReadSession: answers as they come, each to the request that it belongs to.
#include <utility>

#include "absl/strings/str_format.h"
#include "agent/recover/read_session.h"

namespace tidemark {

Task<> ReadSession::ServeControl() {
  while (broken_.ok()) {
    absl::StatusOr<wire::Control> message = co_await control_->Receive();
    if (!message.ok()) {
      Break(message.status());
      co_return;
    }
    OnControl(*message);
  }
}

void ReadSession::OnControl(const wire::Control& message) {
  if (message.has_heartbeat_reply()) {
    OnStates(message.heartbeat_reply());
  } else if (message.has_found_record()) {
    Request* request = Find(message.found_record().request());
    if (request == nullptr || request->kind != Request::Kind::kFind) return;
    request->found = message.found_record().sequence();
    FinishRequest(message.found_record().request());
  } else if (message.has_read_failed()) {
    OnFailed(message.read_failed());
  } else if (message.has_goodbye()) {
    const wire::Goodbye& goodbye = message.goodbye();
    Break(goodbye.has_failure() ? FailureStatus(site_.name, goodbye.failure())
                                : absl::UnavailableError(name_ + ": said goodbye"));
  }
}

void ReadSession::OnStates(const wire::HeartbeatReply& reply) {
  const uint64_t number = static_cast<uint64_t>(reply.sent_at_nanos());
  Request* request = Find(number);
  if (request == nullptr || request->kind != Request::Kind::kStates) return;
  request->status =
      absl::NotFoundError(absl::StrFormat("%s: has no vault %s", name_, request->vault.hex()));
  for (const wire::VaultState& state : reply.vaults()) {
    VaultId vault;
    if (!FromWire(state.vault(), vault.bytes) || vault != request->vault) continue;
    absl::StatusOr<Position> durable = FromWire(state.durable());
    request->status = durable.status();
    if (durable.ok()) request->durable = *durable;
  }
  FinishRequest(static_cast<uint32_t>(number));
}

void ReadSession::OnFailed(const wire::ReadFailed& failed) {
  Request* request = Find(failed.request());
  if (request == nullptr) return;
  absl::Status why = FailureStatus(site_.name, failed.failure());
  if (why.ok()) why = absl::UnknownError(name_ + ": failed without saying why");
  if (request->kind != Request::Kind::kFind) {
    why = absl::Status(why.code(),
                       absl::StrFormat("%s (record %d block %d)", std::string(why.message()),
                                       failed.sequence(), failed.block()));
  }
  request->status = std::move(why);
  // BUSY refuses a read before it is queued: nothing follows on the read connection.
  const bool refused = failed.failure().code() == wire::Failure::BUSY;
  if (refused || request->kind == Request::Kind::kFind) return FinishRequest(failed.request());
  FinishIfWhole(failed.request());
}

// The site has shown who it is: a frame with a wrong MAC was changed on its way, and the next
// session may be luckier.
absl::Status ReadSession::AsBroken(const absl::Status& why) {
  if (!absl::IsUnauthenticated(why)) return why;
  return absl::UnavailableError(std::string(why.message()));
}

Task<> ReadSession::ServeData() {
  while (broken_.ok()) {
    absl::StatusOr<DataConnection::Arrival> arrival = co_await data_->ReceiveHeader();
    if (!arrival.ok()) {
      Break(AsBroken(arrival.status()));
      co_return;
    }
    ++answers_;
    absl::Status taken;
    const FrameHeader* frame = &arrival->frame;
    if (frame->kind == FrameKind::kRecordHead) {
      taken = OnHead(&*arrival);
    } else if (frame->kind == FrameKind::kBlock) {
      taken = co_await TakeBlock(frame);
    } else if (frame->kind == FrameKind::kReadEnd) {
      Request* request = Find(frame->request);
      if (request != nullptr) request->ended = true;
      FinishIfWhole(frame->request);
    } else {
      taken = absl::InvalidArgumentError(name_ + ": a hello in the middle of answers");
    }
    if (!taken.ok()) {
      Break(taken);
      co_return;
    }
  }
}

absl::Status ReadSession::OnHead(DataConnection::Arrival* arrival) {
  Request* request = Find(arrival->frame.request);
  CanonicalHeader& head = *arrival->head;
  if (request == nullptr || request->head.has_value() || head.sequence != request->sequence ||
      head.vault != request->vault) {
    return absl::InvalidArgumentError(
        absl::StrFormat("%s: sent the head of record %d unasked", name_, head.sequence));
  }
  if (request->header != nullptr && head.digest() != request->header->digest()) {
    request->status = absl::DataLossError(absl::StrFormat(
        "%s: holds another record %d than the one asked for", name_, head.sequence));
  }
  request->head = std::move(head);
  return absl::OkStatus();
}

// A block of an answer into its place, or into the bin when the answer is spoiled already.
Task<absl::Status> ReadSession::TakeBlock(const FrameHeader* frame) {
  Request* request = Find(frame->request);
  if (request == nullptr || !request->head.has_value() || request->received >= request->count ||
      frame->sequence != request->sequence ||
      frame->block_index != request->first + request->received ||
      frame->block_index >= request->head->blocks.size() ||
      frame->payload_bytes != request->head->BlockBytes(frame->block_index)) {
    co_return absl::InvalidArgumentError(absl::StrFormat(
        "%s: sent block %d of record %d unasked", name_, frame->block_index, frame->sequence));
  }
  MutableByteSpan into = MutableByteSpan(discarded_).first(frame->payload_bytes);
  const size_t begin = size_t{request->received} * kBlockBytes;
  if (request->status.ok()) into = request->into.subspan(begin, frame->payload_bytes);
  absl::Status got = co_await data_->ReceivePayload(into);
  if (!got.ok()) co_return got;
  ++request->received;
  co_return absl::OkStatus();
}

ReadSession::Request* ReadSession::Find(uint64_t number) {
  auto found = requests_.find(static_cast<uint32_t>(number));
  return number > UINT32_MAX || found == requests_.end() ? nullptr : found->second;
}

// Answers on the read connection end with their last frame; why one failed comes on the control
// connection, before or after it.
void ReadSession::FinishIfWhole(uint32_t number) {
  Request* request = Find(number);
  if (request == nullptr || !request->ended) return;
  const bool whole = request->head.has_value() && request->received == request->count;
  if (whole || !request->status.ok()) FinishRequest(number);
}

void ReadSession::FinishRequest(uint32_t number) {
  ++answers_;
  Request* request = Find(number);
  requests_.erase(number);
  request->finished = true;
  request->done.WakeAll();
}

}  // namespace tidemark
