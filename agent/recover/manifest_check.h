// Is everything there that a version needs? Reads and opens its manifest and looks for each chunk's
// record, without reading the chunks.
#ifndef TIDEMARK_AGENT_RECOVER_MANIFEST_CHECK_H_
#define TIDEMARK_AGENT_RECOVER_MANIFEST_CHECK_H_

#include <map>
#include <set>
#include <utility>

#include "agent/recover/vault_reader.h"

namespace tidemark {

// A block by record and index.
using BlockPlace = std::pair<uint64_t, uint32_t>;

class ManifestCheck {
 public:
  // Both outlive it.
  ManifestCheck(RecordSource* source, const VaultKeys* keys)
      : reader_(source, keys), source_(source) {}
  Io* io() const { return reader_.io(); }
  // Blocks that are known to be bad: Check says which of them the version's chunks stand in.
  void Watch(std::set<BlockPlace> blocks) { watched_ = std::move(blocks); }
  // kDataLoss: a node is damaged, or a chunk's record is missing or shorter than it must be, and
  // which; kUnavailable: the source did not answer.
  Task<absl::Status> Check(Envelope envelope);
  const std::set<BlockPlace>& touched() const { return touched_; }
  uint64_t chunks() const { return chunks_; }  // of all versions so far

 private:
  Task<absl::Status> CheckSegment(ArchiveId archive, SegmentRef segment);
  Task<absl::Status> CheckChunk(VaultId vault, Location location);

  SealedReader reader_;
  RecordSource* source_;
  std::map<uint64_t, uint32_t> payload_bytes_;  // by sequence, of records that are there
  std::set<BlockPlace> watched_, touched_;
  uint64_t chunks_ = 0;
};

}  // namespace tidemark
#endif  // TIDEMARK_AGENT_RECOVER_MANIFEST_CHECK_H_
