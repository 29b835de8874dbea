#include "agent/recover/restore.h"

#include <algorithm>
#include <cassert>
#include <deque>
#include <memory>
#include <utility>

#include "absl/strings/str_format.h"
#include "agent/io/transfer.h"
#include "agent/recover/open_run.h"
#include "agent/recover/restore_plan.h"
#include "agent/recover/restored_file.h"

namespace tidemark {
namespace {

constexpr size_t kPiecesInFlight = 12;
constexpr size_t kZeroBytes = 256 * 1024;

class Restorer {
 public:
  Restorer(Io* io, RecordSource* source, const VaultKeys* keys, RestoreRequest request,
           RestoreProgress progress)
      : io_(io),
        chunk_ids_(keys->secrets.k_id.Clone()),
        reader_(source, keys),
        request_(std::move(request)),
        progress_(std::move(progress)),
        // Sealed and plain bytes of each piece.
        buffers_(io, 2 * kPiecesInFlight, kRunBufferBytes) {}
  Io* io() const { return io_; }
  Task<absl::StatusOr<RestoreResult>> Run();

 private:
  // A piece on its way. A file's bytes are written as soon as they are there, a stream's in turn.
  struct Flight {
    RestorePiece piece;
    PooledBuffer plain;
    std::optional<Task<absl::Status>> task;
  };
  absl::Status ChooseRange(const ManifestRoot& root);
  Task<absl::Status> RunPieces(RestorePlan* plan);
  Task<absl::Status> LaunchNext(RestorePlan* plan);
  Task<absl::Status> Fetch(Flight* flight);
  Task<absl::Status> OpenChunks(const Flight* flight, MutableByteSpan room, size_t first,
                                size_t count);
  Task<absl::Status> Emit(const Flight* flight);
  Task<absl::Status> Place(const Flight* flight);
  Task<absl::Status> WriteZeros(uint64_t bytes);
  absl::Status Named(const absl::Status& status, uint64_t offset) const;
  size_t PlainBegin(const RestorePiece& piece) const;
  ByteSpan InRange(const Flight& flight, uint64_t* begin) const;

