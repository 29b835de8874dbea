#include "agent/proof/evidence_journal.h"

#include <algorithm>
#include <cerrno>
#include <utility>

#include "absl/strings/numbers.h"
#include "absl/strings/str_format.h"
#include "agent/io/transfer.h"
#include "crypto/rare_path.h"
#include "replicator/format_mark.h"

namespace tidemark {
namespace {

constexpr FormatMark kMark = {"TMEVIDSG", "evidence segment"};
constexpr size_t kHeaderBytes = kFormatMarkBytes + 6 + 8 + 8 + kChecksumBytes;
constexpr size_t kWindowBytes = 4 << 20;

std::string NameOf(uint64_t number) { return absl::StrFormat("evidence-%016x", number); }

uint64_t NumberOf(const std::string& name) {
  constexpr size_t kPrefix = 9;
  uint64_t number = 0;
  if (name.size() <= kPrefix || !absl::SimpleHexAtoi(name.substr(kPrefix), &number)) return 0;
  return NameOf(number) == name ? number : 0;
}

std::string EncodeHeader(uint64_t number, absl::Time begun_at) {
  LayoutWriter out;
  WriteMark(kMark, &out, kEvidenceVersion);
  out.ZeroTo(kFormatMarkBytes + 6).U64(number).I64(absl::ToUnixNanos(begun_at));
  WriteChecksum(&out);
  return std::string(AsText(out.view()));
}

absl::StatusOr<EvidenceJournal::Segment> DecodeHeader(ByteSpan bytes) {
  if (bytes.size() < kHeaderBytes || !ChecksumHolds(bytes.first(kHeaderBytes)))
    return absl::DataLossError("evidence segment has a damaged header");
  LayoutReader in(bytes);
  absl::Status mark = ReadMark(kMark, &in, kEvidenceVersion);
  if (!mark.ok()) return mark;
  in.View(6);
  EvidenceJournal::Segment segment;
  segment.number = in.U64();
  segment.begun_at = absl::FromUnixNanos(in.I64());
  return segment;
}

}  // namespace

std::string EvidenceJournal::PathOf(uint64_t number) const {
  return options_.directory + "/" + NameOf(number);
}

uint64_t EvidenceJournal::bytes() const {
  uint64_t sum = 0;
  for (const Segment& segment : segments_) sum += segment.bytes;
  return sum;
}

Task<absl::StatusOr<std::unique_ptr<EvidenceJournal>>> EvidenceJournal::Open(Io* io,
                                                                             Options options) {
  std::unique_ptr<EvidenceJournal> journal(new EvidenceJournal(io, std::move(options)));
  absl::Status recovered = co_await journal->Recover();
  if (!recovered.ok()) co_return recovered;
  co_return std::move(journal);
}

Task<absl::Status> EvidenceJournal::Recover() {
  Op make = io_->MakeDirectory(options_.directory);
  const int32_t made = co_await make;
  if (made < 0 && made != -EEXIST) co_return ErrnoStatus(made, "making " + options_.directory);
  const std::string parent = options_.directory.substr(0, options_.directory.rfind('/') + 1);
  Op sync = io_->SyncDirectory(parent);
  const int32_t synced = co_await sync;
  if (synced < 0) co_return ErrnoStatus(synced, "flush directory " + parent);
  std::vector<DirectoryEntry> entries;
  Op list = io_->List(options_.directory, &entries);
  const int32_t listed = co_await list;
  if (listed < 0) co_return ErrnoStatus(listed, "list directory " + options_.directory);
  for (const DirectoryEntry& entry : entries) {
    const uint64_t number = NumberOf(entry.name);
    if (number == 0) continue;
    last_number_ = std::max(last_number_, number);
    std::string path = PathOf(number);
    Op open = io_->Open(path, kOpenRead);
    const Fd fd = co_await open;
    if (fd < 0) co_return ErrnoStatus(fd, "opening " + path);
    std::vector<std::byte> header(kHeaderBytes);
    const MutableByteSpan into(header);
    absl::StatusOr<size_t> got = co_await ReadUpTo(io_, fd, into, 0);
    FileStat stat;
    Op look = io_->Stat(fd, &stat);
    const int32_t looked = co_await look;
    Op close = io_->Close(fd);
    co_await close;
    absl::StatusOr<Segment> known = absl::DataLossError("cut short");
    if (got.ok() && *got == kHeaderBytes) known = DecodeHeader(header);
    if (known.ok() && known->number == number) {
      known->bytes = looked < 0 ? 0 : stat.size;
      segments_.push_back(*known);
    } else if (looked >= 0 && got.ok() && stat.size <= kHeaderBytes) {
      co_await Remove(number);  // its beginning was cut short: it holds nothing
    }
  }
  const auto by_number = [](const Segment& a, const Segment& b) { return a.number < b.number; };
  std::sort(segments_.begin(), segments_.end(), by_number);
  if (segments_.empty()) co_return absl::OkStatus();
  // A process that was killed may not have flushed what is read here, and checkpoints will name it.
  const std::string newest = PathOf(segments_.back().number);
  Op open = io_->Open(newest, kOpenRead);
  const Fd fd = co_await open;
  if (fd < 0) co_return ErrnoStatus(fd, "opening " + newest);
  Op flush = io_->Sync(fd);
  const int32_t flushed = co_await flush;
  Op close = io_->Close(fd);
  co_await close;
  if (flushed < 0) co_return ErrnoStatus(flushed, "flush " + newest);
  Op enter = io_->SyncDirectory(options_.directory);
  const int32_t entered = co_await enter;
  if (entered < 0) co_return ErrnoStatus(entered, "flush directory " + options_.directory);
  co_return absl::OkStatus();
}

bool EvidenceJournal::Add(EvidenceKind kind, ByteSpan body, EvidenceMarks marks) {
  const bool fits = body.size() <= kEvidenceBodyBytesMax &&
                    waiting_.size() + body.size() <= options_.waiting_bytes_max;
  if (fits) AppendEvidence(kind, marks, body, &waiting_);
  return fits;
}

Task<absl::Status> EvidenceJournal::Flush() {
  if (waiting_.empty()) co_return absl::OkStatus();
  absl::Status written;
  if (fd_ < 0) written = co_await BeginSegment();
  std::string writing = std::exchange(waiting_, "");
  const bool fills = offset_ + writing.size() >= options_.segment_bytes_max;
  std::string front;
  if (fills && anchors_) front = anchors_();
  if (written.ok()) {
    const ByteSpan bytes = AsBytes(writing);
    written = co_await WriteFully(io_, fd_, bytes, offset_);
  }
  if (written.ok()) {
    Op sync = io_->Sync(fd_);
    const int32_t synced = co_await sync;
    if (synced < 0) written = ErrnoStatus(synced, "flush " + PathOf(segments_.back().number));
  }
  if (!written.ok()) {
    RARE_PATH("evidence-not-written");
    waiting_ = std::move(writing) + waiting_;
    co_await CloseFile();
    // A full disk would fill with beginnings.
    if (!segments_.empty() && segments_.back().bytes == 0) {
      const uint64_t number = segments_.back().number;
      segments_.pop_back();
      co_await Remove(number);
    }
    co_return written;
  }
  offset_ += writing.size();
  segments_.back().bytes = offset_;
  if (fills) front_ = std::move(front);
  if (fills) co_await CloseFile();
  co_return absl::OkStatus();
}

Task<absl::Status> EvidenceJournal::BeginSegment() {
  Segment segment;
  segment.number = ++last_number_;  // also when it fails: a number is not used twice
  segment.begun_at = io_->Now();
  segments_.push_back(segment);
  const std::string path = PathOf(segment.number);
  Op open = io_->Open(path, kOpenRead | kOpenWrite | kOpenCreate | kOpenExclusive);
  fd_ = co_await open;
  if (fd_ < 0) co_return ErrnoStatus(fd_, "create " + path);
  const std::string front = EncodeHeader(segment.number, segment.begun_at) + front_;
  const ByteSpan bytes = AsBytes(front);
  absl::Status written = co_await WriteFully(io_, fd_, bytes, 0);
  if (!written.ok()) co_return written;
  offset_ = front.size();
  Op directory = io_->SyncDirectory(options_.directory);
  const int32_t entered = co_await directory;
  if (entered < 0) co_return ErrnoStatus(entered, "flush directory " + options_.directory);
  co_await RemoveOld();
  co_return absl::OkStatus();
}

Task<> EvidenceJournal::Remove(uint64_t number) {
  Op unlink = io_->Unlink(PathOf(number));
  const int32_t unlinked = co_await unlink;
  (void)unlinked;  // it is passed by
}

// A segment is as old as its end, which is where the next one begins.
Task<> EvidenceJournal::RemoveOld() {
  while (segments_.size() > 1) {
    const bool is_old = segments_[1].begun_at < io_->Now() - options_.retention;
    const bool is_too_much = bytes() > options_.bytes_max;
    if (!is_old && !is_too_much) co_return;
    const std::string path = PathOf(segments_.front().number);
    Op unlink = io_->Unlink(path);
    const int32_t unlinked = co_await unlink;
    if (unlinked < 0 && unlinked != -ENOENT) co_return;  // tried again with the next segment
    if (!is_old) shortened_at_ = io_->Now();
    segments_.erase(segments_.begin());
  }
}

Task<> EvidenceJournal::CloseFile() {
  if (fd_ < 0) co_return;
  Op close = io_->Close(std::exchange(fd_, -1));
  co_await close;
}

Task<> EvidenceJournal::Close() {
  absl::Status flushed = co_await Flush();
  (void)flushed;  // what is lost is found missing, and fetched from the sites
  co_await CloseFile();
}

namespace {

// A window's frames, on a worker.
struct ReadJob {
  ByteSpan window;
  EvidenceSink* sink = nullptr;
  size_t used = 0;
  bool torn = false;
  static void Run(void* self) {
    ReadJob* job = static_cast<ReadJob*>(self);
    std::optional<EvidenceFrame> frame;
    size_t used = 0;
    while (true) {
      job->torn = !ReadEvidence(job->window.subspan(job->used), &frame, &used).ok();
      if (job->torn || !frame.has_value()) return;
      job->sink->Take(*frame);
      job->used += used;
    }
  }
};

}  // namespace

SegmentReader::SegmentReader(Io* io) : io_(io), memory_(kWindowBytes) {}

Task<absl::Status> SegmentReader::Open(std::string path, uint64_t bytes) {
  end_ = bytes;
  if (bytes < kHeaderBytes) co_return absl::DataLossError(path + " is cut short");
  Op open = io_->Open(path, kOpenRead);
  fd_ = co_await open;
  if (fd_ < 0) co_return ErrnoStatus(fd_, "opening " + path);
  std::vector<std::byte> header(kHeaderBytes);
  const MutableByteSpan into(header);
  absl::Status read = co_await ReadFully(io_, fd_, into, 0);
  if (absl::IsOutOfRange(read)) read = absl::DataLossError(path + " is cut short");
  if (read.ok()) read = DecodeHeader(header).status();
  offset_ = kHeaderBytes;
  co_return read;
}

Task<absl::StatusOr<bool>> SegmentReader::Next(EvidenceSink* sink) {
  if (at_end_) co_return false;
  const MutableByteSpan window =
      MutableByteSpan(memory_).first(std::min<uint64_t>(memory_.size(), end_ - offset_));
  absl::StatusOr<size_t> got = co_await ReadUpTo(io_, fd_, window, offset_);
  if (!got.ok()) co_return got.status();
  ReadJob job;
  job.window = ByteSpan(memory_).first(*got);
  job.sink = sink;
  Op compute = io_->Compute(&ReadJob::Run, &job);
  co_await compute;
  offset_ += job.used;
  at_end_ = job.torn || job.used == 0 || *got < window.size();
  co_return job.used > 0;
}

Task<> SegmentReader::Close() {
  if (fd_ < 0) co_return;
  Op close = io_->Close(std::exchange(fd_, -1));
  co_await close;
}

Task<absl::Status> ReadSegment(Io* io, std::string path, uint64_t bytes, EvidenceSink* sink) {
  SegmentReader reader(io);
  absl::Status read = co_await reader.Open(std::move(path), bytes);
  bool more = read.ok();
  while (more) {
    absl::StatusOr<bool> next = co_await reader.Next(sink);
    read = next.status();
    more = next.ok() && *next;
  }
  co_await reader.Close();
  co_return read;
}

}  // namespace tidemark
