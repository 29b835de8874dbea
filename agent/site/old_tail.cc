#include "agent/site/old_tail.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_format.h"
#include "agent/site/log_reader.h"

namespace tidemark {
namespace {

// Both say what their epoch rests on.
bool BeginsEpoch(RecordKind kind) {
  return kind == RecordKind::kEpochStart || kind == RecordKind::kVaultGenesis;
}

absl::StatusOr<EpochStart> ParseStart(RecordKind kind, ByteSpan body) {
  if (kind == RecordKind::kEpochStart) return ParseEpochStart(body);
  absl::StatusOr<VaultGenesis> genesis = ParseVaultGenesis(body);
  if (!genesis.ok()) return genesis.status();
  return std::move(genesis->start);
}

}  // namespace

OldTail::OldTail(Site* site, SiteVault* vault, PeerSession* peer, AppendRight right,
                 Position checkpoint, PublicKey agent)
    : site_(site),
      vault_(vault),
      peer_(peer),
      right_(right),
      checkpoint_(checkpoint),
      agent_(agent),
      page_(site->io(), 1, kRecordHeaderBytes) {}

Task<absl::Status> OldTail::GiveUp() {
  absl::StatusOr<CanonicalHeader> named = co_await PeerHead(checkpoint_.sequence);
  if (!named.ok()) co_return named.status();
  if (named->position() != checkpoint_)
    co_return absl::UnavailableError("the peer does not hold what the checkpoint names");
  if (vault_->flushed() != vault_->durable()) {
    const uint64_t last = std::min(vault_->flushed().sequence, checkpoint_.sequence);
    absl::StatusOr<bool> shared = co_await IsShared(last);
    absl::Status forgotten = shared.status();
    if (shared.ok() && !*shared) forgotten = co_await vault_->ForgetUnproven(right_);
    if (!forgotten.ok()) co_return forgotten;
  }
  const Position durable = vault_->durable();
  // One epoch has one writer; a newer tail waits for a checkpoint that is newer still.
  if (durable.sequence == 0 || durable.epoch >= checkpoint_.epoch) co_return absl::OkStatus();
  absl::StatusOr<Parting> parting = co_await FindParting(durable.sequence);
  if (!parting.ok()) co_return parting.status();
  if (parting->beyond.empty()) co_return absl::OkStatus();
  absl::Status may = co_await CheckMayGo(&*parting);
  if (!may.ok()) co_return may;
  PooledBuffer buffer = co_await site_->read_pool()->Acquire();
  absl::Status truncated = co_await vault_->Truncate(right_, std::move(*parting), buffer.span());
  co_return truncated;
}

Task<absl::StatusOr<CanonicalHeader>> OldTail::OwnHead(uint64_t sequence) {
  PooledBuffer page = page_.TryAcquire();
  LogReader reader(vault_->log());
  absl::StatusOr<CanonicalHeader> head = co_await reader.ReadHead(sequence, page.span());
  co_await reader.Close();
  // What cannot be read says nothing about whose it is: it is healed first.
  if (!head.ok()) co_return absl::UnavailableError(std::string(head.status().message()));
  co_return head;
}

Task<absl::StatusOr<CanonicalHeader>> OldTail::PeerHead(uint64_t sequence) {
  wire::Control message;
  wire::ReadBlocks* order = message.mutable_read_blocks();
  order->set_request(++request_);
  order->set_vault(ToWire(ByteSpan(vault_->id().bytes)));
  order->set_sequence(sequence);
  order->set_block_count(0);
  peer_->Send(message);
  std::optional<CanonicalHeader> head;
  while (true) {
    absl::StatusOr<DataConnection::Arrival> arrival = co_await peer_->data()->ReceiveHeader();
    if (!arrival.ok()) co_return absl::UnavailableError(std::string(arrival.status().message()));
    if (arrival->frame.kind == FrameKind::kReadEnd) break;
    if (!arrival->head.has_value())
      co_return absl::UnavailableError("the peer sent a block instead of a head");
    head = std::move(*arrival->head);
  }
  const bool right_one =
      head.has_value() && head->sequence == sequence && head->vault == vault_->id();
  if (!right_one) {
    co_return absl::UnavailableError(absl::StrFormat("the peer does not show record %d", sequence));
  }
  co_return std::move(*head);
}

// Of a control record, which is small.
Task<absl::StatusOr<std::vector<std::byte>>> OldTail::PeerPayload(const CanonicalHeader* header) {
  wire::Control message;
  wire::StreamRecords* order = message.mutable_stream_records();
  order->set_request(++request_);
  order->set_vault(ToWire(ByteSpan(vault_->id().bytes)));
  order->set_first_sequence(header->sequence);
  order->set_last_sequence(header->sequence);
  peer_->Send(message);
  absl::StatusOr<DataConnection::Arrival> arrival = co_await peer_->data()->ReceiveHeader();
  const bool comes =
      arrival.ok() && arrival->head.has_value() && arrival->head->position() == header->position();
  if (!comes) co_return absl::UnavailableError("the peer does not give the record again");
  PooledBuffer buffer = co_await site_->PoolFor(*header)->Acquire();
  const MutableByteSpan payload = buffer.span().subspan(kRecordHeaderBytes, header->payload_bytes);
  absl::Status received = co_await peer_->data()->ReceiveRecord(header, payload);
  if (!received.ok()) co_return absl::UnavailableError(std::string(received.message()));
  absl::StatusOr<DataConnection::Arrival> end = co_await peer_->data()->ReceiveHeader();
  if (!end.ok() || end->frame.kind != FrameKind::kReadEnd)
    co_return absl::UnavailableError("the peer does not end its answer");
  co_return std::vector<std::byte>(payload.begin(), payload.end());
}

Task<absl::StatusOr<bool>> OldTail::IsShared(uint64_t sequence) {
  if (sequence == 0) co_return true;
  absl::StatusOr<CanonicalHeader> own = co_await OwnHead(sequence);
  if (!own.ok()) co_return own.status();
  absl::StatusOr<CanonicalHeader> other = co_await PeerHead(sequence);
  if (!other.ok()) co_return other.status();
  co_return own->position() == other->position();
}

// A digest names the whole log before it, so what is shared is a prefix: found by halving.
Task<absl::StatusOr<Parting>> OldTail::FindParting(uint64_t own_last) {
  uint64_t shared = 0, differs = std::min(own_last, checkpoint_.sequence) + 1;
  uint64_t asked = differs - 1;  // most often all of it is shared
  while (shared + 1 < differs) {
    absl::StatusOr<bool> same = co_await IsShared(asked);
    if (!same.ok()) co_return same.status();
    (*same ? shared : differs) = asked;
    asked = shared + (differs - shared) / 2;
  }
  Parting parting;
  for (uint64_t sequence = std::max<uint64_t>(shared, 1); sequence <= own_last; ++sequence) {
    absl::StatusOr<CanonicalHeader> own = co_await OwnHead(sequence);
    if (!own.ok()) co_return own.status();
    if (sequence <= shared) {
      parting.last_shared = own->position();
    } else {
      parting.beyond.push_back(own->position());
    }
  }
  co_return std::move(parting);
}

// The first epoch of the peer's log that is newer than all that would go.
Task<absl::StatusOr<CanonicalHeader>> OldTail::FindEpochStart(const Parting* parting) {
  Digest before = parting->last_shared.digest;
  for (uint64_t s = parting->last_shared.sequence + 1; s <= checkpoint_.sequence; ++s) {
    absl::StatusOr<CanonicalHeader> head = co_await PeerHead(s);
    if (!head.ok()) co_return head.status();
    if (head->previous != before)
      co_return absl::UnavailableError(absl::StrFormat("the peer's record %d does not chain", s));
    const bool is_newer = head->epoch > parting->beyond.back().epoch;
    if (BeginsEpoch(head->kind) && is_newer) co_return std::move(head);
    before = head->digest();
  }
  co_return absl::DataLossError(absl::StrFormat(
      "diverged behind record %d, and no newer epoch says why", parting->last_shared.sequence));
}

Task<absl::Status> OldTail::CheckMayGo(const Parting* parting) {
  absl::StatusOr<CanonicalHeader> header = co_await FindEpochStart(parting);
  if (!header.ok()) co_return header.status();
  const CanonicalHeader* found = &*header;
  absl::StatusOr<std::vector<std::byte>> payload = co_await PeerPayload(found);
  if (!payload.ok()) co_return payload.status();
  absl::StatusOr<std::vector<std::byte>> body = OpenControlPayload(agent_, *found, *payload);
  if (!body.ok()) co_return absl::UnavailableError(std::string(body.status().message()));
  absl::StatusOr<EpochStart> start = ParseStart(found->kind, *body);
  if (!start.ok()) co_return absl::UnavailableError(std::string(start.status().message()));
  const absl::Status may = MayTruncate(site_->store(), *parting, *found, *start);
  co_return may;
}

}  // namespace tidemark
