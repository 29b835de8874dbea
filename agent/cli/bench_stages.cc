#include "agent/cli/bench_stages.h"

#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>
#include <optional>

#include "agent/cli/files.h"
#include "agent/io/transfer.h"
#include "agent/io/uring_io.h"
#include "agent/source/cut_job.h"
#include "agent/source/seal_job.h"
#include "chunker/admission.h"
#include "replicator/record.h"

namespace tidemark {
namespace {

// Processor time of this thread: on a machine that others use too it stays what it is.
double Now() {
  timespec now{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) + static_cast<double>(now.tv_nsec) / 1e9;
}
enum Stage { kRead, kCut, kName, kFind, kSeal, kDigest, kStages };
constexpr const char* kNames[kStages] = {"read", "cut", "name", "find", "seal", "digest"};

// The stages of a push in its order, with the product's own jobs, on the calling thread.
class Pipeline {
 public:
  Pipeline(Io* io, int fd)
      : io_(io),
        fd_(fd),
        pool_(io, 1, kSpanBufferBytes),
        rule_(CutLimits(), CutKeys::FromSecret(Secret32::Random(io))),
        id_key_(Secret32::Random(io)),
        pack_(kPackBytesMax) {
    secrets_ = VaultSecrets::FromVaultSecret(Secret32::Random(io));
    OpenPack();
  }

  // From the file's start to its end; seconds spent in each stage.
  uint64_t Run() {
    chunks_ = 0;
    carry_.clear();
    Span span;
    span.buffer = pool_.TryAcquire();
    for (uint64_t offset = 0; !span.ends_extent;) {
      const double begin = Now();
      span.begin = static_cast<uint32_t>(kSpanCarryBytes - carry_.size());
      std::copy(carry_.begin(), carry_.end(), span.buffer.span().begin() + span.begin);
      const ssize_t got = pread(fd_, span.buffer.span().data() + kSpanCarryBytes, kSpanReadBytes,
                                static_cast<off_t>(offset));
      span.ends_extent = got < static_cast<ssize_t>(kSpanReadBytes);
      span.end = static_cast<uint32_t>(kSpanCarryBytes + std::max<ssize_t>(got, 0));
      offset += static_cast<uint64_t>(std::max<ssize_t>(got, 0));
      Took(kRead, begin);
      Handle(&span);
    }
    return chunks_;
  }
  const double* seconds() const { return seconds_; }

  // Each stage alone, over `memory`; its seconds.
  double Alone(Stage stage, ByteSpan memory) {
    std::vector<SealItem> items = Items(memory);
    const double begin = Now();
    switch (stage) {
      case kRead:
        for (off_t at = 0; pread(fd_, pool_memory(), kSpanReadBytes, at) > 0;)
          at += static_cast<off_t>(kSpanReadBytes);
        break;
      case kCut:
        CutOnly(memory);
        break;
      case kName:
        for (SealItem& item : items) item.id = id_key_.Identify(item.plaintext);
        break;
      case kFind:
        for (SealItem& item : items) pending_.Find(item.id);
        break;
      case kSeal:
        Seal(&items, false);
        break;
      default:
        for (size_t at = 0; at < memory.size(); at += pack_.size())
          BlockDigests(ByteSpan(pack_).first(std::min(pack_.size(), memory.size() - at)));
    }
    return Since(begin);
  }

 private:
  static double Since(double begin) { return Now() - begin; }
  void Took(Stage stage, double begin) { seconds_[stage] += Since(begin); }
  std::byte* pool_memory() { return pool_.memory().data(); }

  void OpenPack() { builder_.emplace(PackIdentity{VaultId(), 1, ++sequence_}, pack_); }

  void CutOnly(ByteSpan left) {
    bool forced = false;
    while (!left.empty()) left = left.subspan(rule_.FirstCut(left, &forced));
  }

  std::vector<SealItem> Items(ByteSpan left) {
    std::vector<SealItem> items;
    for (bool forced = false; !left.empty();) {
      SealItem& item = items.emplace_back();
      item.plaintext = left.first(rule_.FirstCut(left, &forced));
      item.id = id_key_.Identify(item.plaintext);
      left = left.subspan(item.plaintext.size());
    }
    return items;
  }

