// The append side of one vault's log: records in memory until they are committed, and, while there
// is room, until the witness has them too.
//
//   Begin (AcquireBuffer Append)* ; links Pin, send, Unpin; acks come in by OnAck.
// The decisions are replicator/log_window.h's; this holds the bytes, the waiting and the clock.
#ifndef TIDEMARK_AGENT_SOURCE_LOG_WRITER_H_
#define TIDEMARK_AGENT_SOURCE_LOG_WRITER_H_

#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <vector>

#include "agent/io/pool.h"
#include "agent/link/data_connection.h"
#include "agent/source/commit_times.h"
#include "crypto/identity.h"
#include "replicator/admission.h"
#include "replicator/lag_book.h"
#include "replicator/log_window.h"
#include "replicator/receipt.h"

namespace tidemark {

class LogWriter {
 public:
  struct Options {
    VaultId vault;
    LogWindow::Options window;
    Admission::Options admission;
    absl::Duration checkpoint_interval = absl::Milliseconds(50);
    // What an idle vault's proof is behind: a checkpoint makes each site sign and flush once.
    absl::Duration idle_checkpoint_interval = absl::Seconds(5);
  };
  // `records` gives buffers of kRecordBytesMax and outlives this.
  LogWriter(Io* io, const Options& options, const SigningKey* agent, BufferPool* records);
  LogWriter(const LogWriter&) = delete;
  // All logs that take from the same pool, this one too, make room for each other. Outlives this.
  void ShareRoom(const std::vector<LogWriter*>* all) { sharing_ = all; }
  Io* io() const { return io_; }
  const VaultId& vault() const { return options_.vault; }

  // The epoch is ours and every primary holds `base`: appending may start.
  void Begin(uint64_t epoch, const SessionId& nonce, const Position& base);
  bool open() const { return window_.has_value() && failure_.ok(); }
  uint64_t epoch() const { return epoch_; }
  const SessionId& nonce() const { return nonce_; }
  void Fail(absl::Status why);  // for good: everybody who waits gets `why`
  const absl::Status& failure() const { return failure_; }

  // A buffer for one record once the window and the pool have room (law 9). Both waits here end
  // early with *interrupt once that is not OK and WakeWaiters was called; null: never.
  Task<absl::StatusOr<PooledBuffer>> AcquireBuffer(const absl::Status* interrupt);
  uint64_t next_sequence() const { return window_->tail().sequence + 1; }
  // The payload stands behind kRecordHeaderBytes in the buffer; `blocks` are its digests.
  Position Append(RecordKind kind, PooledBuffer buffer, uint32_t payload_bytes,
                  std::vector<Digest> blocks);
  // The commit rule changes with a record that says so. It goes ahead of producers that wait for
  // room, which in a full window only it can make; at the latest when whoever has the turn
  // (pack_filler.h) calls AppendMode. One at a time.
  void RequestMode(ModeChange change);
  bool mode_requested() const { return requested_mode_.has_value(); }
  void AppendMode();  // the turn is the caller's, and no pack is open
  AckMode mode() const { return window_ ? window_->mode() : AckMode::kStrict; }
  // A small control record, signed.
  Task<absl::StatusOr<Position>> AppendControl(RecordKind kind, std::vector<std::byte> body);
  Task<absl::Status> WaitCommitted(uint64_t sequence, const absl::Status* interrupt);
  void WakeWaiters();
  uint64_t committed_sequence() const { return window_ ? window_->committed_sequence() : 0; }
  bool may_use_quorum() const { return options_.window.may_use_quorum; }
  // Committed, or for a primary the adopted base: worth fetching.
  Position fetch_target(SiteIndex site) const { return window_->fetch_target(site); }
  const Position& committed_position() const { return window_->committed_position(); }
  // Called on the loop each time the committed sequence grew.
  using CommitListener = std::function<void(uint64_t)>;
  void OnCommit(CommitListener listener) { commit_listeners_.push_back(std::move(listener)); }

  // Links. `site` is the link's index; all of this needs open().
  const LogWindow& window() const { return *window_; }
  LogWindow::Feed LinkUp(SiteIndex site, const Position& durable);
  LogWindow::Feed FetchFinished(SiteIndex site, const Position& durable);
  void LinkDown(SiteIndex site) { window_->LinkDown(site); }
  void Sent(SiteIndex site, uint64_t sequence) { window_->Sent(site, sequence); }
  struct Pinned {
    const CanonicalHeader* header = nullptr;
    ByteSpan payload;
  };
  Pinned Pin(uint64_t sequence);
  void Unpin(uint64_t sequence);
  absl::Status OnAck(SiteIndex site, const Position& durable);
  absl::Status OnHeartbeat(SiteIndex site, const Position& durable, absl::Time sent_at);
  // Called on the loop when something may be sendable, or the log opened or failed.
  void OnWork(std::function<void()> listener) { work_listeners_.push_back(std::move(listener)); }

