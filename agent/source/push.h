// The push, as it flows: read -> chunks -> ids -> new? -> sealed -> pack -> log. One object per
// push; three coroutines with bounded channels between them, so that reading, cutting and sealing
// overlap.
//
// The manifest grows beside it, node by node, in the same packs; its root closes the archive. When
// the root's record is committed everything it refers to is too: the log is totally ordered.
#ifndef TIDEMARK_AGENT_SOURCE_PUSH_H_
#define TIDEMARK_AGENT_SOURCE_PUSH_H_

#include <functional>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "agent/recover/vault_reader.h"
#include "agent/source/chunk_lookup.h"
#include "agent/source/lag_clock.h"
#include "agent/source/new_chunks.h"
#include "agent/source/pack_filler.h"
#include "agent/source/source_reader.h"
#include "chunker/cut_rule.h"

namespace tidemark {

// How often a push of a file makes a resume point: after so much data, which grows with what was
// read so far, or so long after the last one.
struct ResumeRule {
  uint64_t bytes_min = 16 * 1024 * 1024;
  uint64_t share = 400;  // one 400th of what was read
  absl::Duration interval = absl::Seconds(5);
  uint64_t BytesBetween(uint64_t taken) const;
};

struct PushRequest {
  std::string name;
  Fd source = -1;  // owned by the caller, open until Run returns
  bool is_stream = false;
  absl::Time captured_at;       // when the source was opened
  absl::Time lags_from;         // the same instant by the lag clock
  std::string idempotency_key;  // empty: none
  bool compress = true;
  bool resume = true;                            // a file, where an earlier push of it was cut off
  std::function<void(const std::string&)> note;  // a line for the caller; may be empty
};

struct PushResult {
  uint64_t version = 0, sequence = 0;
  absl::Time committed_at;
  bool complete = true;   // false: the source changed while it was read
  bool repeated = false;  // the idempotency key named a version that exists
  // stored_bytes: its own sealed chunks, nodes and root; the padding of packs belongs to nobody.
  uint64_t source_bytes = 0, data_bytes = 0, new_bytes = 0, stored_bytes = 0;
  uint64_t chunks = 0, new_chunks = 0, segments = 0;
  uint64_t resumed_at_bytes = 0;  // what is before was read by an earlier push; 0: nothing
};

// What a push needs of its vault.
class PushContext {
 public:
  struct ArchiveHandle {
    ArchiveId id;
    Secret32 key;
    WrappedKey wrapped{};
  };
  virtual ~PushContext() = default;
  virtual LogWriter* log() = 0;
  virtual PackFiller* pack() = 0;
  virtual ChunkLookup* lookup() = 0;
  virtual Catalog* catalog() = 0;
  virtual ResumeBook* resume_book() = 0;
  virtual const ResumeRule& resume_rule() const = 0;
  virtual RecordSource* source() = 0;
  virtual const VaultKeys& keys() const = 0;
  virtual const CutRule& cut_rule() const = 0;
  virtual const ChunkIdKey& id_key() const = 0;
  virtual BufferPool* spans() = 0;
  virtual uint64_t segment_bytes() const = 0;
  virtual uint64_t* span_numbers() = 0;
  virtual uint64_t NextPushNumber() = 0;
  // The archive of that name: as the catalogue has it, or a new one.
  virtual absl::StatusOr<ArchiveHandle> OpenArchive(const std::string& name) = 0;
};

class Push {
 public:
  Push(Io* io, PushContext* vault, PushRequest request);
  Io* io() const { return io_; }
  // Until the version is committed. kAborted when the vault was fenced.
  Task<absl::StatusOr<PushResult>> Run();
  // Ends it early with `why`. What was sealed stays in the log as unreferenced bytes. Once the root
  // is placed the outcome is open: the version may still appear.
  void Cancel(const absl::Status& why) { Abandon(why); }

  uint64_t read_bytes() const { return reader_.position(); }
  uint64_t expected_bytes() const { return reader_.expected_bytes(); }
  uint64_t new_bytes() const { return root_.new_bytes; }
  bool waiting_for_commit() const { return waiting_for_commit_; }

 private:
  Task<> ReadSpans();
  Task<> CutSpans();
  Task<absl::Status> SealSpans();
  Task<absl::Status> SealSpan(Span* span);
  Task<absl::Status> PlaceChunks(Span* span, NewChunks::Known* known, NewChunks* fresh);
  void TellPlaced(const Span& span);
  Task<absl::Status> PlacePendingNodes();
  Task<absl::Status> EndSegment();
  Task<absl::Status> PlaceRoot();
  // push_resume.cc
  Task<absl::Status> Resume();
  void GoOnFrom(const ResumePoint& point, uint32_t sealed_bytes);
  bool ResumePointDue() const;
  Task<absl::Status> PlaceResumePoint();
  ResumeNotice MakeNotice(absl::Time at) const;
  void Note(const std::string& line) const;
  Task<absl::Status> Commit();
  void Abandon(const absl::Status& why);

  // Constant after construction.
  Io* io_;
  PushContext* vault_;
  PushRequest request_;
  uint64_t number_;
  std::set<uint64_t> open_spans_;  // taken, and in no record yet: the lag book counts them
  // Owned by the loop thread.
  SourceReader reader_;
  Channel<Span> read_, cut_;
  std::optional<PushContext::ArchiveHandle> archive_;
  std::optional<TreeBuilder> tree_;
  uint64_t segment_begin_ = 0;
  ManifestRoot root_;
  Envelope envelope_;
  PushResult result_;
  uint64_t stored_bytes_ = 0;
  SourceIdentity source_;
  bool makes_points_ = false;
  uint64_t points_data_bytes_ = 0;  // of the last one, as is when it was made
  absl::Duration points_at_;
  absl::Status failure_;
  bool waiting_for_commit_ = false;
  std::vector<std::byte> carry_;  // bytes that were not cut yet
  uint64_t carried_from_ = 0;     // the span in which they begin
  TaskGroup stages_;
};

}  // namespace tidemark
#endif  // TIDEMARK_AGENT_SOURCE_PUSH_H_