  void Handle(Span* span) {
    // Cutting and naming alternate chunk by chunk, so that the bytes are warm: one measure for
    // both, told under "name".
    double begin = Now();
    span->chunks.clear();
    CutJob cut{&rule_, &id_key_, span};
    CutJob::Run(&cut);
    const ByteSpan rest =
        ByteSpan(span->buffer.span()).subspan(span->begin, span->end - span->begin);
    carry_.assign(rest.begin(), rest.end());
    Took(kName, begin);

    begin = Now();
    std::vector<SealItem> items;
    for (const CutChunk& chunk : span->chunks) {
      ++chunks_;
      if (pending_.Find(chunk.id).has_value()) continue;
      SealItem& item = items.emplace_back();
      item.plaintext = ByteSpan(span->buffer.span()).subspan(chunk.begin, chunk.bytes);
      item.id = chunk.id;
      ChunkRow row;
      row.id = chunk.id;
      pending_.Add(row);
    }
    Took(kFind, begin);
    if (!items.empty()) Seal(&items, true);
  }

  void Seal(std::vector<SealItem>* items, bool finish) {
    DrawnEntropy entropy(io_, items->size() * kEntropyBytesPerSeal);
    SealJob job;
    job.secrets = &secrets_;
    job.entropy = &entropy;
    job.items = items;
    while (true) {
      const double begin = Now();
      job.builder = &*builder_;
      SealJob::Run(&job);
      Took(kSeal, begin);
      if (job.next == items->size()) return;
      if (finish) Finish();
      OpenPack();
    }
  }

  void Finish() {
    const double begin = Now();
    DrawnEntropy entropy(io_, kEntropyBytesPerFinish);
    FinishJob job;
    job.builder = &*builder_;
    job.secrets = &secrets_;
    job.entropy = &entropy;
    job.buffer = pack_;
    FinishJob::Run(&job);
    Took(kDigest, begin);
  }

  Io* io_;
  int fd_;
  BufferPool pool_;
  CutRule rule_;
  ChunkIdKey id_key_;
  VaultSecrets secrets_;
  std::vector<std::byte> pack_, carry_;
  std::optional<PackBuilder> builder_;
  PendingChunks pending_;
  uint64_t sequence_ = 0, chunks_ = 0;
  double seconds_[kStages] = {};
};

double Timed(Pipeline* pipeline, uint64_t* chunks) {
  const double begin = Now();
  *chunks = pipeline->Run();
  return Now() - begin;
}

}  // namespace

absl::StatusOr<StageFigures> MeasureStages(const std::string& input) {
  absl::StatusOr<OpenedSource> source = OpenSource(input);
  if (!source.ok()) return source.status();
  const int fd = source->fd.get();
  const off_t size = lseek(fd, 0, SEEK_END);
  if (size <= 0) return absl::InvalidArgumentError(input + ": an input with bytes in it is needed");
  std::vector<std::byte> memory(static_cast<size_t>(size));
  for (size_t done = 0; done < memory.size();) {
    const ssize_t got =
        pread(fd, memory.data() + done, memory.size() - done, static_cast<off_t>(done));
    if (got <= 0) return ErrnoStatus(-errno, "reading " + input);
    done += static_cast<size_t>(got);
  }
  absl::StatusOr<std::unique_ptr<UringIo>> io = UringIo::Create(UringOptions{});
  if (!io.ok()) return io.status();

  StageFigures figures;
  figures.bytes = memory.size();
  const double bytes = static_cast<double>(memory.size());
  Pipeline pipeline(io->get(), fd);
  figures.pipeline_bytes_per_second = bytes / Timed(&pipeline, &figures.chunks);
  double in_pipeline[kStages];
  std::copy_n(pipeline.seconds(), size_t{kStages}, in_pipeline);
  figures.known_bytes_per_second = bytes / Timed(&pipeline, &figures.chunks);
  double sum = 0;
  for (int stage = 0; stage < kStages; ++stage) {
    const double alone = pipeline.Alone(static_cast<Stage>(stage), memory);
    sum += alone;
    figures.stages.push_back({kNames[stage], bytes / std::max(alone, 1e-9), in_pipeline[stage]});
  }
  figures.limit_bytes_per_second = bytes / sum;
  return figures;
}

}  // namespace tidemark
