// VaultLog: what recovery read back and nothing shows to have been flushed.
//
// A flush may have failed before the process died: then the bytes read well until the cache forgets
// them, and the next flush succeeds without writing any (law 1). They are not written again in
// place, where a power loss could spoil what is durable after all, but copied into a new file.
#include <algorithm>
#include <cstring>
#include <utility>

#include "agent/io/transfer.h"
#include "agent/site/log_reader.h"
#include "agent/site/vault_log.h"
#include "crypto/rare_path.h"

namespace tidemark {

uint64_t VaultLog::StoredBytes(uint64_t sequence) const {
  auto behind = std::upper_bound(
      files_.begin(), files_.end(), sequence,
      [](uint64_t wanted, const LogFile& file) { return wanted < file.first_sequence(); });
  const LogFile& file = *std::prev(behind);
  const size_t index = sequence - file.first_sequence();
  const bool is_last = index + 1 == file.records.size();
  const uint64_t end = is_last ? file.end : PlaceOffset(file.records[index + 1]);
  return end - PlaceOffset(file.records[index]);
}

// Where records stand in a file that holds just them.
LogFile VaultLog::PlanCopy(uint64_t first, uint64_t last) const {
  LogFile file;
  file.end = kLogFileHeaderBytes;
  for (uint64_t sequence = first; sequence <= last; ++sequence) {
    const std::optional<Place> place = FindPlace(sequence);
    file.records.push_back(PackPlace(file.end, place->kind));
    file.end += StoredBytes(sequence);
  }
  return file;
}

// A crash leaves at most a copy that nobody needs: the records are still in the log then.
Task<absl::Status> VaultLog::KeepAside(Position position, MutableByteSpan buffer) {
  LogFile file = PlanCopy(position.sequence + 1, flushed_.sequence);
  file.header.file_bytes = file.end;
  absl::StatusOr<uint64_t> room = co_await RoomForFile();
  if (!room.ok()) co_return room.status();
  absl::StatusOr<Fd> opened = co_await OpenNewFile(&file, position, kAsideSuffix);
  if (!opened.ok()) co_return opened.status();
  const Fd fd = *opened;
  absl::Status copied = co_await CopyRecords(&file, fd, Copying::kAsItIs, buffer);
  if (copied.ok()) copied = co_await FinishFile(&file, fd);
  if (!copied.ok()) {
    co_await RemoveFile(&file, fd);
    co_return copied;
  }
  aside_ = file.path;
  Op close = io_->Close(fd);
  const int32_t closed = co_await close;
  (void)closed;
  co_return absl::OkStatus();
}

// It is asked again and again: each time would leave a copy.
Task<> VaultLog::RemoveAside() {
  Op unlink = io_->Unlink(std::exchange(aside_, ""));
  const int32_t unlinked = co_await unlink;
  (void)unlinked;
}

// A crash anywhere in it leaves the old records in force, or the whole copy.
Task<absl::Status> VaultLog::Settle(uint64_t evidence, MutableByteSpan buffer) {
  const Position tail = flushed_;
  Position before;
  if (evidence > 0) {
    LogReader reader(this);
    absl::StatusOr<CanonicalHeader> header = co_await reader.ReadHead(evidence, buffer);
    if (header.ok()) before = header->position();
    if (absl::IsDataLoss(header.status())) {  // a rotten head: it was taken by the word of the next
      header = co_await reader.ReadHead(evidence + 1, buffer);
      if (header.ok()) before = {header->epoch, evidence, header->previous};
    }
    co_await reader.Close();
    if (!header.ok()) co_return header.status();
  }
  absl::StatusOr<uint64_t> room = co_await RoomForFile();
  // A full disk's reserve is for this: what may not be flushed must not be told as durable.
  if (absl::IsResourceExhausted(room.status())) {
    RARE_PATH("tail-copied-into-the-reserve");
    room = 0;
  }
  if (!room.ok()) co_return room.status();
  LogFile file = PlanCopy(evidence + 1, tail.sequence);
  file.header.file_bytes = std::max(*room, file.end);
  absl::StatusOr<Fd> opened = co_await OpenNewFile(&file, before, "");
  if (!opened.ok()) co_return opened.status();
  const Fd fd = *opened;
  absl::Status copied = co_await CopyRecords(&file, fd, Copying::kWhole, buffer);
  if (copied.ok()) copied = co_await FinishFile(&file, fd);
  if (!copied.ok()) {
    co_await RemoveFile(&file, fd);
    co_return copied;
  }
  co_await GiveUpAbove(before);
  co_await ReleaseRest();
  bytes_ += file.end;
  files_.push_back(std::move(file));
  flushed_ = tail;
  current_ = fd;
  zeroed_upto_ = 0;
  settled_ = true;
  RARE_PATH("unflushed-tail-copied");
  co_return absl::OkStatus();
}

// The first one last, behind a flush of the others: recovery believes a file whose first record is
// whole, also without its header.
Task<absl::Status> VaultLog::CopyRecords(LogFile* file, Fd fd, Copying copying,
                                         MutableByteSpan buffer) {
  const uint64_t first = file->first_sequence();
  for (uint64_t sequence = first + file->records.size() - 1; sequence >= first; --sequence) {
    if (sequence == first && file->records.size() > 1) {
      Op sync = io_->Sync(fd);
      const int32_t synced = co_await sync;
      if (synced < 0) co_return ErrnoStatus(synced, "flush " + file->path);
    }
    absl::Status copied = co_await CopyRecord(file, fd, sequence, copying, buffer);
    if (!copied.ok()) co_return copied;
  }
  Op sync = io_->Sync(fd);
  const int32_t synced = co_await sync;
  if (synced < 0) co_return ErrnoStatus(synced, "flush " + file->path);
  co_return absl::OkStatus();
}

Task<absl::Status> VaultLog::CopyRecord(const LogFile* file, Fd fd, uint64_t sequence,
                                        Copying copying, MutableByteSpan buffer) {
  LogReader reader(this);
  absl::StatusOr<CanonicalHeader> header = co_await reader.ReadHead(sequence, buffer);
  absl::Status read = header.status();
  if (read.ok()) {
    const CanonicalHeader* wanted = &*header;
    const MutableByteSpan payload = buffer.subspan(kRecordHeaderBytes, header->payload_bytes);
    read = co_await reader.ReadBlocks(wanted, 0, payload);
    if (read.ok() && copying == Copying::kWhole)
      read = co_await CheckPayloadOnWorker(io_, wanted, payload);
  }
  co_await reader.Close();
  if (!read.ok() && copying == Copying::kAsItIs) co_return absl::OkStatus();  // there is no more
  if (!read.ok()) co_return read;
  PlacementHeader placement;
  placement.store = place_.store;
  placement.file_number = file->header.file_number;
  placement.file_salt = file->header.file_salt;
  placement.own_offset = PlaceOffset(file->records[sequence - file->first_sequence()]);
  placement.sequence = sequence;
  placement.durable_upto = file->header.before.sequence;
  placement.record_digest = header->digest();
  const std::vector<std::byte> head = EncodeRecordHead(*header, placement);
  std::memcpy(buffer.data(), head.data(), head.size());
  const ByteSpan bytes = buffer.first(RecordBytes(*header));
  counters_.OnWrite(bytes.size());
  absl::Status written = co_await WriteFully(io_, fd, bytes, placement.own_offset);
  co_return written;
}

}  // namespace tidemark
