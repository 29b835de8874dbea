#include "agent/source/seal_job.h"

#include <zstd.h>

#include <algorithm>
#include <cassert>
#include <cstring>
#include <memory>

#include "crypto/museum.h"

namespace tidemark {
namespace {

struct FreeContext {
  void operator()(ZSTD_CCtx* context) const { ZSTD_freeCCtx(context); }
};

// Compressed size, or 0 when it is not worth it: less than a sixteenth saved.
size_t Compress(ByteSpan plain, MutableByteSpan out, int level) {
  // One context a worker thread: making one costs more than a chunk.
  thread_local std::unique_ptr<ZSTD_CCtx, FreeContext> context(ZSTD_createCCtx());
  const size_t room = plain.size() - plain.size() / 16;
  if (room == 0 || room > out.size()) return 0;
  const size_t got =
      ZSTD_compressCCtx(context.get(), out.data(), room, plain.data(), plain.size(), level);
  return ZSTD_isError(got) ? 0 : got;
}

}  // namespace

void DrawnEntropy::Fill(MutableByteSpan out) {
  assert(out.size() <= bytes_.size() - used_);
  std::memcpy(out.data(), bytes_.data() + used_, out.size());
  used_ += out.size();
}

void SealJob::Run(void* self) {
  SealJob* job = static_cast<SealJob*>(self);
  for (; job->next < job->items->size(); ++job->next) {
    SealItem& item = (*job->items)[job->next];
    MutableByteSpan space = job->builder->Reserve(item.plaintext.size() + kSealTagBytes);
    if (space.empty()) return;
    const size_t packed =
        item.compress ? Compress(item.plaintext, space, job->compression_level) : 0;
    item.codec = packed > 0 ? Codec::kZstd : Codec::kRaw;
    const ByteSpan exact = packed > 0 ? ByteSpan(space).first(packed) : item.plaintext;
    const std::array<std::byte, 32> exact_digest =
        packed > 0 ? HashBytes(exact).bytes : item.id.bytes;
    SingleUseKey key = SingleUseKey::Hedged(job->secrets->k_hedge, job->entropy, SealedKind::kChunk,
                                            item.codec, exact_digest, item.id.bytes);
    const size_t sealed_bytes = exact.size() + kSealTagBytes;
    item.key = Seal(std::move(key), SealedKind::kChunk, item.codec, item.id.bytes, exact,
                    space.first(sealed_bytes));
    if (MUSEUM_BUG("chunk-left-in-clear"))
      std::memcpy(space.data(), item.plaintext.data(), std::min(exact.size(), size_t{4096}));
    item.location.sequence = job->builder->identity().sequence;
    item.location.sealed_bytes = static_cast<uint32_t>(sealed_bytes);
    item.location.offset = job->builder->Keep(SealedKind::kChunk, item.id, sealed_bytes);
  }
}

void FinishJob::Run(void* self) {
  FinishJob* job = static_cast<FinishJob*>(self);
  job->payload_bytes = job->builder->Finish(*job->secrets, job->entropy);
  job->blocks = BlockDigests(job->buffer.first(job->payload_bytes));
}

}  // namespace tidemark
