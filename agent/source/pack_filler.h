// The open pack of one vault: pushes take turns at filling it; it is closed when it is full, when a
// push waits for its root, or when it has lingered.
//
//   co_await TakeTurn; (Seal* | PlaceNode | PlaceRoot | CloseNow)*; GiveTurn
// Sealed objects are written straight into the record's buffer on a worker: no copy. The record's
// sequence is fixed when the pack opens, so locations are known at once; whoever wants to append
// something else takes the turn and closes the pack first.
#ifndef TIDEMARK_AGENT_SOURCE_PACK_FILLER_H_
#define TIDEMARK_AGENT_SOURCE_PACK_FILLER_H_

#include <deque>
#include <list>
#include <optional>
#include <vector>

#include "agent/recover/catalog.h"
#include "agent/source/log_writer.h"
#include "chunker/cut_rule.h"
#include "replicator/pack.h"

namespace tidemark {

// One new chunk to seal, and what became of it.
struct SealItem {
  ByteSpan plaintext;
  ChunkId id;
  ByteSpan packed;  // the plaintext compressed; empty: sealed as it is
  // Results.
  Location location;
  OpenKey key;
  Codec codec = Codec::kRaw;
};

class PackFiller {
 public:
  struct Options {
    absl::Duration linger = absl::Milliseconds(250);
    // Packs on their way that were closed before they were full; while so many are, the open one
    // goes on taking pushes in: many commits in one record.
    size_t early_packs_max = 2;
    // Where links keep up the processor is what one waits for: faster, and larger. Not for what is
    // new in an archive that is mostly known: that is little beside reading the rest.
    int compression_level = 1, hurried_level = -1;
    uint64_t little_share = 4;  // up to a fourth of it
  };
  PackFiller(Io* io, const Options& options, LogWriter* log, const VaultKeys* keys);
  Io* io() const { return io_; }

  // First come, first served. While its holder is interrupted (*interrupt is not OK), waits for
  // room inside the turn end early. False: interrupted before its turn came; never without an
  // interrupt.
  Task<bool> TakeTurn(const absl::Status* interrupt);
  void GiveTurn();
  // After an interrupt: who waits for the turn looks again.
  void WakeWaiters() { turn_changed_.WakeAll(); }

  // For chunks that are compressed now: so much of an archive was read, with them, and so much of
  // that is new.
  int CompressionLevel(uint64_t new_bytes, uint64_t read_bytes) const;

  // Everything below needs the turn.
  // Seals all items, in order, over as many packs as it takes.
  Task<absl::Status> Seal(std::vector<SealItem>* items);
  // Seals one manifest node; gives where it stands and its key.
  struct PlacedNode {
    Location location;
    OpenKey key;
  };
  Task<absl::StatusOr<PlacedNode>> PlaceNode(ArchiveId archive, uint8_t level,
                                             std::vector<std::byte> plain);
  // Seals the root and puts the envelope into the same pack's directory; fills in envelope->root,
  // root_salt and closed_at_nanos. Then asks for the pack to be closed soon. `done`, unless null,
  // goes beside the envelope.
  Task<absl::Status> PlaceRoot(std::vector<std::byte> plain, const Secret32* archive_key,
                               Envelope* envelope, const ResumeNotice* done);
  // Seals a resume point and puts its notice beside it; fills in notice->point and salt.
  Task<absl::Status> PlaceResumePoint(std::vector<std::byte> plain, const Secret32* archive_key,
                                      ResumeNotice* notice);
  // Notices of points that stand in earlier records.
  Task<absl::Status> RepeatNotices(std::vector<ResumeNotice> notices);
  // Appends the open pack, if it holds anything.
  Task<absl::Status> CloseNow();
  // A control record, behind whatever is in the open pack.
  Task<absl::StatusOr<Position>> AppendControl(RecordKind kind, std::vector<std::byte> body);

  // The record of a requested mode (log_writer.h), the same way.
  Task<absl::Status> AppendMode();

  // The sequence under which what is placed now will be found; opens a pack if none is open.
  Task<absl::StatusOr<uint64_t>> OpenSequence();
  uint64_t last_sequence() const { return last_sequence_; }

  // Closes packs that were asked for or have lingered, until Stop. The one coroutine that does.
  Task<> CloseLoop();
  void RequestClose();
  void Stop();
  uint64_t stored_bytes() const { return stored_bytes_; }

 private:
  Task<absl::Status> OpenPack();
  Task<absl::StatusOr<MutableByteSpan>> ReserveSpace(size_t sealed_bytes);
  Task<> Linger(uint64_t sequence);
  Task<> WaitForCompany();
  // Constant after construction.
  Io* io_;
  Options options_;
  LogWriter* log_;
  const VaultKeys* keys_;
  // Owned by the loop thread.
  bool turn_taken_ = false;
  uint64_t last_ticket_ = 0;
  std::list<uint64_t> tickets_;  // of those who wait for the turn
  Event turn_changed_;
  const absl::Status* interrupt_ = nullptr;  // of the turn's holder
  PooledBuffer buffer_;
  std::optional<PackBuilder> builder_;
  uint64_t last_sequence_ = 0;
  uint64_t stored_bytes_ = 0;
  bool close_requested_ = false, stopping_ = false;
  std::deque<uint64_t> early_;  // sequences of packs that CloseLoop closed, not known committed
  absl::Status hurry_;          // not OK: the open pack waits for nobody
  Op* linger_sleep_ = nullptr;
  Event close_work_;
  TaskGroup tasks_;
};

}  // namespace tidemark
#endif  // TIDEMARK_AGENT_SOURCE_PACK_FILLER_H_
