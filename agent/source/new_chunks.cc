#include "agent/source/new_chunks.h"

// Compression of chunks: fast levels at a good ratio, and quick to see that bytes do not compress.
#include <zstd.h>

#include <map>
#include <memory>
#include <utility>

#include "agent/io/compute.h"
#include "agent/io/transfer.h"

namespace tidemark {
namespace {

constexpr size_t kPartsMax = 4;

struct FreeContext {
  void operator()(ZSTD_CCtx* context) const { ZSTD_freeCCtx(context); }
};

// Compressed size, or 0 when it is not worth it.
size_t CompressChunk(ByteSpan plain, MutableByteSpan out, int level) {
  // One context a worker thread: making one costs more than a chunk.
  thread_local std::unique_ptr<ZSTD_CCtx, FreeContext> context(ZSTD_createCCtx());
  const size_t room = plain.size() - plain.size() / 16;
  if (room == 0) return 0;
  const size_t got =
      ZSTD_compressCCtx(context.get(), out.data(), room, plain.data(), plain.size(), level);
  return ZSTD_isError(got) ? 0 : got;
}

// Some items, one after another. Each has as much room as it has plain bytes.
struct CompressJob {
  SealItem* items = nullptr;
  size_t count = 0;
  MutableByteSpan room;
  int level = 1;
  static void Run(void* self) {
    CompressJob* job = static_cast<CompressJob*>(self);
    size_t at = 0;
    for (size_t i = 0; i < job->count; ++i) {
      SealItem& item = job->items[i];
      const MutableByteSpan room = job->room.subspan(at, item.plaintext.size());
      item.packed = room.first(CompressChunk(item.plaintext, room, job->level));
      at += room.size();
    }
  }
};

Task<absl::Status> RunOnWorker(Io* io, CompressJob* job) {
  Op compute = io->Compute(&CompressJob::Run, job);
  const int32_t ran = co_await compute;
  if (ran < 0) co_return ErrnoStatus(ran, "compressing chunks");
  co_return absl::OkStatus();
}

// Parts of about the same size, in order.
std::vector<CompressJob> PartsOf(std::vector<SealItem>* items, MutableByteSpan room, int level) {
  std::vector<CompressJob> parts;
  size_t at = 0;
  for (SealItem& item : *items) {
    if (at >= parts.size() * room.size() / kPartsMax) {
      CompressJob& part = parts.emplace_back();
      part.items = &item;
      part.room = room.subspan(at);
      part.level = level;
    }
    ++parts.back().count;
    at += item.plaintext.size();
  }
  return parts;
}

}  // namespace

NewChunks::NewChunks(Io* io, const Span& span, const Known& known)
    : io_(io), item_of_(span.chunks.size(), kNone) {
  std::map<ChunkId, size_t> within;  // the same chunk twice in one span
  for (size_t i = 0; i < span.chunks.size(); ++i) {
    const CutChunk& chunk = span.chunks[i];
    span_bytes_ += chunk.bytes;
    if (known[i].has_value()) continue;
    auto [place, is_first] = within.try_emplace(chunk.id, items_.size());
    item_of_[i] = place->second;
    if (!is_first) continue;
    SealItem item;
    item.plaintext = ByteSpan(span.buffer.span()).subspan(chunk.begin, chunk.bytes);
    item.id = chunk.id;
    items_.push_back(std::move(item));
    bytes_ += chunk.bytes;
  }
}

Task<absl::Status> NewChunks::Compress(int level) {
  packed_.resize(bytes_);
  std::vector<CompressJob> jobs = PartsOf(&items_, packed_, level);
  if (bytes_ < kInlineBytes) {
    for (CompressJob& job : jobs) CompressJob::Run(&job);
    co_return absl::OkStatus();
  }
  std::vector<Task<absl::Status>> parts;
  for (CompressJob& job : jobs) parts.push_back(RunOnWorker(io_, &job));
  for (Task<absl::Status>& part : parts) part.Start();
  absl::Status result;
  for (Task<absl::Status>& part : parts) {  // all, also after an error: they use what is here
    absl::Status done = co_await part;
    if (result.ok()) result = done;
  }
  co_return result;
}

void NewChunks::DropKnown(ChunkLookup* lookup, Known* known) {
  std::vector<SealItem> left;
  std::vector<size_t> moved(items_.size(), kNone);
  std::vector<std::optional<ChunkLookup::Known>> found(items_.size());
  for (size_t i = 0; i < items_.size(); ++i) {
    found[i] = lookup->FindPending(items_[i].id);
    if (found[i].has_value()) continue;
    moved[i] = left.size();
    left.push_back(std::move(items_[i]));
  }
  for (size_t chunk = 0; chunk < item_of_.size(); ++chunk) {
    if (item_of_[chunk] == kNone) continue;
    const size_t item = item_of_[chunk];
    if (found[item].has_value()) (*known)[chunk] = found[item];
    item_of_[chunk] = moved[item];
  }
  items_ = std::move(left);
}

}  // namespace tidemark
