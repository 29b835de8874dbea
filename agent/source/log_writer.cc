#include "agent/source/log_writer.h"

#include <algorithm>
#include <cassert>
#include <cstring>
#include <utility>

#include "agent/source/lag_clock.h"
#include "crypto/rare_path.h"
#include "replicator/control_record.h"

namespace tidemark {
namespace {
constexpr size_t kByteMarksMax = 8192;
// Memory of their own: they are appended when there is no room for anything else.
constexpr size_t kModeRecordsMax = 4;  // held at once; one more waits for the first to be committed
constexpr size_t kModePayloadBytesMax = 4096;
constexpr uint64_t kIoBytes = 16384;  // what one I/O is counted by
constexpr absl::Duration kOwedStep = absl::Milliseconds(50);
}  // namespace

LogWriter::LogWriter(Io* io, const Options& options, const SigningKey* agent, BufferPool* records)
    : io_(io),
      options_(options),
      agent_(agent),
      records_(records),
      mode_records_(io, kModeRecordsMax, kRecordHeaderBytes + kModePayloadBytesMax),
      admission_(options.admission),
      room_(io),
      committed_(io) {}

void LogWriter::Begin(uint64_t epoch, const SessionId& nonce, const Position& base) {
  epoch_ = epoch;
  nonce_ = nonce;
  window_.emplace(options_.window, base);
  lag_.emplace(options_.window.sites, base.sequence, LagNow(io_));
  for (SiteIndex site = 0; before_ && site < options_.window.sites; ++site) {
    const std::optional<ProvenBefore> known = before_(site);
    if (!known.has_value()) continue;
    lag_->OnProvenBefore(site, LagNow(io_) - (io_->Now() - known->taken), known->sequence);
  }
  NotifyWork();
}

void LogWriter::Fail(absl::Status why) {
  if (!failure_.ok()) return;
  failure_ = std::move(why);
  NotifyWork();
  room_.WakeAll();
  committed_.WakeAll();
}

void LogWriter::NotifyWork() const {
  for (const std::function<void()>& listener : work_listeners_) listener();
}

Task<absl::StatusOr<PooledBuffer>> LogWriter::AcquireBuffer(const absl::Status* interrupt) {
  while (true) {
    if (!failure_.ok()) co_return failure_;
    if (interrupt != nullptr && !interrupt->ok()) co_return *interrupt;
    assert(window_.has_value());
    if (requested_mode_.has_value()) AppendMode();
    const absl::Duration behind = admission_.looks_at_lag() ? Behind() : absl::ZeroDuration();
    const absl::Duration owed = admission_.Wait(io_->Monotonic(), behind);
    if (owed > absl::ZeroDuration()) {  // in steps, so that an interrupt is seen
      Op sleep = io_->Sleep(std::min(owed, kOwedStep));
      const int32_t slept = co_await sleep;
      (void)slept;
      continue;
    }
    if (window_->MayAppend(kPackBytesMax)) {
      PooledBuffer buffer = TryAcquire();
      if (buffer) co_return std::move(buffer);
    }
    co_await room_.Wait();
  }
}

// What every site has goes first, of any vault, which may be idle for ever; then what only a late
// site lacks: of this vault, then where most is held.
PooledBuffer LogWriter::TryAcquire() {
  EvictFinished(false);
  PooledBuffer buffer = records_->TryAcquire();
  if (buffer) return buffer;
  for (LogWriter* log : *sharing_) log->EvictFinished(false);
  buffer = records_->TryAcquire();
  if (!buffer) EvictFinished(true);
  if (!buffer) buffer = records_->TryAcquire();
  if (buffer) return buffer;
  LogWriter* most = *std::ranges::max_element(*sharing_, {}, [](const LogWriter* log) {
    const uint64_t committed = log->committed_sequence();
    return std::distance(log->held_.begin(), log->held_.upper_bound(committed));
  });
  most->EvictFinished(true);
  return records_->TryAcquire();
}

void LogWriter::WakeWhoWaitsForRoom() {
  for (LogWriter* log : *sharing_) log->room_.WakeAll();
}

// Drops records from the old end: those that every site holds, and for room also committed ones
// that the witness still lacks (it will fetch them from a primary).
void LogWriter::EvictFinished(bool for_room) {
  while (window_.has_value() && window_->oldest().has_value() && window_->MayEvict(for_room)) {
    const uint64_t sequence = *window_->oldest();
    window_->Evict();
    auto held = held_.find(sequence);
    assert(held != held_.end());
    held->second.evicted = true;
    if (held->second.pins == 0) held_.erase(held);
    if (for_room) RARE_PATH("record-forgotten-for-room");
    if (for_room) return;  // one is enough
  }
}

Position LogWriter::Append(RecordKind kind, PooledBuffer buffer, uint32_t payload_bytes,
                           std::vector<Digest> blocks) {
  assert(open());
  CanonicalHeader header;
  header.kind = kind;
  header.vault = options_.vault;
  header.epoch = epoch_;
  header.sequence = next_sequence();
  header.committed_sequence = window_->committed_sequence();
  header.made_at_nanos = absl::ToUnixNanos(io_->Now());
  header.payload_bytes = payload_bytes;
  header.previous = window_->tail().digest;
  header.blocks = std::move(blocks);
  const Position position = header.position();
  window_->Append(position, kRecordHeaderBytes + payload_bytes);
  appended_bytes_ += kRecordHeaderBytes + payload_bytes;
  admission_.Take((kRecordHeaderBytes + payload_bytes + kIoBytes - 1) / kIoBytes, io_->Monotonic());
  NoteBytes(position.sequence);
  Held& held = held_[position.sequence];
  held.header = std::move(header);
  held.buffer = std::move(buffer);
  lag_->OnRecordClosed(position.sequence, LagNow(io_));
  commit_times_.OnClosed(position.sequence, io_->Monotonic());
  NotifyWork();
  return position;
}

Task<absl::StatusOr<Position>> LogWriter::AppendControl(RecordKind kind,
                                                        std::vector<std::byte> body) {
  absl::StatusOr<PooledBuffer> buffer = co_await AcquireBuffer(nullptr);
  if (!buffer.ok()) co_return buffer.status();
  const Position position = AppendSmall(kind, std::move(*buffer), body);
  co_return position;
}

Position LogWriter::AppendSmall(RecordKind kind, PooledBuffer buffer,
                                const std::vector<std::byte>& body) {
  const std::vector<std::byte> payload =
      MakeControlPayload(*agent_, options_.vault, kind, epoch_, next_sequence(), body);
  std::memcpy(buffer.span().data() + kRecordHeaderBytes, payload.data(), payload.size());
  const Position position =
      Append(kind, std::move(buffer), static_cast<uint32_t>(payload.size()), BlockDigests(payload));
  if (on_control_) on_control_(held_.at(position.sequence).header, payload);
  return position;
}

void LogWriter::RequestMode(ModeChange change) {
  requested_mode_ = std::move(change);
  room_.WakeAll();
}

void LogWriter::AppendMode() {
  if (!requested_mode_.has_value() || !open()) return;
  EvictFinished(false);
  PooledBuffer buffer = mode_records_.TryAcquire();
  if (!buffer) return;
  const ModeChange change = *std::exchange(requested_mode_, std::nullopt);
  AppendSmall(RecordKind::kMode, std::move(buffer), Encode(change));
  window_->SetMode(change.mode);
  AnnounceCommits();
}

Task<absl::Status> LogWriter::WaitCommitted(uint64_t sequence, const absl::Status* interrupt) {
  while (failure_.ok() && window_->committed_sequence() < sequence) {
    if (interrupt != nullptr && !interrupt->ok()) co_return *interrupt;
    co_await committed_.Wait();
  }
  if (window_->committed_sequence() >= sequence) co_return absl::OkStatus();
  co_return failure_;
}

void LogWriter::WakeWaiters() {
  room_.WakeAll();
  committed_.WakeAll();
}

LogWriter::Pinned LogWriter::Pin(uint64_t sequence) {
  auto held = held_.find(sequence);
  assert(held != held_.end());
  ++held->second.pins;
  const CanonicalHeader& header = held->second.header;
  return {&header, held->second.buffer.span().subspan(kRecordHeaderBytes, header.payload_bytes)};
}

void LogWriter::Unpin(uint64_t sequence) {
  auto held = held_.find(sequence);
  assert(held != held_.end() && held->second.pins > 0);
  if (--held->second.pins > 0 || !held->second.evicted) return;
  held_.erase(held);
  WakeWhoWaitsForRoom();
}

LogWindow::Feed LogWriter::LinkUp(SiteIndex site, const Position& durable) {
  const LogWindow::Feed feed = window_->LinkUp(site, durable);
  if (feed != LogWindow::Feed::kDiverged) lag_->OnDurable(site, window_->durable(site).sequence);
  AnnounceCommits();
  return feed;
}

LogWindow::Feed LogWriter::FetchFinished(SiteIndex site, const Position& durable) {
  const LogWindow::Feed feed = window_->FetchFinished(site, durable);
  if (feed != LogWindow::Feed::kDiverged) lag_->OnDurable(site, window_->durable(site).sequence);
  AnnounceCommits();
  return feed;
}

absl::Status LogWriter::OnAck(SiteIndex site, const Position& durable) {
  absl::StatusOr<bool> grew = window_->OnAck(site, durable);
  if (!grew.ok()) return grew.status();
  if (window_->IsOurs(durable)) lag_->OnAck(site, durable.sequence, LagNow(io_));
  AnnounceCommits();
  return absl::OkStatus();
}

absl::Status LogWriter::OnHeartbeat(SiteIndex site, const Position& durable, absl::Time sent_at) {
  absl::StatusOr<bool> grew = window_->OnAck(site, durable);
  if (!grew.ok()) return grew.status();
  lag_->OnHeartbeat(site, sent_at, window_->IsOurs(durable) ? durable.sequence : 0);
  AnnounceCommits();
  return absl::OkStatus();
}

void LogWriter::AnnounceCommits() {
  WakeWhoWaitsForRoom();
  if (window_->committed_sequence() == announced_) return;
  announced_ = window_->committed_sequence();
  commit_times_.OnCommitted(announced_, io_->Monotonic());
  for (const std::function<void(uint64_t)>& listener : commit_listeners_) listener(announced_);
  committed_.WakeAll();
  NotifyWork();  // the witness may have the newly committed ones
}

// Keeps memory bounded however far a site lags: every other old entry goes, so what is pending is
// told too high rather than too low.
void LogWriter::NoteBytes(uint64_t sequence) {
  bytes_upto_.emplace_back(sequence, appended_bytes_);
  if (bytes_upto_.size() <= kByteMarksMax) return;
  std::deque<std::pair<uint64_t, uint64_t>> kept;
  for (size_t i = 0; i < bytes_upto_.size(); ++i) {
    if (i % 2 == 0 || i + kByteMarksMax / 4 > bytes_upto_.size()) kept.push_back(bytes_upto_[i]);
  }
  bytes_upto_ = std::move(kept);
}

}  // namespace tidemark
