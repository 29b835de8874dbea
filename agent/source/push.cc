#include "agent/source/push.h"

#include <cassert>
#include <cstring>
#include <utility>

#include "agent/io/compute.h"
#include "agent/io/transfer.h"
#include "agent/source/cut_job.h"
#include "crypto/museum.h"

namespace tidemark {

Push::Push(Io* io, PushContext* vault, PushRequest request)
    : io_(io),
      vault_(vault),
      request_(std::move(request)),
      number_(vault->NextPushNumber()),
      reader_(io, request_.source, request_.is_stream, vault->segment_bytes(), vault->spans(),
              vault->span_numbers()),
      read_(io, 1),
      cut_(io, 1),
      stages_(io) {}

// The story. What is below fills in the three arrows.
Task<absl::StatusOr<PushResult>> Push::Run() {
  vault_->log()->lag().OnPushOpened(number_, request_.lags_from);
  reader_.OnTaken([this](const Span& span) {
    vault_->log()->lag().OnTaken(span.number, span.taken_at);
    open_spans_.insert(span.number);
  });
  absl::Status looked = co_await reader_.Open();
  if (!looked.ok()) Abandon(looked);
  if (failure_.ok()) {
    absl::StatusOr<PushContext::ArchiveHandle> archive = vault_->OpenArchive(request_.name);
    if (archive.ok())
      archive_.emplace(std::move(*archive));
    else
      failure_ = archive.status();
  }
  if (failure_.ok()) {
    absl::Status resumed = co_await Resume();
    if (!resumed.ok()) Abandon(resumed);
  }
  if (failure_.ok()) {
    stages_.Spawn(ReadSpans());                  // archive -> spans
    stages_.Spawn(CutSpans());                   // spans -> chunks with ids
    absl::Status sealed = co_await SealSpans();  // new? -> sealed -> pack -> log
    if (!sealed.ok()) Abandon(sealed);
    co_await stages_.Join();
  }
  if (failure_.ok()) {
    absl::Status placed = co_await PlaceRoot();  // the archive is whole
    if (!placed.ok()) Abandon(placed);
  }
  if (failure_.ok()) {
    absl::Status committed = co_await Commit();  // both primaries hold it
    if (!committed.ok()) Abandon(committed);
  }
  if (!failure_.ok()) {
    for (const uint64_t span : open_spans_) vault_->log()->lag().OnDropped(span);
    vault_->log()->lag().OnPushAbandoned(number_);
    co_return failure_;
  }
  co_return result_;
}

Task<> Push::ReadSpans() {
  while (failure_.ok()) {
    absl::StatusOr<std::optional<Span>> next = co_await reader_.Next();
    if (!next.ok()) Abandon(next.status());
    if (!next.ok() || !next->has_value()) break;
    Span span = std::move(**next);
    const bool sent = co_await read_.Send(std::move(span));
    if (!sent) break;
  }
  read_.Close();
}

Task<> Push::CutSpans() {
  while (failure_.ok()) {
    std::optional<Span> received = co_await read_.Receive();
    if (!received.has_value()) break;
    Span span = std::move(*received);
    if (span.hole_bytes == 0) {
      // A chunk may begin in the span before: its bytes go in front.
      const size_t own_bytes = span.end - span.begin;
      span.begin -= static_cast<uint32_t>(carry_.size());
      if (!carry_.empty())
        std::memcpy(span.buffer.span().data() + span.begin, carry_.data(), carry_.size());
      CutJob job{&vault_->cut_rule(), &vault_->id_key(), &span};
      const int32_t ran = co_await ComputeSized(io_, span.end - span.begin, &CutJob::Run, &job);
      if (ran < 0) Abandon(ErrnoStatus(ran, "cutting the source"));
      const ByteSpan rest = ByteSpan(span.buffer.span()).subspan(span.begin, span.end - span.begin);
      carry_.assign(rest.begin(), rest.end());
      if (rest.size() <= own_bytes) carried_from_ = rest.empty() ? 0 : span.number;
      span.carried_from = carried_from_;
    }
    const bool sent = co_await cut_.Send(std::move(span));
    if (!sent) break;
  }
  cut_.Close();
}

Task<absl::Status> Push::SealSpans() {
  while (failure_.ok()) {
    std::optional<Span> received = co_await cut_.Receive();
    if (!received.has_value()) break;
    Span span = std::move(*received);
    absl::Status sealed = co_await SealSpan(&span);
    if (!sealed.ok()) co_return sealed;
  }
  if (!failure_.ok()) co_return failure_;
  const bool ours = co_await vault_->pack()->TakeTurn(&failure_);
  if (!ours) co_return failure_;
  absl::Status ended = co_await EndSegment();
  vault_->pack()->GiveTurn();
  co_return ended;
}

Task<absl::Status> Push::SealSpan(Span* span) {
  std::vector<ChunkId> ids;
  for (const CutChunk& chunk : span->chunks) ids.push_back(chunk.id);
  NewChunks::Known known;
  if (!ids.empty()) {
    absl::Status found = co_await vault_->lookup()->Find(&ids, &known);
    if (!found.ok()) co_return found;
  }
  NewChunks fresh(io_, *span, known);
  if (request_.compress && !fresh.items()->empty()) {
    const int level = vault_->pack()->CompressionLevel(root_.new_bytes + fresh.bytes(),
                                                       root_.data_bytes + fresh.span_bytes());
    absl::Status compressed = co_await fresh.Compress(level);
    if (!compressed.ok()) co_return compressed;
  }
  if (!tree_.has_value()) tree_.emplace();
  const bool ours = co_await vault_->pack()->TakeTurn(&failure_);
  if (!ours) co_return failure_;
  absl::Status placed = co_await PlaceChunks(span, &known, &fresh);
  // Before its record can close: the lag book wants to know what each record completes.
  if (placed.ok()) TellPlaced(*span);
  if (placed.ok() && span->ends_segment) placed = co_await EndSegment();
  if (placed.ok() && ResumePointDue()) placed = co_await PlaceResumePoint();
  vault_->pack()->GiveTurn();
  co_return placed;
}

// What was carried over stands in no pack yet.
void Push::TellPlaced(const Span& span) {
  const uint64_t end = span.carried_from == 0 ? span.number + 1 : span.carried_from;
  while (!open_spans_.empty() && *open_spans_.begin() < end) {
    vault_->log()->lag().OnPlaced(*open_spans_.begin(), vault_->pack()->last_sequence());
    open_spans_.erase(open_spans_.begin());
  }
}

// With the turn: seals what is new, writes the manifest's entries in the archive's order.
Task<absl::Status> Push::PlaceChunks(Span* span, NewChunks::Known* known, NewChunks* fresh) {
  if (span->hole_bytes > 0) {
    LeafEntry hole;
    hole.kind = LeafEntry::Kind::kHole;
    hole.bytes = span->hole_bytes;
    tree_->Add(std::move(hole));
    root_.source_bytes += span->hole_bytes;
    absl::Status nodes = co_await PlacePendingNodes();
    co_return nodes;
  }
  fresh->DropKnown(vault_->lookup(), known);
  std::vector<SealItem>* items = fresh->items();
  absl::Status sealed = co_await vault_->pack()->Seal(items);
  if (!sealed.ok()) co_return sealed;
  for (const SealItem& item : *items) {
    ChunkLookup::Known stored{item.key, item.location, static_cast<uint32_t>(item.plaintext.size()),
                              item.codec};
    vault_->lookup()->Add(item.id, stored, archive_->id);
    root_.new_bytes += item.plaintext.size();
    stored_bytes_ += item.location.sealed_bytes;
  }
  root_.new_chunks += items->size();
  for (size_t i = 0; i < span->chunks.size(); ++i) {
    const CutChunk& chunk = span->chunks[i];
    LeafEntry entry;
    entry.kind = chunk.forced ? LeafEntry::Kind::kForcedChunk : LeafEntry::Kind::kChunk;
    entry.bytes = chunk.bytes;
    entry.id = chunk.id;
    const SealItem* item = fresh->ItemOf(i);
    entry.codec = item == nullptr ? (*known)[i]->codec : item->codec;
    entry.key = item == nullptr ? (*known)[i]->key : item->key;
    entry.location = item == nullptr ? (*known)[i]->location : item->location;
    tree_->Add(std::move(entry));
    root_.source_bytes += chunk.bytes;
    root_.data_bytes += chunk.bytes;
    if (tree_->Pending() == nullptr) continue;
    absl::Status nodes = co_await PlacePendingNodes();
    if (!nodes.ok()) co_return nodes;
  }
  root_.chunks += span->chunks.size();
  co_return absl::OkStatus();
}

Task<absl::Status> Push::PlacePendingNodes() {
  while (tree_->Pending() != nullptr) {
    const uint8_t level = tree_->Pending()->level;
    std::vector<std::byte> plain = tree_->Pending()->plain;
    absl::StatusOr<PackFiller::PlacedNode> placed =
        co_await vault_->pack()->PlaceNode(archive_->id, level, std::move(plain));
    if (!placed.ok()) co_return placed.status();
    tree_->Placed(placed->location, placed->key);
    stored_bytes_ += placed->location.sealed_bytes;
  }
  co_return absl::OkStatus();
}

// A segment restores alone: its chunks and nodes share no pack with the next one's.
Task<absl::Status> Push::EndSegment() {
  if (!tree_.has_value()) co_return absl::OkStatus();
  tree_->Finish();
  absl::Status nodes = co_await PlacePendingNodes();
  if (!nodes.ok()) co_return nodes;
  assert(tree_->done());
  SegmentRef segment;
  segment.begin = segment_begin_;
  segment.source_bytes = tree_->source_bytes();
  segment.root_level = tree_->root_level();
  segment.root = tree_->root();
  if (segment.source_bytes > 0) root_.segments.push_back(segment);
  tree_.reset();
  segment_begin_ += segment.source_bytes;
  if (segment_begin_ % vault_->segment_bytes() != 0) co_return absl::OkStatus();
  absl::Status closed = co_await vault_->pack()->CloseNow();
  co_return closed;
}

Task<absl::Status> Push::PlaceRoot() {
  absl::StatusOr<bool> unchanged = co_await reader_.Unchanged();
  if (!unchanged.ok()) co_return unchanged.status();
  root_.mode = request_.is_stream ? 0 : reader_.stat().mode & 07777;
  root_.mtime_nanos = request_.is_stream ? 0 : absl::ToUnixNanos(reader_.stat().mtime);
  root_.segment_bytes = vault_->segment_bytes();
  envelope_.archive = archive_->id;
  envelope_.name = request_.name;
  envelope_.kek_id = vault_->keys().kek.id;
  envelope_.wrapped_key = archive_->wrapped;
  envelope_.complete = *unchanged;
  envelope_.captured_at_nanos = absl::ToUnixNanos(request_.captured_at);
  envelope_.source_bytes = root_.source_bytes;
  if (!request_.idempotency_key.empty()) {
    envelope_.idempotency =
        KeyedHash(vault_->keys().secrets.k_dir.view(), AsBytes(request_.idempotency_key));
  }
  const bool ours = co_await vault_->pack()->TakeTurn(&failure_);
  if (!ours) co_return failure_;
  envelope_.version = vault_->catalog()->NextVersion(request_.name);
  const ResumeNotice done = MakeNotice(request_.captured_at);
  const ResumeNotice* done_if_begun = vault_->resume_book()->Has(archive_->id) ? &done : nullptr;
  std::vector<std::byte> plain = EncodeRoot(root_);
  absl::Status placed = co_await vault_->pack()->PlaceRoot(std::move(plain), &archive_->key,
                                                           &envelope_, done_if_begun);
  if (placed.ok()) {
    if (done_if_begun != nullptr) vault_->resume_book()->Add(done, 0);
    vault_->log()->lag().OnPushRooted(number_, envelope_.root.sequence);
    CatalogVersion version;
    version.envelope = envelope_;
    version.sequence = envelope_.root.sequence;
    vault_->catalog()->Add(std::move(version));
  }
  vault_->pack()->GiveTurn();
  co_return placed;
}

Task<absl::Status> Push::Commit() {
  waiting_for_commit_ = true;
  absl::Status committed;
  if (!MUSEUM_BUG("push-not-waited-for"))
    committed = co_await vault_->log()->WaitCommitted(envelope_.root.sequence, &failure_);
  if (!committed.ok()) co_return committed;
  result_.version = envelope_.version;
  result_.sequence = envelope_.root.sequence;
  result_.committed_at = io_->Now();
  result_.complete = envelope_.complete;
  result_.source_bytes = root_.source_bytes;
  result_.data_bytes = root_.data_bytes;
  result_.new_bytes = root_.new_bytes;
  result_.stored_bytes = stored_bytes_ + envelope_.root.sealed_bytes;
  result_.chunks = root_.chunks;
  result_.new_chunks = root_.new_chunks;
  result_.segments = root_.segments.size();
  co_return absl::OkStatus();
}

void Push::Abandon(const absl::Status& why) {
  if (failure_.ok()) failure_ = why;
  read_.Close();
  cut_.Close();
  reader_.Interrupt();
  vault_->pack()->WakeWaiters();
  vault_->log()->WakeWaiters();
}

}  // namespace tidemark
