#include "replicator/promise_book.h"

#include <algorithm>
#include <cassert>

#include "absl/strings/str_format.h"
#include "crypto/museum.h"
#include "crypto/rare_path.h"

namespace tidemark {
namespace {

bool BeginsEpoch(const CanonicalHeader& header) {
  return header.kind == RecordKind::kEpochStart ||
         (header.kind == RecordKind::kVaultGenesis && header.sequence == 1);
}

absl::Status Diverged(const Position& held, const CanonicalHeader& header, const Digest& digest) {
  return absl::DataLossError(absl::StrFormat(
      "diverged at sequence %d: the log holds %s of epoch %d, offered was %s of epoch %d",
      held.sequence, held.digest.hex().substr(0, 16), held.epoch, digest.hex().substr(0, 16),
      header.epoch));
}

}  // namespace

PromiseBook::PromiseBook(uint64_t promised_epoch, SessionId nonce, Position tail, Position durable)
    : epoch_(promised_epoch),
      nonce_(nonce),
      tail_(tail),
      flushed_(tail),
      proven_(durable),
      durable_(durable) {
  assert(durable.sequence <= tail.sequence);
  assert(durable.sequence < tail.sequence || durable == tail);
  remembered_.push_back(tail);
}

absl::Status PromiseBook::MayPromise(uint64_t epoch, const SessionId& nonce) const {
  if (epoch == 0 || nonce.empty()) {
    return absl::InvalidArgumentError("a promise needs an epoch above 0 and a session nonce");
  }
  // A log that a peer filled may be ahead of what was promised here.
  const uint64_t lowest = std::max(epoch_, durable_.epoch);
  if (epoch < lowest && !MUSEUM_BUG("lower-epoch-promised")) {
    RARE_PATH("lower-epoch-refused");
    return absl::AbortedError(absl::StrFormat(
        "fenced: epoch %d is below epoch %d, which another agent took", epoch, lowest));
  }
  if (epoch == epoch_ && nonce != nonce_ && !MUSEUM_BUG("nonce-not-compared")) {
    RARE_PATH("same-epoch-refused");
    return absl::AbortedError(
        absl::StrFormat("fenced: epoch %d is promised to another agent's session", epoch));
  }
  if (promising_ && (promising_->epoch != epoch || promising_->nonce != nonce)) {
    return absl::UnavailableError(
        absl::StrFormat("a promise for epoch %d is being made, ask again", promising_->epoch));
  }
  return absl::OkStatus();
}

void PromiseBook::Promising(uint64_t epoch, const SessionId& nonce) {
  assert(MayPromise(epoch, nonce).ok());
  if (MUSEUM_BUG("appends-beside-promise")) return;
  promising_ = Session{epoch, nonce};
}

void PromiseBook::Promised(uint64_t epoch, const SessionId& nonce) {
  assert(MayPromise(epoch, nonce).ok());
  assert(durable_ == proven_);  // else a lost tail would contradict the signed promise
  epoch_ = epoch;
  nonce_ = nonce;
  promising_.reset();
}

absl::Status PromiseBook::IsCurrent(uint64_t session_epoch, const SessionId& session_nonce) const {
  if (MUSEUM_BUG("epoch-check-skipped")) return absl::OkStatus();
  if (promising_) {
    RARE_PATH("refused-while-promising");
    return absl::AbortedError(
        absl::StrFormat("fenced: a promise for epoch %d is being made", promising_->epoch));
  }
  if (session_epoch != epoch_ || session_nonce != nonce_ || epoch_ == 0) {
    return absl::AbortedError(absl::StrFormat(
        "fenced: a session of epoch %d may not append, the promise is for epoch %d%s",
        session_epoch, epoch_, session_epoch == epoch_ ? " and another session" : ""));
  }
  return absl::OkStatus();
}

absl::StatusOr<PromiseBook::Offer> PromiseBook::MayAppend(uint64_t session_epoch,
                                                          const SessionId& session_nonce,
                                                          const CanonicalHeader& header,
                                                          const Digest& digest) const {
  const absl::Status current = IsCurrent(session_epoch, session_nonce);
  if (!current.ok()) return current;
  if (header.epoch > session_epoch) {
    return absl::AbortedError(absl::StrFormat("record %d is of epoch %d, its session of epoch %d",
                                              header.sequence, header.epoch, session_epoch));
  }
  if (has_unproven()) {
    return absl::FailedPreconditionError(absl::StrFormat(
        "records %d to %d came from a peer and no checkpoint covers them: drop them first",
        proven_.sequence + 1, tail_.sequence));
  }
  return Fits(header, digest);
}

absl::StatusOr<PromiseBook::Offer> PromiseBook::MayFetch(const Position& checkpoint,
                                                         const CanonicalHeader& header,
                                                         const Digest& digest) const {
  if (header.sequence > checkpoint.sequence) {
    return absl::OutOfRangeError(absl::StrFormat("record %d is beyond the checkpoint at %d",
                                                 header.sequence, checkpoint.sequence));
  }
  const bool is_last = header.sequence == checkpoint.sequence;
  if (header.epoch > checkpoint.epoch ||
      (is_last && (header.epoch != checkpoint.epoch || digest != checkpoint.digest))) {
    return absl::DataLossError(
        absl::StrFormat("a peer gave record %d of epoch %d with digest %s, which is not in the log "
                        "that the agent's "
                        "checkpoint at %d of epoch %d names",
                        header.sequence, header.epoch, digest.hex().substr(0, 16),
                        checkpoint.sequence, checkpoint.epoch));
  }
  return Fits(header, digest);
}

absl::StatusOr<PromiseBook::Offer> PromiseBook::Fits(const CanonicalHeader& header,
                                                     const Digest& digest) const {
  if (header.sequence == 0) return absl::InvalidArgumentError("a record has sequence 0");
  if (header.sequence <= tail_.sequence) {
    const std::optional<Position> held = Remembered(header.sequence);
    if (held && (held->digest != digest || held->epoch != header.epoch)) {
      return Diverged(*held, header, digest);
    }
    return Offer::kDuplicate;
  }
  if (header.sequence != tail_.sequence + 1) {
    return absl::OutOfRangeError(absl::StrFormat("gap: record %d was offered behind tail %d",
                                                 header.sequence, tail_.sequence));
  }
  if (header.previous != tail_.digest || header.epoch < tail_.epoch) {
    return absl::OutOfRangeError(absl::StrFormat(
        "record %d of epoch %d does not chain to the tail of epoch %d: it names %s, the tail is %s",
        header.sequence, header.epoch, tail_.epoch, header.previous.hex().substr(0, 16),
        tail_.digest.hex().substr(0, 16)));
  }
  if (header.epoch > tail_.epoch && !BeginsEpoch(header)) {
    return absl::InvalidArgumentError(
        absl::StrFormat("record %d is of epoch %d behind epoch %d and is no epoch-start",
                        header.sequence, header.epoch, tail_.epoch));
  }
  return Offer::kAppend;
}

std::optional<Position> PromiseBook::Remembered(uint64_t sequence) const {
  const uint64_t oldest = remembered_.front().sequence;
  if (sequence < oldest || sequence > tail_.sequence) return std::nullopt;
  return remembered_[sequence - oldest];
}

void PromiseBook::Extend(const Position& position) {
  assert(position.sequence == tail_.sequence + 1 && position.epoch >= tail_.epoch);
  tail_ = position;
  remembered_.push_back(position);
  if (remembered_.size() > kRememberedMax) remembered_.pop_front();
}

void PromiseBook::Appended(const Position& position) {
  assert(!has_unproven());
  Extend(position);
  proven_ = position;
}

void PromiseBook::Fetched(const Position& checkpoint, const Position& position) {
  assert(position.sequence <= checkpoint.sequence);
  const bool proves_all = position == checkpoint || MUSEUM_BUG("peer-data-believed");
  assert(proves_all || position.sequence < checkpoint.sequence);
  Extend(position);
  if (proves_all) {
    proven_ = position;
    proof_ = position.sequence;
  }
  AdvanceDurable();
}

bool PromiseBook::Knows(const Position& checkpoint) const {
  const std::optional<Position> held = Remembered(checkpoint.sequence);
  return held && *held == checkpoint;
}

bool PromiseBook::Prove(const Position& checkpoint) {
  if (!Knows(checkpoint)) return false;
  if (checkpoint.sequence > proven_.sequence) proven_ = checkpoint;
  AdvanceDurable();
  return true;
}

void PromiseBook::Flushed(const Position& position) {
  assert(position.sequence <= tail_.sequence);
  const std::optional<Position> held = Remembered(position.sequence);
  assert(!held || *held == position);
  if (position.sequence > flushed_.sequence) flushed_ = position;
  AdvanceDurable();
}

void PromiseBook::AdvanceDurable() {
  if (flushed_.sequence < proof_) return;
  const Position& reached = flushed_.sequence < proven_.sequence ? flushed_ : proven_;
  if (reached.sequence > durable_.sequence) durable_ = reached;
}

void PromiseBook::CutTail(const Position& tail) {
  assert(tail.sequence >= durable_.sequence && tail.sequence <= tail_.sequence);
  tail_ = tail;
  while (!remembered_.empty() && remembered_.back().sequence > tail.sequence)
    remembered_.pop_back();
  if (remembered_.empty()) remembered_.push_back(tail);
  if (proof_ > tail.sequence) {  // what is left of the fetch has lost its proof
    RARE_PATH("fetch-lost-its-proof");
    proven_ = durable_;
    proof_ = 0;
  }
  if (proven_.sequence > tail.sequence) proven_ = tail;
  if (flushed_.sequence > tail.sequence) flushed_ = tail;
}

void PromiseBook::DropUnflushed() {
  if (!MUSEUM_BUG("unflushed-tail-kept")) CutTail(flushed_);
}

void PromiseBook::DropUnproven() {
  if (has_unproven()) CutTail(proven_);
}

}  // namespace tidemark