  LagBook& lag() { return *lag_; }
  const LagBook* lag_or_null() const { return lag_ ? &*lag_ : nullptr; }
  // Payload and header bytes of the log that this session knows of; a floor after a restart.
  uint64_t logged_bytes() const { return logged_before_ + appended_bytes_; }
  void NoteLoggedBefore(uint64_t bytes) { logged_before_ = bytes; }
  uint64_t PendingBytes(SiteIndex site) const;  // appended, and not said to be durable there
  absl::Duration Behind() const;                // the largest lag that is known of any site
  Admission::State LookAtAdmission() { return admission_.Look(Behind()); }
  const CommitTimes& commit_times() const { return commit_times_; }
  SignedCheckpoint MakeCheckpoint(const Position& upto);
  // The one that all links tell their sites: made anew when more is committed and
  // checkpoint_interval has passed, else each idle_checkpoint_interval. Null: nothing is committed.
  const SignedCheckpoint* CurrentCheckpoint();
  // The newest receipt held of each site, in order of their indexes, for checkpoints to name.
  void NameReceipts(std::function<std::vector<Digest>()> each) { receipts_ = std::move(each); }
  // A push was opened then (on the lag clock) and the book may not know of it yet: nothing later is
  // claimed to be restorable, until it is said to be known.
  void PushWaits(absl::Time opened) { waiting_.insert(opened); }
  void PushIsKnown(absl::Time opened) { waiting_.erase(waiting_.find(opened)); }
  // What is known of a site from before this session: see LagBook::OnProvenBefore. Wall time.
  struct ProvenBefore {
    absl::Time taken;
    uint64_t sequence = 0;
  };
  void KnowBefore(std::function<std::optional<ProvenBefore>(SiteIndex)> before) {
    before_ = std::move(before);
  }
  // Called with each checkpoint that is made, and with each control record that is appended.
  using CheckpointListener = std::function<void(const SignedCheckpoint&)>;
  using ControlListener = std::function<void(const CanonicalHeader&, ByteSpan payload)>;
  void OnCheckpoint(CheckpointListener listener) { on_checkpoint_ = std::move(listener); }
  void OnControl(ControlListener listener) { on_control_ = std::move(listener); }

 private:
  struct Held {
    CanonicalHeader header;
    PooledBuffer buffer;
    int pins = 0;
    bool evicted = false;
  };
  Position AppendSmall(RecordKind kind, PooledBuffer buffer, const std::vector<std::byte>& body);
  void EvictFinished(bool for_room);
  PooledBuffer TryAcquire();
  void WakeWhoWaitsForRoom();
  void NotifyWork() const;
  void AnnounceCommits();
  void NoteBytes(uint64_t sequence);
  uint64_t AppendedUpto(uint64_t sequence) const;

  // Constant after construction.
  Io* io_;
  Options options_;
  const SigningKey* agent_;
  BufferPool* records_;
  BufferPool mode_records_;
  const std::vector<LogWriter*> alone_ = {this}, *sharing_ = &alone_;
  // Owned by the loop thread.
  uint64_t epoch_ = 0;
  SessionId nonce_;
  std::optional<LogWindow> window_;
  std::optional<LagBook> lag_;
  std::map<uint64_t, Held> held_;
  absl::Status failure_;
  std::optional<ModeChange> requested_mode_;
  uint64_t appended_bytes_ = 0, logged_before_ = 0, announced_ = 0;
  // (sequence, bytes up to and with it): exact within the window, coarser the older.
  std::deque<std::pair<uint64_t, uint64_t>> bytes_upto_;
  CommitTimes commit_times_;
  Admission admission_;
  std::optional<SignedCheckpoint> checkpoint_;
  std::multiset<absl::Time> waiting_;
  absl::Duration checkpointed_at_;
  std::function<std::vector<Digest>()> receipts_;
  std::function<std::optional<ProvenBefore>(SiteIndex)> before_;
  CheckpointListener on_checkpoint_;
  ControlListener on_control_;
  std::vector<CommitListener> commit_listeners_;
  std::vector<std::function<void()>> work_listeners_;
  Event room_, committed_;
};

}  // namespace tidemark
#endif  // TIDEMARK_AGENT_SOURCE_LOG_WRITER_H_
