// The agent's journal of evidence: every receipt and checkpoint, and the control records that a
// ledger needs, in segment files that are only ever appended to.
//
//   DIRECTORY/evidence-NNNNNNNNNNNNNNNN
// Nothing waits for it: what is added is written and flushed by the next Flush, about once a
// second. A torn end is read up to its last whole frame; a restart begins a new segment, and so
// does a failed write or flush (law 1), with what was not flushed. A segment begins with anchors:
// what was said before and is needed to read from there on.
#ifndef TIDEMARK_AGENT_PROOF_EVIDENCE_JOURNAL_H_
#define TIDEMARK_AGENT_PROOF_EVIDENCE_JOURNAL_H_

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "agent/io/task.h"
#include "replicator/evidence.h"

namespace tidemark {

class EvidenceJournal {
 public:
  struct Options {
    std::string directory;  // made when it is missing
    uint64_t segment_bytes_max = 64 << 20;
    absl::Duration retention = absl::Hours(24 * 400);
    uint64_t bytes_max = uint64_t{64} << 30;  // beyond it the oldest segments go early
    size_t waiting_bytes_max = 16 << 20;
  };
  struct Segment {
    uint64_t number = 0;
    absl::Time begun_at;
    uint64_t bytes = 0;  // that are flushed: behind them a failed flush may have left some
  };
  // Frames that a new segment begins with.
  using Anchors = std::function<std::string()>;

  static Task<absl::StatusOr<std::unique_ptr<EvidenceJournal>>> Open(Io* io, Options options);
  Io* io() const { return io_; }
  // Before the first Add. Asked for at the instant at which all that was added is being written.
  void SetAnchors(Anchors anchors) {
    anchors_ = std::move(anchors);
    front_ = anchors_();
  }
  // False: too much waits already; it is not kept.
  bool Add(EvidenceKind kind, ByteSpan body, EvidenceMarks marks = {});
  // Much more may be added before anything is turned away.
  bool has_room() const { return waiting_.size() < options_.waiting_bytes_max / 2; }
  // What was added is on stable storage when OK. One call at a time.
  Task<absl::Status> Flush();
  Task<> Close();

  const std::vector<Segment>& segments() const { return segments_; }  // oldest first
  std::string PathOf(uint64_t number) const;
  uint64_t bytes() const;
  // When the oldest one was removed because of bytes_max.
  absl::Time shortened_at() const { return shortened_at_; }

 private:
  EvidenceJournal(Io* io, Options options) : io_(io), options_(std::move(options)) {}
  Task<absl::Status> Recover();
  Task<absl::Status> BeginSegment();
  Task<> RemoveOld();
  Task<> Remove(uint64_t number);
  Task<> CloseFile();

  Io* io_;
  Options options_;
  Anchors anchors_;
  std::vector<Segment> segments_;
  uint64_t last_number_ = 0;
  std::string waiting_;
  std::string front_;  // what the next segment begins with: nothing that waits is older
  Fd fd_ = -1;         // of the last segment
  uint64_t offset_ = 0;
  absl::Time shortened_at_ = absl::InfinitePast();
};

// Reads the frames of a segment, in order, on a worker, a window at a time.
class EvidenceSink {
 public:
  virtual ~EvidenceSink() = default;
  // On a worker thread.
  virtual void Take(const EvidenceFrame& frame) = 0;
};
//   Open (Next)* Close
class SegmentReader {
 public:
  explicit SegmentReader(Io* io);
  Io* io() const { return io_; }
  // `bytes`: of the segment, no more is read.
  Task<absl::Status> Open(std::string path, uint64_t bytes);
  // Gives the frames of the next window to `sink`. False: there was none, or a torn end was
  // reached. kDataLoss: no segment.
  Task<absl::StatusOr<bool>> Next(EvidenceSink* sink);
  Task<> Close();

 private:
  Io* io_;
  std::vector<std::byte> memory_;
  Fd fd_ = -1;
  uint64_t offset_ = 0, end_ = 0;
  bool at_end_ = false;
};
// All of them.
Task<absl::Status> ReadSegment(Io* io, std::string path, uint64_t bytes, EvidenceSink* sink);

}  // namespace tidemark
#endif  // TIDEMARK_AGENT_PROOF_EVIDENCE_JOURNAL_H_
