#include "agent/site/log_reader.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_format.h"
#include "agent/io/transfer.h"

namespace tidemark {
namespace {

absl::Status Missing(uint64_t sequence) {
  return absl::NotFoundError(absl::StrFormat("record %d is not in the log", sequence));
}

absl::Status Unreadable(uint64_t sequence, const std::string& path, const absl::Status& why) {
  return absl::DataLossError(absl::StrFormat("record %d in %s cannot be read: %s", sequence, path,
                                             std::string(why.message())));
}

}  // namespace

size_t BlockRangeBytes(const CanonicalHeader& header, uint32_t first, uint32_t count) {
  size_t bytes = 0;
  for (uint32_t i = first; i < first + count; ++i) bytes += header.BlockBytes(i);
  return bytes;
}

Task<absl::StatusOr<CanonicalHeader>> LogReader::ReadHead(uint64_t sequence,
                                                          MutableByteSpan buffer) {
  const std::optional<VaultLog::Place> place = log_->FindPlace(sequence);
  if (!place.has_value()) co_return Missing(sequence);
  absl::Status opened = co_await OpenFile(&*place);
  if (!opened.ok()) co_return opened;
  const MutableByteSpan into = buffer.first(kRecordHeaderBytes);
  log_->counters()->OnRead(into.size());
  absl::Status read = co_await ReadFully(io(), fd_, into, place->offset);
  if (!read.ok()) co_return Unreadable(sequence, place->path, read);
  absl::StatusOr<RecordHead> head = ParseRecordHead(into);
  if (!head.ok()) co_return Unreadable(sequence, place->path, head.status());
  if (!IsOwnRecord(place->file, place->offset, *head) || head->canonical.sequence != sequence) {
    co_return absl::DataLossError(absl::StrFormat("%s at offset %d holds another record than %d",
                                                  place->path, place->offset, sequence));
  }
  log_->NoteKind(sequence, head->canonical.kind);
  co_return std::move(head->canonical);
}

Task<absl::StatusOr<Digest>> LogReader::ReadDigest(uint64_t sequence, MutableByteSpan buffer) {
  absl::StatusOr<CanonicalHeader> next = co_await ReadHead(sequence + 1, buffer);
  if (next.ok()) co_return next->previous;
  if (!absl::IsDataLoss(next.status())) co_return next.status();
  absl::StatusOr<CanonicalHeader> own = co_await ReadHead(sequence, buffer);
  if (own.ok()) co_return own->digest();
  co_return absl::UnavailableError(
      absl::StrFormat("record %d: its head is being healed", sequence));
}

Task<absl::Status> LogReader::CheckFileHeader(uint64_t sequence, MutableByteSpan buffer) {
  const std::optional<VaultLog::Place> place = log_->FindPlace(sequence);
  if (!place.has_value()) co_return Missing(sequence);
  absl::Status opened = co_await OpenFile(&*place);
  if (!opened.ok()) co_return opened;
  const MutableByteSpan into = buffer.first(kLogFileHeaderBytes);
  log_->counters()->OnRead(into.size());
  absl::Status read = co_await ReadFully(io(), fd_, into, 0);
  if (read.ok() && !std::ranges::equal(into, EncodeLogFileHeader(place->file))) {
    read = absl::DataLossError("it is not what was written");
  }
  if (!read.ok()) {
    co_return absl::DataLossError(
        absl::StrFormat("header of %s: %s", place->path, std::string(read.message())));
  }
  co_return read;
}

Task<absl::Status> LogReader::ReadBlocks(const CanonicalHeader* header, uint32_t first,
                                         MutableByteSpan into) {
  const std::optional<VaultLog::Place> place = log_->FindPlace(header->sequence);
  if (!place.has_value()) co_return Missing(header->sequence);
  absl::Status opened = co_await OpenFile(&*place);
  if (!opened.ok()) co_return opened;
  const uint64_t offset = place->offset + kRecordHeaderBytes + uint64_t{first} * kBlockBytes;
  log_->counters()->OnRead(into.size());
  absl::Status read = co_await ReadFully(io(), fd_, into, offset);
  if (!read.ok()) co_return Unreadable(header->sequence, place->path, read);
  co_return absl::OkStatus();
}

Task<absl::Status> LogReader::OpenFile(const VaultLog::Place* place) {
  if (fd_ >= 0 && file_number_ == place->file_number) co_return absl::OkStatus();
  co_await Close();
  Op open = io()->Open(place->path, kOpenRead | kOpenDirect);
  const int32_t opened = co_await open;
  if (opened < 0) co_return ErrnoStatus(opened, "open " + place->path);
  fd_ = opened;
  file_number_ = place->file_number;
  co_return absl::OkStatus();
}

Task<> LogReader::Close() {
  if (fd_ < 0) co_return;
  Op close = io()->Close(std::exchange(fd_, -1));
  const int32_t closed = co_await close;
  (void)closed;
}

}  // namespace tidemark
