#include "agent/source/source_reader.h"

#include <cerrno>

#include "absl/strings/str_format.h"
#include "agent/io/transfer.h"
#include "agent/source/lag_clock.h"
#include "chunker/segment.h"
#include "crypto/museum.h"

namespace tidemark {
namespace {
constexpr uint64_t kWholeBytes = 64 * 1024;
}  // namespace

SourceReader::SourceReader(Io* io, Fd fd, bool is_stream, uint64_t segment_bytes, BufferPool* spans,
                           uint64_t* span_numbers)
    : io_(io),
      fd_(fd),
      is_stream_(is_stream),
      segment_bytes_(segment_bytes),
      spans_(spans),
      span_numbers_(span_numbers) {}

Task<absl::Status> SourceReader::Open() {
  Op look = io_->Stat(fd_, &stat_);
  const int32_t looked = co_await look;
  if (looked < 0) co_return ErrnoStatus(looked, "looking at the source");
  if (stat_.is_directory) {
    co_return absl::InvalidArgumentError(
        "the source is a directory; push a stream of it: tar -c DIR | tidemark push --name NAME -");
  }
  if (!stat_.is_regular) is_stream_ = true;
  co_return absl::OkStatus();
}

// Moves [data_begin_, data_end_) to the next data at or behind position_.
Task<absl::Status> SourceReader::FindExtent() {
  // One that is small and has all its space holds nothing to skip: asking costs a small push a
  // worker's wake-up.
  if (stat_.size <= kWholeBytes && stat_.allocated_bytes >= stat_.size) {
    data_begin_ = position_;
    data_end_ = stat_.size;
    co_return absl::OkStatus();
  }
  Op next = io_->NextData(fd_, position_, &data_begin_, &data_end_);
  const int32_t found = co_await next;
  if (found == -ENXIO) {
    data_begin_ = data_end_ = stat_.size;
  } else if (found == -EINVAL || found == -EOPNOTSUPP) {  // the file system does not say
    data_begin_ = position_;
    data_end_ = stat_.size;
  } else if (found < 0) {
    co_return ErrnoStatus(
        found, absl::StrFormat("looking for data at offset %d of the source", position_));
  }
  data_begin_ = std::min(data_begin_, stat_.size);
  data_end_ = std::min(data_end_, stat_.size);
  co_return absl::OkStatus();
}

Task<absl::StatusOr<std::optional<Span>>> SourceReader::Next() {
  if (ended_) co_return std::nullopt;
  const Segment segment = SegmentAt(position_, segment_bytes_);
  if (is_stream_) {
    absl::StatusOr<std::optional<Span>> read = co_await ReadData(segment.end, true);
    co_return std::move(read);
  }
  if (position_ >= stat_.size) {
    ended_ = true;
    co_return std::nullopt;
  }
  if (position_ >= data_end_) {
    absl::Status found = co_await FindExtent();
    if (!found.ok()) co_return found;
  }
  if (position_ < data_begin_) {
    Span hole;
    hole.number = ++*span_numbers_;
    hole.offset = position_;
    hole.hole_bytes = std::min(data_begin_, segment.end) - position_;
    hole.ends_extent = true;
    Take(&hole);
    position_ += hole.hole_bytes;
    hole.ends_segment = position_ == segment.end;
    co_return std::move(hole);
  }
  const bool edge_first = segment.end <= data_end_;
  const uint64_t until = edge_first ? segment.end : data_end_;
  absl::StatusOr<std::optional<Span>> read = co_await ReadData(until, edge_first);
  co_return std::move(read);
}

// Fills `into` or reads to the end of the source.
Task<absl::StatusOr<size_t>> SourceReader::Fill(MutableByteSpan into, Span* span) {
  size_t done = 0;
  while (done < into.size() && !interrupted_) {
    Op read = io_->Read(fd_, into.subspan(done), is_stream_ ? kNoOffset : position_ + done);
    reading_ = &read;
    const int32_t got = co_await read;
    reading_ = nullptr;
    if (got < 0) co_return ErrnoStatus(got, "reading it");
    if (got == 0) break;
    if (done == 0 && !MUSEUM_BUG("span-taken-when-full")) Take(span);
    done += static_cast<size_t>(got);
  }
  if (interrupted_) co_return absl::CancelledError("interrupted");
  co_return done;
}

void SourceReader::Take(Span* span) {
  if (taken_ == span->number) return;
  taken_ = span->number;
  span->taken_at = LagNow(io_);
  if (on_taken_) on_taken_(*span);
}

void SourceReader::Interrupt() {
  interrupted_ = true;
  if (reading_ != nullptr) io_->Cancel(reading_);
}

// Reads up to a span's worth, not past `until`; the extent ends there.
Task<absl::StatusOr<std::optional<Span>>> SourceReader::ReadData(uint64_t until,
                                                                 bool ends_segment) {
  Span span;
  span.number = ++*span_numbers_;
  span.offset = position_;
  span.buffer = co_await spans_->Acquire();
  const size_t room = static_cast<size_t>(std::min<uint64_t>(kSpanReadBytes, until - position_));
  const MutableByteSpan into = span.buffer.span().subspan(kSpanCarryBytes, room);
  absl::StatusOr<size_t> got = co_await Fill(into, &span);
  if (!got.ok()) {
    co_return absl::Status(
        got.status().code(),
        absl::StrFormat("source at offset %d: %s", position_, std::string(got.status().message())));
  }
  position_ += *got;
  span.end = static_cast<uint32_t>(kSpanCarryBytes + *got);
  const bool short_read = *got < room;
  if (short_read) {
    ended_ = true;
    shrank_ = !is_stream_;
  }
  span.ends_extent = short_read || position_ == until;
  span.ends_segment = position_ == until && ends_segment;
  if (*got == 0 && !short_read) co_return std::nullopt;
  Take(&span);
  co_return std::move(span);
}

Task<absl::StatusOr<bool>> SourceReader::Unchanged() {
  if (is_stream_) co_return true;
  FileStat now;
  Op look = io_->Stat(fd_, &now);
  const int32_t looked = co_await look;
  if (looked < 0) co_return ErrnoStatus(looked, "looking at the source again");
  co_return !shrank_ && now.size == stat_.size && now.mtime == stat_.mtime &&
      now.ctime == stat_.ctime;
}

}  // namespace tidemark
