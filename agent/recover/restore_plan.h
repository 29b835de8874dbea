// What a restore must fetch, in the archive's order: runs of chunks that one read brings, and
// holes.
#ifndef TIDEMARK_AGENT_RECOVER_RESTORE_PLAN_H_
#define TIDEMARK_AGENT_RECOVER_RESTORE_PLAN_H_

#include <optional>
#include <vector>

#include "agent/recover/vault_reader.h"

namespace tidemark {

// A run's blocks and its plaintext fit one buffer each. One chunk always does.
inline constexpr size_t kRunBufferBytes = 18 * kBlockBytes;
inline constexpr uint64_t kRunPlainBytesMax = 1024 * 1024;
static_assert(kRunBufferBytes >= kSealedChunkBytesMax + 2 * kBlockBytes - 128);
static_assert(kRunBufferBytes >= kRunPlainBytesMax + kDirectIoBytes);  // plaintext is shifted

// A hole, or chunks that follow each other in the archive and stand near each other in one record.
struct RestorePiece {
  uint64_t begin = 0, end = 0;  // in the archive; a run's chunks are whole
  uint64_t sequence = 0;        // 0: a hole
  std::vector<LeafEntry> chunks;
  bool is_hole() const { return sequence == 0; }
};

// The bytes of the record in which some of a piece's chunks stand.
struct SealedSpan {
  uint32_t begin = 0, end = 0;
};
SealedSpan SpanOf(const LeafEntry* first, size_t count);

// Reads only the manifest nodes that lead to [begin, end) of the archive. Next gives pieces in
// order; the first and last may reach over the range's edges (holes do not).
class RestorePlan {
 public:
  RestorePlan(SealedReader* reader, ArchiveId archive, ManifestRoot root, uint64_t begin,
              uint64_t end);
  Io* io() const { return reader_->io(); }
  Task<absl::StatusOr<std::optional<RestorePiece>>> Next();

 private:
  bool EnterNextSegment();
  absl::StatusOr<RestorePiece> TakePiece();
  SealedReader* reader_;
  ArchiveId archive_;
  ManifestRoot root_;
  uint64_t begin_, end_;
  size_t next_segment_ = 0;
  uint64_t segment_begin_ = 0;
  std::optional<LeafWalker> walker_;
  std::vector<LeafEntry> entries_;  // of the leaf at hand
  size_t next_entry_ = 0;
  uint64_t at_ = 0;  // where that entry begins in the archive
};

}  // namespace tidemark
#endif  // TIDEMARK_AGENT_RECOVER_RESTORE_PLAN_H_