  // Constant after construction, or after ChooseRange.
  Io* io_;
  ChunkIdKey chunk_ids_;
  SealedReader reader_;
  RestoreRequest request_;
  RestoreProgress progress_;
  uint64_t begin_ = 0, end_ = 0;
  // Owned by the loop thread.
  RestoreResult result_;
  std::optional<RestoredFile> file_;  // unless the output is a stream
  BufferPool buffers_;
  bool planned_all_ = false;
  std::deque<std::unique_ptr<Flight>> flights_;
};

absl::Status Restorer::ChooseRange(const ManifestRoot& root) {
  begin_ = request_.offset;
  end_ = root.source_bytes;
  if (begin_ > root.source_bytes) {
    return absl::OutOfRangeError(
        absl::StrFormat("offset %d is behind the end of %s@%d: it has %d bytes", begin_,
                        request_.envelope.name, request_.envelope.version, root.source_bytes));
  }
  if (request_.length != UINT64_MAX) {
    if (request_.length > root.source_bytes - begin_) {
      return absl::OutOfRangeError(absl::StrFormat(
          "%d bytes from offset %d on reach behind the end of %s@%d: it has %d bytes",
          request_.length, begin_, request_.envelope.name, request_.envelope.version,
          root.source_bytes));
    }
    end_ = begin_ + request_.length;
  }
  return absl::OkStatus();
}

Task<absl::StatusOr<RestoreResult>> Restorer::Run() {
  const Envelope* envelope = &request_.envelope;
  absl::StatusOr<ManifestRoot> root = co_await reader_.ReadRoot(envelope);
  if (!root.ok()) co_return Named(root.status(), 0);
  absl::Status range = ChooseRange(*root);
  if (!range.ok()) co_return range;
  result_.mode = root->mode;
  result_.mtime_nanos = root->mtime_nanos;
  result_.complete = request_.envelope.complete;
  if (!request_.output_is_stream) {
    file_.emplace(io_, request_.output, end_ - begin_);
    absl::Status begun = co_await file_->Begin();
    if (!begun.ok()) co_return begun;
  }
  RestorePlan plan(&reader_, request_.envelope.archive, std::move(*root), begin_, end_);
  RestorePlan* plan_of_it = &plan;
  absl::Status done = co_await RunPieces(plan_of_it);
  while (!flights_.empty()) {  // after an error: they use what is here
    if (flights_.front()->task.has_value()) {
      Task<absl::Status>& task = *flights_.front()->task;
      absl::Status unused = co_await task;
      (void)unused;  // the first error is the one that is told
    }
    flights_.pop_front();
  }
  if (!done.ok()) co_return done;
  assert(result_.restored_bytes == end_ - begin_);
  if (!request_.output_is_stream) {
    absl::Status finished = co_await file_->Finish();
    if (!finished.ok()) co_return finished;
  }
  co_return result_;
}

Task<absl::Status> Restorer::RunPieces(RestorePlan* plan) {
  while (true) {
    while (!planned_all_ && flights_.size() < kPiecesInFlight) {
      absl::Status launched = co_await LaunchNext(plan);
      if (!launched.ok()) co_return launched;
    }
    if (flights_.empty()) co_return absl::OkStatus();
    const Flight* flight = flights_.front().get();
    if (flight->task.has_value()) {
      Task<absl::Status>& task = *flights_.front()->task;
      absl::Status fetched = co_await task;
      flights_.front()->task.reset();
      if (!fetched.ok()) co_return fetched;
    }
    if (request_.output_is_stream) {
      absl::Status emitted = co_await Emit(flight);
      if (!emitted.ok()) co_return emitted;
    }
    const uint64_t bytes =
        std::min(flight->piece.end, end_) - std::max(flight->piece.begin, begin_);
    result_.restored_bytes += bytes;
    if (!flight->piece.is_hole()) result_.data_bytes += bytes;
    flights_.pop_front();
    if (progress_) progress_(result_.restored_bytes, end_ - begin_);
  }
}

Task<absl::Status> Restorer::LaunchNext(RestorePlan* plan) {
  absl::StatusOr<std::optional<RestorePiece>> piece = co_await plan->Next();
  if (!piece.ok()) {
    const uint64_t planned =
        flights_.empty() ? begin_ + result_.restored_bytes : flights_.back()->piece.end;
    co_return Named(piece.status(), planned);
  }
  if (!piece->has_value()) {
    planned_all_ = true;
    co_return absl::OkStatus();
  }
  auto flight = std::make_unique<Flight>();
  flight->piece = std::move(**piece);
  if (!flight->piece.is_hole()) {
    flight->task.emplace(Fetch(flight.get()));
    flight->task->Start();
  } else if (file_.has_value()) {
    flight->task.emplace(Place(flight.get()));
    flight->task->Start();
  }
  flights_.push_back(std::move(flight));
  co_return absl::OkStatus();
}

Task<absl::Status> Restorer::Fetch(Flight* flight) {
  const RestorePiece& piece = flight->piece;
  flight->plain = co_await buffers_.Acquire();
  absl::Status opened;
  {
    PooledBuffer sealed = co_await buffers_.Acquire();
    const MutableByteSpan room = sealed.span();
    const size_t count = piece.chunks.size();
    opened = co_await OpenChunks(flight, room, 0, count);
    if (absl::IsDataLoss(opened) && count > 1) {
      // Damage may stand between the chunks and concern none of them; if not, name the right one.
      opened = absl::OkStatus();
      for (size_t i = 0; i < count && opened.ok(); ++i) {
        opened = co_await OpenChunks(flight, room, i, 1);
      }
    }
  }
  if (!opened.ok()) co_return opened;
  if (request_.output_is_stream) co_return absl::OkStatus();
  const Flight* done = flight;
  absl::Status written = co_await Place(done);
  flight->plain.Release();
  co_return written;
}

// To its place in the file.
Task<absl::Status> Restorer::Place(const Flight* flight) {
  const RestorePiece& piece = flight->piece;
  if (piece.is_hole()) {
    absl::Status skipped = co_await file_->Skip(piece.begin - begin_, piece.end - piece.begin);
    co_return skipped;
  }
  uint64_t begin = 0;
  const ByteSpan bytes = InRange(*flight, &begin);
  absl::Status written = co_await file_->Write(begin - begin_, bytes);
  co_return written;
}

// Where a piece's first byte stands in its buffer: as far behind a block's edge as in the file.
size_t Restorer::PlainBegin(const RestorePiece& piece) const {
  const uint64_t behind = begin_ % kDirectIoBytes;
  return (piece.begin % kDirectIoBytes + kDirectIoBytes - behind) % kDirectIoBytes;
}

// Reads and opens some chunks of a piece into their places in its plain buffer.
Task<absl::Status> Restorer::OpenChunks(const Flight* flight, MutableByteSpan room, size_t first,
                                        size_t count) {
  const RestorePiece& piece = flight->piece;
  const LeafEntry* chunks = piece.chunks.data() + first;
  uint64_t offset = piece.begin;
  for (size_t i = 0; i < first; ++i) offset += piece.chunks[i].bytes;
  uint64_t bytes = 0;
  for (size_t i = 0; i < count; ++i) bytes += chunks[i].bytes;

  const SealedSpan span = SpanOf(chunks, count);
  absl::StatusOr<MutableByteSpan> sealed =
      co_await reader_.ReadRun(piece.sequence, span.begin, span.end, room);
  if (!sealed.ok()) co_return Named(sealed.status(), offset);
  OpenRun run;
  run.chunk_ids = &chunk_ids_;
  run.chunks = chunks;
  run.count = count;
  run.sealed = *sealed;
  run.sealed_begin = span.begin;
  run.plain = flight->plain.span().subspan(PlainBegin(piece) + offset - piece.begin, bytes);
  Op compute = io_->Compute(&OpenRun::Run, &run);
  const int32_t ran = co_await compute;
  if (ran < 0) co_return ErrnoStatus(ran, "opening chunks");
  if (run.result.ok()) co_return run.result;
  for (size_t i = 0; i < run.failed; ++i) offset += chunks[i].bytes;
  const Location& location = chunks[run.failed].location;
  absl::Status why(
      run.result.code(),
      absl::StrFormat("record %d block %d: a chunk there %s", location.sequence,
                      location.offset / kBlockBytes, std::string(run.result.message())));
  co_return Named(why, offset);
}

// The part of a run that was asked for, and where it begins in the archive.
ByteSpan Restorer::InRange(const Flight& flight, uint64_t* begin) const {
  *begin = std::max(flight.piece.begin, begin_);
  const uint64_t end = std::min(flight.piece.end, end_);
  return flight.plain.span().subspan(PlainBegin(flight.piece) + *begin - flight.piece.begin,
                                     end - *begin);
}

Task<absl::Status> Restorer::Emit(const Flight* flight) {
  if (flight->piece.is_hole()) {
    absl::Status zeros = co_await WriteZeros(flight->piece.end - flight->piece.begin);
    co_return zeros;
  }
  uint64_t begin = 0;
  const ByteSpan bytes = InRange(*flight, &begin);
  absl::Status written = co_await WriteFully(io_, request_.output, bytes, kNoOffset);
  co_return written;
}

Task<absl::Status> Restorer::WriteZeros(uint64_t bytes) {
  const std::vector<std::byte> zeros(std::min<uint64_t>(bytes, kZeroBytes));
  while (bytes > 0) {
    const ByteSpan part = ByteSpan(zeros).first(std::min<uint64_t>(bytes, zeros.size()));
    absl::Status written = co_await WriteFully(io_, request_.output, part, kNoOffset);
    if (!written.ok()) co_return written;
    bytes -= part.size();
  }
  co_return absl::OkStatus();
}

absl::Status Restorer::Named(const absl::Status& status, uint64_t offset) const {
  return absl::Status(
      status.code(),
      absl::StrFormat("%s@%d at offset %d: %s", request_.envelope.name, request_.envelope.version,
                      offset, std::string(status.message())));
}

}  // namespace

Task<absl::StatusOr<RestoreResult>> Restore(Io* io, RecordSource* source, const VaultKeys* keys,
                                            RestoreRequest request, RestoreProgress progress) {
  Restorer restorer(io, source, keys, std::move(request), std::move(progress));
  absl::StatusOr<RestoreResult> result = co_await restorer.Run();
  co_return std::move(result);
}

}  // namespace tidemark
