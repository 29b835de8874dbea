#include "agent/site/site_vault.h"

#include <cassert>
#include <utility>

#include "absl/strings/str_format.h"
#include "crypto/museum.h"

namespace tidemark {

SiteVault::SiteVault(const VaultContext* context, VaultPlace place)
    : context_(context),
      place_(std::move(place)),
      file_(context->io, place_.directory),
      book_(0, SessionId(), Position(), Position()),
      changing_(context->io, 1),
      work_(context->io),
      idle_(context->io),
      moved_(context->io),
      tasks_(context->io) {}

bool SiteVault::blocked() const {
  return trouble_.code() == wire::Failure::DAMAGED || trouble_.code() == wire::Failure::DIVERGED ||
         trouble_.code() == wire::Failure::VERSION;
}

wire::VaultState SiteVault::State() const {
  wire::VaultState state;
  state.set_vault(ToWire(ByteSpan(place_.vault.bytes)));
  *state.mutable_tail() = ToWire(book_.tail());
  const bool flatters = MUSEUM_BUG("tail-told-as-durable");
  *state.mutable_durable() = ToWire(flatters ? book_.tail() : book_.durable());
  state.set_promised_epoch(book_.epoch());
  state.set_promise_nonce(ToWire(ByteSpan(book_.nonce().bytes)));
  if (trouble_.code() != wire::Failure::NONE) *state.mutable_trouble() = trouble_;
  state.set_log_bytes(log_->bytes());
  const StoreCounters& counted = log_->counted();
  state.set_write_io_count(counted.write_io_count);
  state.set_read_io_count(counted.read_io_count);
  state.set_bytes_written(counted.bytes_written);
  state.set_bytes_read(counted.bytes_read);
  return state;
}

absl::StatusOr<PromiseBook::Offer> SiteVault::MayAppend(const AppendRight& right,
                                                        const CanonicalHeader& header,
                                                        const Digest& digest) const {
  if (blocked()) return FailureStatus(context_->signer.site, trouble_);
  absl::Status current = book_.IsCurrent(right.epoch, right.nonce);
  if (!current.ok()) return current;
  // Under way when the agent ordered the fetch: it sends again what the fetch does not bring.
  if (fetching()) return PromiseBook::Offer::kDuplicate;
  if (memory_.fetch.has_value()) {
    return absl::FailedPreconditionError("an older fetch is still remembered");
  }
  absl::StatusOr<PromiseBook::Offer> offer =
      book_.MayAppend(right.epoch, right.nonce, header, digest);
  // Not damage: the log is whole, and it is another one than the agent's.
  if (!absl::IsDataLoss(offer.status())) return offer;
  return FailureStatus(context_->signer.site,
                       MakeFailure(wire::Failure::DIVERGED, std::string(offer.status().message())));
}

void SiteVault::Append(RecordBuffer record) {
  book_.Appended({record.header.epoch, record.header.sequence, record.digest});
  Queue(std::move(record));
}

absl::StatusOr<PromiseBook::Offer> SiteVault::MayFetch(const CanonicalHeader& header,
                                                       const Digest& digest) const {
  if (!fetch_error_.ok()) return fetch_error_;
  absl::Status current = book_.IsCurrent(fetch_right_.epoch, fetch_right_.nonce);
  if (!fetch_repairs_ && !current.ok()) return current;
  return book_.MayFetch(*fetch_checkpoint_, header, digest);
}

void SiteVault::Fetch(RecordBuffer record) {
  book_.Fetched(*fetch_checkpoint_, {record.header.epoch, record.header.sequence, record.digest});
  Queue(std::move(record));
}

void SiteVault::Queue(RecordBuffer record) {
  queue_.push_back(std::move(record));
  work_.WakeAll();
  moved_.WakeAll();
}

Task<> SiteVault::CommitLoop() {
  while (true) {
    while (queue_.empty() && !closing_) co_await work_.Wait();
    if (queue_.empty()) break;
    committing_ = true;
    co_await CommitGroup();
    committing_ = false;
    if (queue_.empty()) idle_.WakeAll();
  }
}

// All that is queued now: written together, flushed once per file, then told.
Task<> SiteVault::CommitGroup() {
  group_ = std::exchange(queue_, {});
  size_t done = 0;
  while (done < group_.size()) {
    absl::StatusOr<size_t> committed = co_await log_->Commit(&group_, done);
    if (!committed.ok()) {
      Drop(committed.status());
      break;
    }
    for (size_t i = done; i < done + *committed; ++i) group_[i].memory.Release();
    done += *committed;
    OnCommitted(log_->flushed());
  }
  group_.clear();
}

void SiteVault::OnCommitted(const Position& flushed) {
  if (trouble_.code() == wire::Failure::FULL || trouble_.code() == wire::Failure::IO)
    trouble_.Clear();
  const uint64_t before = book_.durable().sequence;
  book_.Flushed(flushed);
  if (book_.durable().sequence == before || !may_sign()) return;
  for (SiteListener* listener : *context_->listeners) listener->OnDurable(this);
  context_->heads_changed->WakeAll();
}

// What was not flushed is forgotten, also what has been queued behind it since.
void SiteVault::Drop(const absl::Status& why) {
  book_.DropUnflushed();
  if (!MUSEUM_BUG("queue-kept-behind-failure")) queue_.clear();
  const bool full = absl::IsResourceExhausted(why);
  const wire::Failure failure =
      MakeFailure(full ? wire::Failure::FULL : wire::Failure::IO, std::string(why.message()));
  if (!blocked()) trouble_ = failure;
  if (fetching()) fetch_error_ = why;
  const uint64_t first = book_.tail().sequence + 1;
  moved_.WakeAll();
  if (MUSEUM_BUG("drop-not-told")) return;
  for (SiteListener* listener : *context_->listeners) listener->OnDropped(this, first, failure);
}

void SiteVault::OnFreeSpace(uint64_t free_bytes) {
  const bool room = free_bytes >= context_->log.reserve_bytes + context_->log.file_bytes_min;
  if (trouble_.code() == wire::Failure::FULL && room) trouble_.Clear();
}

Task<> SiteVault::WaitIdle() {
  while (committing_ || !queue_.empty()) co_await idle_.Wait();
}

Task<> SiteVault::Close() {
  co_await WaitIdle();
  closing_ = true;
  work_.WakeAll();
  co_await tasks_.Join();
  co_await log_->Close();
}

}  // namespace tidemark
