#include "agent/recover/open_run.h"

#include <zstd.h>

#include <memory>

#include "absl/strings/str_format.h"

namespace tidemark {
namespace {

struct FreeContext {
  void operator()(ZSTD_DCtx* context) const { ZSTD_freeDCtx(context); }
};

absl::Status Decompress(ByteSpan packed, MutableByteSpan plain) {
  // One context a worker thread: making one costs more than a chunk.
  thread_local std::unique_ptr<ZSTD_DCtx, FreeContext> context(ZSTD_createDCtx());
  const size_t got =
      ZSTD_decompressDCtx(context.get(), plain.data(), plain.size(), packed.data(), packed.size());
  if (ZSTD_isError(got)) {
    return absl::DataLossError(absl::StrFormat("does not decompress: %s", ZSTD_getErrorName(got)));
  }
  if (got != plain.size()) {
    return absl::DataLossError(
        absl::StrFormat("decompresses to %d bytes, not %d", got, plain.size()));
  }
  return absl::OkStatus();
}

// The AAD context of a chunk is its id, which is keyed by the vault.
absl::Status OpenChunk(const LeafEntry& chunk, ByteSpan sealed, std::vector<std::byte>* scratch,
                       MutableByteSpan plain) {
  const size_t opened_bytes = sealed.size() - kSealTagBytes;
  if (chunk.codec == Codec::kRaw) {
    if (opened_bytes != plain.size()) {
      return absl::DataLossError(
          absl::StrFormat("holds %d bytes, not %d", opened_bytes, plain.size()));
    }
    return Open(chunk.key, SealedKind::kChunk, Codec::kRaw, chunk.id.bytes, sealed, plain);
  }
  if (scratch->size() < opened_bytes) scratch->resize(opened_bytes);
  const MutableByteSpan packed = MutableByteSpan(*scratch).first(opened_bytes);
  absl::Status opened =
      Open(chunk.key, SealedKind::kChunk, chunk.codec, chunk.id.bytes, sealed, packed);
  if (!opened.ok()) return opened;
  return Decompress(packed, plain);
}

}  // namespace

void OpenRun::Run(void* self) {
  OpenRun* run = static_cast<OpenRun*>(self);
  std::vector<std::byte> scratch;
  size_t at = 0;
  for (size_t i = 0; i < run->count; ++i) {
    const LeafEntry& chunk = run->chunks[i];
    const ByteSpan sealed =
        run->sealed.subspan(chunk.location.offset - run->sealed_begin, chunk.location.sealed_bytes);
    const MutableByteSpan plain = run->plain.subspan(at, chunk.bytes);
    at += chunk.bytes;
    run->result = OpenChunk(chunk, sealed, &scratch, plain);
    if (run->result.ok() && run->chunk_ids->Identify(plain) != chunk.id) {
      run->result = absl::DataLossError("opens to bytes that are not what its id names");
    }
    if (!run->result.ok()) {
      run->failed = i;
      break;
    }
  }
  Wipe(scratch);
}

}  // namespace tidemark
