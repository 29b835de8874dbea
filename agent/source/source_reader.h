// Reads an archive as spans: data in order, holes skipped, segment edges marked. One span is read
// ahead while the one before is being cut.
#ifndef TIDEMARK_AGENT_SOURCE_SOURCE_READER_H_
#define TIDEMARK_AGENT_SOURCE_SOURCE_READER_H_

#include <functional>
#include <optional>

#include "absl/status/statusor.h"
#include "agent/io/pool.h"
#include "agent/source/span.h"

namespace tidemark {

class SourceReader {
 public:
  // A stream is read to its end; a file up to the size it had when it was opened. Does not own fd.
  SourceReader(Io* io, Fd fd, bool is_stream, uint64_t segment_bytes, BufferPool* spans,
               uint64_t* span_numbers);
  Io* io() const { return io_; }

  // Called for each span once its first bytes are here: from then on they are taken, however long
  // the rest of the span lets itself be waited for. Before Open.
  void OnTaken(std::function<void(const Span&)> listener) { on_taken_ = std::move(listener); }

  // Looks at the file (not at streams). kInvalidArgument: a directory or something that cannot be
  // read whole.
  Task<absl::Status> Open();
  // The next span in order; nullopt at the end. kUnknown: the source cannot be read, with the
  // offset.
  Task<absl::StatusOr<std::optional<Span>>> Next();
  // Between Open and Next, for files: what is before `offset` is not read.
  void SkipTo(uint64_t offset) { position_ = offset; }
  // Ends a read that is waiting for its source.
  void Interrupt();
  // After the end: was the file the same before and after? Always true for streams.
  Task<absl::StatusOr<bool>> Unchanged();

  uint64_t position() const { return position_; }
  const FileStat& stat() const { return stat_; }
  bool is_file() const { return !is_stream_; }  // after Open
  uint64_t expected_bytes() const { return is_stream_ ? 0 : stat_.size; }

 private:
  Task<absl::Status> FindExtent();
  Task<absl::StatusOr<size_t>> Fill(MutableByteSpan into, Span* span);
  void Take(Span* span);
  Task<absl::StatusOr<std::optional<Span>>> ReadData(uint64_t until, bool ends_segment);
  Io* io_;
  Fd fd_;
  bool is_stream_;
  uint64_t segment_bytes_;
  BufferPool* spans_;
  uint64_t* span_numbers_;
  FileStat stat_;
  std::function<void(const Span&)> on_taken_;
  uint64_t taken_ = 0;
  uint64_t position_ = 0;
  uint64_t data_begin_ = 0, data_end_ = 0;  // the data extent at or behind position_
  bool ended_ = false, shrank_ = false, interrupted_ = false;
  Op* reading_ = nullptr;
};

}  // namespace tidemark
#endif  // TIDEMARK_AGENT_SOURCE_SOURCE_READER_H_
