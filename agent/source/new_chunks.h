// The chunks of one span that nobody knows yet: each once, compressed before they are sealed.
//
//   NewChunks(span, known) Compress? DropKnown (with the pack's turn) items()
#ifndef TIDEMARK_AGENT_SOURCE_NEW_CHUNKS_H_
#define TIDEMARK_AGENT_SOURCE_NEW_CHUNKS_H_

#include <optional>
#include <vector>

#include "agent/source/chunk_lookup.h"
#include "agent/source/seal_job.h"
#include "agent/source/span.h"

namespace tidemark {

class NewChunks {
 public:
  using Known = std::vector<std::optional<ChunkLookup::Known>>;
  // `known[i]` says of the span's chunk i. Views into the span's buffer: the span outlives this.
  NewChunks(Io* io, const Span& span, const Known& known);
  Io* io() const { return io_; }

  // On several workers at once, into memory of its own. Chunks that it does not make smaller by a
  // sixteenth stay as they are. Below 32 KiB in all here and now: a worker's wake-up costs more.
  Task<absl::Status> Compress(int level);
  // Takes out what another push has added since, and fills that in.
  void DropKnown(ChunkLookup* lookup, Known* known);

  std::vector<SealItem>* items() { return &items_; }
  uint64_t bytes() const { return bytes_; }  // of their plaintext
  uint64_t span_bytes() const { return span_bytes_; }
  // The item that chunk i of the span became; null when it is known.
  const SealItem* ItemOf(size_t chunk) const {
    return item_of_[chunk] == kNone ? nullptr : &items_[item_of_[chunk]];
  }

 private:
  static constexpr size_t kNone = SIZE_MAX;
  Io* io_;
  uint64_t bytes_ = 0, span_bytes_ = 0;
  std::vector<SealItem> items_;
  std::vector<size_t> item_of_;    // by chunk of the span
  std::vector<std::byte> packed_;  // compressed bytes that items point into
};

}  // namespace tidemark
#endif  // TIDEMARK_AGENT_SOURCE_NEW_CHUNKS_H_
