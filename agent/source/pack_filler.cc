#include "agent/source/pack_filler.h"

#include <cassert>
#include <utility>

#include "agent/io/compute.h"
#include "agent/io/transfer.h"
#include "agent/source/seal_job.h"

namespace tidemark {

PackFiller::PackFiller(Io* io, const Options& options, LogWriter* log, const VaultKeys* keys)
    : io_(io),
      options_(options),
      log_(log),
      keys_(keys),
      turn_changed_(io),
      close_work_(io),
      tasks_(io) {}

Task<bool> PackFiller::TakeTurn(const absl::Status* interrupt) {
  const uint64_t ticket = ++last_ticket_;
  tickets_.push_back(ticket);
  while (turn_taken_ || tickets_.front() != ticket) {
    if (interrupt != nullptr && !interrupt->ok()) {
      tickets_.remove(ticket);
      turn_changed_.WakeAll();
      co_return false;
    }
    co_await turn_changed_.Wait();
  }
  tickets_.pop_front();
  turn_taken_ = true;
  interrupt_ = interrupt;
  co_return true;
}

void PackFiller::GiveTurn() {
  interrupt_ = nullptr;
  turn_taken_ = false;
  turn_changed_.WakeAll();
}

// By what waits for the sites, not by measured time: the same story compresses the same way.
int PackFiller::CompressionLevel(uint64_t new_bytes, uint64_t read_bytes) const {
  const bool links_keep_up = log_->window().uncommitted_bytes() < 4 * kRecordBytesMax;
  const bool is_little = new_bytes <= read_bytes / options_.little_share;
  return links_keep_up && !is_little ? options_.hurried_level : options_.compression_level;
}

Task<absl::Status> PackFiller::OpenPack() {
  assert(!builder_.has_value());
  absl::StatusOr<PooledBuffer> buffer = co_await log_->AcquireBuffer(interrupt_);
  if (!buffer.ok()) co_return buffer.status();
  buffer_ = std::move(*buffer);
  PackIdentity identity{log_->vault(), log_->epoch(), log_->next_sequence()};
  builder_.emplace(identity, buffer_.span().subspan(kRecordHeaderBytes, kPackBytesMax));
  last_sequence_ = identity.sequence;
  tasks_.Spawn(Linger(identity.sequence));
  co_return absl::OkStatus();
}

Task<absl::StatusOr<uint64_t>> PackFiller::OpenSequence() {
  if (!builder_.has_value()) {
    absl::Status opened = co_await OpenPack();
    if (!opened.ok()) co_return opened;
  }
  co_return builder_->identity().sequence;
}

Task<absl::Status> PackFiller::Seal(std::vector<SealItem>* items) {
  if (items->empty()) co_return absl::OkStatus();
  size_t bytes = 0;
  for (const SealItem& item : *items) bytes += item.plaintext.size();
  DrawnEntropy entropy(io_, items->size() * kEntropyBytesPerSeal);
  SealJob job;
  job.secrets = &keys_->secrets;
  job.entropy = &entropy;
  job.items = items;
  while (job.next < items->size()) {
    if (!builder_.has_value()) {
      absl::Status opened = co_await OpenPack();
      if (!opened.ok()) co_return opened;
    }
    job.builder = &*builder_;
    const int32_t ran = co_await ComputeSized(io_, bytes, &SealJob::Run, &job);
    if (ran < 0) co_return ErrnoStatus(ran, "sealing chunks");
    if (job.next == items->size()) break;
    absl::Status closed = co_await CloseNow();
    if (!closed.ok()) co_return closed;
  }
  co_return absl::OkStatus();
}

// Room for one object, in the open pack or the next. What belongs beside it in the directory fits.
Task<absl::StatusOr<MutableByteSpan>> PackFiller::ReserveSpace(size_t sealed_bytes) {
  while (true) {
    absl::StatusOr<uint64_t> sequence = co_await OpenSequence();
    if (!sequence.ok()) co_return sequence.status();
    const MutableByteSpan space = builder_->Reserve(sealed_bytes);
    if (!space.empty()) co_return space;
    absl::Status closed = co_await CloseNow();
    if (!closed.ok()) co_return closed;
  }
}

Task<absl::StatusOr<PackFiller::PlacedNode>> PackFiller::PlaceNode(ArchiveId archive, uint8_t level,
                                                                   std::vector<std::byte> plain) {
  const size_t sealed_bytes = plain.size() + kSealTagBytes;
  const std::vector<std::byte> context = NodeContext(archive, level);
  absl::StatusOr<MutableByteSpan> space = co_await ReserveSpace(sealed_bytes);
  if (!space.ok()) co_return space.status();
  SingleUseKey key = SingleUseKey::Hedged(keys_->secrets.k_hedge, io_, SealedKind::kNode,
                                          Codec::kRaw, HashBytes(plain).bytes, context);
  PlacedNode placed;
  placed.key = tidemark::Seal(std::move(key), SealedKind::kNode, Codec::kRaw, context, plain,
                              space->first(sealed_bytes));
  placed.location.sequence = builder_->identity().sequence;
  placed.location.sealed_bytes = static_cast<uint32_t>(sealed_bytes);
  placed.location.offset = builder_->Keep(SealedKind::kNode, ChunkId{}, sealed_bytes);
  co_return placed;
}

Task<absl::Status> PackFiller::PlaceRoot(std::vector<std::byte> plain, const Secret32* archive_key,
                                         Envelope* envelope, const ResumeNotice* done) {
  const size_t sealed_bytes = plain.size() + kSealTagBytes;
  absl::StatusOr<MutableByteSpan> space = co_await ReserveSpace(sealed_bytes);
  if (!space.ok()) co_return space.status();
  const std::vector<std::byte> context = NodeContext(envelope->archive, kRootLevel);
  envelope->root_salt = SingleUseKey::HedgedSalt(keys_->secrets.k_hedge, io_, SealedKind::kRoot,
                                                 HashBytes(plain).bytes, context);
  SingleUseKey key =
      SingleUseKey::FromSalt(*archive_key, envelope->root_salt, SealedKind::kRoot, context);
  tidemark::Seal(std::move(key), SealedKind::kRoot, Codec::kRaw, context, plain,
                 space->first(sealed_bytes));
  envelope->root.sequence = builder_->identity().sequence;
  envelope->root.sealed_bytes = static_cast<uint32_t>(sealed_bytes);
  envelope->root.offset = builder_->Keep(SealedKind::kRoot, ChunkId{}, sealed_bytes);
  envelope->closed_at_nanos = absl::ToUnixNanos(io_->Now());
  builder_->AddEnvelope(*envelope);
  if (done != nullptr) builder_->AddNotice(*done);
  RequestClose();
  co_return absl::OkStatus();
}

Task<absl::Status> PackFiller::PlaceResumePoint(std::vector<std::byte> plain,
                                                const Secret32* archive_key, ResumeNotice* notice) {
  const size_t sealed_bytes = plain.size() + kSealTagBytes;
  absl::StatusOr<MutableByteSpan> space = co_await ReserveSpace(sealed_bytes);
  if (!space.ok()) co_return space.status();
  const std::vector<std::byte> context = NodeContext(notice->archive, kResumeLevel);
  notice->salt = SingleUseKey::HedgedSalt(keys_->secrets.k_hedge, io_, SealedKind::kResume,
                                          HashBytes(plain).bytes, context);
  SingleUseKey key =
      SingleUseKey::FromSalt(*archive_key, notice->salt, SealedKind::kResume, context);
  tidemark::Seal(std::move(key), SealedKind::kResume, Codec::kRaw, context, plain,
                 space->first(sealed_bytes));
  Wipe(plain);  // it held keys of nodes
  notice->point.sequence = builder_->identity().sequence;
  notice->point.sealed_bytes = static_cast<uint32_t>(sealed_bytes);
  notice->point.offset = builder_->Keep(SealedKind::kResume, ChunkId{}, sealed_bytes);
  builder_->AddNotice(*notice);
  co_return absl::OkStatus();
}

Task<absl::Status> PackFiller::RepeatNotices(std::vector<ResumeNotice> notices) {
  for (const ResumeNotice& notice : notices) {
    while (true) {
      absl::StatusOr<uint64_t> sequence = co_await OpenSequence();
      if (!sequence.ok()) co_return sequence.status();
      if (builder_->FitsNotice(notice)) break;
      absl::Status closed = co_await CloseNow();
      if (!closed.ok()) co_return closed;
    }
    builder_->AddNotice(notice);
  }
  co_return absl::OkStatus();
}

Task<absl::Status> PackFiller::CloseNow() {
  close_requested_ = false;
  hurry_ = absl::OkStatus();
  if (!builder_.has_value() || builder_->empty()) co_return log_->failure();
  if (linger_sleep_ != nullptr) io_->Cancel(std::exchange(linger_sleep_, nullptr));
  DrawnEntropy entropy(io_, kEntropyBytesPerFinish);
  FinishJob job;
  job.builder = &*builder_;
  job.secrets = &keys_->secrets;
  job.entropy = &entropy;
  job.buffer = buffer_.span().subspan(kRecordHeaderBytes, kPackBytesMax);
  const size_t used = builder_->used_bytes();
  const int32_t ran = co_await ComputeSized(io_, used, &FinishJob::Run, &job);
  builder_.reset();  // finished: nothing more goes into it, whatever follows
  absl::Status usable = log_->failure();
  if (usable.ok() && ran < 0) usable = ErrnoStatus(ran, "finishing a pack");
  if (!usable.ok()) {
    buffer_.Release();
    co_return usable;
  }
  stored_bytes_ += kRecordHeaderBytes + job.payload_bytes;
  log_->Append(RecordKind::kPack, std::move(buffer_), static_cast<uint32_t>(job.payload_bytes),
               std::move(job.blocks));
  co_return absl::OkStatus();
}

Task<absl::StatusOr<Position>> PackFiller::AppendControl(RecordKind kind,
                                                         std::vector<std::byte> body) {
  absl::Status closed = co_await CloseNow();
  if (!closed.ok()) co_return closed;
  builder_.reset();  // an empty one: its sequence is taken by the control record
  buffer_.Release();
  absl::StatusOr<Position> position = co_await log_->AppendControl(kind, std::move(body));
  if (position.ok()) last_sequence_ = position->sequence;
  co_return position;
}

Task<absl::Status> PackFiller::AppendMode() {
  absl::Status closed = co_await CloseNow();
  if (!closed.ok()) co_return closed;
  builder_.reset();
  buffer_.Release();
  log_->AppendMode();
  co_return absl::OkStatus();
}

void PackFiller::RequestClose() {
  close_requested_ = true;
  close_work_.WakeAll();
}

// Waiting is what groups commits: whoever comes before the turn gets into the same pack.
Task<> PackFiller::CloseLoop() {
  while (true) {
    while (!close_requested_ && !stopping_) co_await close_work_.Wait();
    if (stopping_) co_return;
    co_await WaitForCompany();
    co_await TakeTurn(nullptr);
    if (close_requested_ && log_->open()) {
      absl::Status closed = co_await CloseNow();
      if (!closed.ok()) log_->Fail(closed);
      if (closed.ok()) early_.push_back(log_->next_sequence() - 1);
    }
    close_requested_ = close_requested_ && log_->open();
    GiveTurn();
  }
}

// A record costs each site a write and a flush however small it is. One who pushes alone waits for
// nobody; of many, those who come while earlier ones are under way share the next.
Task<> PackFiller::WaitForCompany() {
  while (!early_.empty() && early_.front() <= log_->committed_sequence()) early_.pop_front();
  if (early_.size() < options_.early_packs_max || !log_->open()) co_return;
  const uint64_t oldest = early_.front();
  absl::Status committed = co_await log_->WaitCommitted(oldest, &hurry_);
  (void)committed;  // in a hurry, or the log has failed: closing it tells
}

// What was read must not sit in a half-full pack: the RPO counts from when it was taken.
Task<> PackFiller::Linger(uint64_t sequence) {
  Op sleep = io_->Sleep(options_.linger);
  linger_sleep_ = &sleep;
  const int32_t slept = co_await sleep;
  if (linger_sleep_ == &sleep) linger_sleep_ = nullptr;
  if (slept < 0 || stopping_) co_return;
  if (!builder_.has_value() || builder_->identity().sequence != sequence) co_return;
  hurry_ = absl::DeadlineExceededError("the pack has lingered");
  log_->WakeWaiters();
  RequestClose();
}

void PackFiller::Stop() {
  stopping_ = true;
  hurry_ = absl::CancelledError("the agent stops");
  log_->WakeWaiters();
  if (linger_sleep_ != nullptr) io_->Cancel(linger_sleep_);
  close_work_.WakeAll();
}

}  // namespace tidemark
