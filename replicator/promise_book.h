// A site's side of law 4 for one vault: who may append, and does this record fit behind the last?
//
// Pure. The same rules run in the daemon and in the simulator. A promise is made in this order:
//   MayPromise, Promising (appends stop), flush what was appended, make the promise durable,
//   Promised, sign it with durable() as its tail, answer.
// Records: MayAppend, write, Appended; or from a peer: MayFetch, write, Fetched; then Flushed.
// What a peer gave counts as durable only when a checkpoint of the agent covers it, and the record
// that the checkpoint names is flushed: before that a crash leaves no proof of it.
//   durable() <= proven, flushed <= tail()
#ifndef TIDEMARK_REPLICATOR_PROMISE_BOOK_H_
#define TIDEMARK_REPLICATOR_PROMISE_BOOK_H_

#include <deque>
#include <optional>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "replicator/record.h"

namespace tidemark {

class PromiseBook {
 public:
  // As found after a start: the newest durable promise (0 and an empty nonce: none), the tail on
  // stable storage, and how far it is proven.
  PromiseBook(uint64_t promised_epoch, SessionId nonce, Position tail, Position durable);

  // May a promise for (epoch, nonce) be given? OK for a higher epoch, or again for the same epoch
  // and nonce. kAborted (fenced) for a lower epoch, also one below the log's own, or the same epoch
  // under another nonce. kUnavailable: another promise is just being made. kInvalidArgument: epoch
  // or nonce is empty.
  absl::Status MayPromise(uint64_t epoch, const SessionId& nonce) const;
  // It will be made: from here every session is refused until Promised. Without this, a record
  // could be acked after the tail that the promise states, and be lost by the take-over.
  void Promising(uint64_t epoch, const SessionId& nonce);
  // It is on stable storage now, and so is all that sessions appended.
  void Promised(uint64_t epoch, const SessionId& nonce);
  // It could not be made durable and nobody was told: the old promise stands again.
  void PromiseFailed() { promising_.reset(); }

  // May this session command the site now (append, order a fetch)? kAborted: fenced. A fetch that a
  // fenced session ordered stops.
  absl::Status IsCurrent(uint64_t session_epoch, const SessionId& session_nonce) const;

  enum class Offer : uint8_t { kAppend, kDuplicate };
  // A record that a session wants to append. kAborted: its session's epoch is fenced, or the
  // record's epoch is above the session's; kDataLoss: same sequence, another digest (diverged);
  // kOutOfRange: a gap, or it does not chain to the tail; kInvalidArgument: an epoch that does not
  // begin with its epoch-start record (or genesis); kFailedPrecondition: DropUnproven first. A
  // session may carry records of older epochs (adopted tails). Far below the tail a duplicate's
  // digest is not compared: nothing is written, and the next ack's digest names the whole log.
  absl::StatusOr<Offer> MayAppend(uint64_t session_epoch, const SessionId& session_nonce,
                                  const CanonicalHeader& header, const Digest& digest) const;
  // A record from a peer, allowed up to and including `checkpoint`, which the agent signed.
  // kDataLoss: not the record that the checkpoint names; else as MayAppend.
  absl::StatusOr<Offer> MayFetch(const Position& checkpoint, const CanonicalHeader& header,
                                 const Digest& digest) const;
  // Written, not yet flushed. A session's record chains, so it proves all before it.
  void Appended(const Position& position);
  void Fetched(const Position& checkpoint, const Position& position);
  // A verified checkpoint of the agent: proves the log up to there if it is a place in it that the
  // book remembers. False: not known here.
  bool Prove(const Position& checkpoint);
  bool Knows(const Position& checkpoint) const;
  // Flushed up to here. Durability may only grow; never beyond the tail.
  void Flushed(const Position& position);
  // An un-flushed tail was given up (a failed write or flush): back to what is flushed.
  void DropUnflushed();
  // What came from a peer and was never covered is given up: before a live feed, or as a lie.
  void DropUnproven();

  uint64_t epoch() const { return epoch_; }
  const SessionId& nonce() const { return nonce_; }
  const Position& tail() const { return tail_; }
  const Position& durable() const { return durable_; }
  bool has_unproven() const { return tail_.sequence > proven_.sequence; }

 private:
  // Newest positions, to tell a repeated record from a diverged one.
  static constexpr size_t kRememberedMax = 256;

  absl::StatusOr<Offer> Fits(const CanonicalHeader& header, const Digest& digest) const;
  std::optional<Position> Remembered(uint64_t sequence) const;
  void Extend(const Position& position);
  void CutTail(const Position& tail);
  void AdvanceDurable();

  struct Session {
    uint64_t epoch = 0;
    SessionId nonce;
  };
  uint64_t epoch_;
  SessionId nonce_;
  std::optional<Session> promising_;
  Position tail_, flushed_, proven_, durable_;
  uint64_t proof_ = 0;  // the record whose flush makes what a peer gave durable; 0: none
  std::deque<Position> remembered_;  // the last one is tail_, consecutive sequences
};

}  // namespace tidemark
#endif  // TIDEMARK_REPLICATOR_PROMISE_BOOK_H_
