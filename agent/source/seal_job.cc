#include "agent/source/seal_job.h"

#include <algorithm>
#include <cassert>
#include <cstring>

#include "crypto/museum.h"

namespace tidemark {

void DrawnEntropy::Fill(MutableByteSpan out) {
  assert(out.size() <= bytes_.size() - used_);
  std::memcpy(out.data(), bytes_.data() + used_, out.size());
  used_ += out.size();
}

void SealJob::Run(void* self) {
  SealJob* job = static_cast<SealJob*>(self);
  for (; job->next < job->items->size(); ++job->next) {
    SealItem& item = (*job->items)[job->next];
    const bool is_packed = !item.packed.empty();
    const ByteSpan exact = is_packed ? item.packed : item.plaintext;
    MutableByteSpan space = job->builder->Reserve(exact.size() + kSealTagBytes);
    if (space.empty()) return;
    item.codec = is_packed ? Codec::kZstd : Codec::kRaw;
    const std::array<std::byte, 32> exact_digest =
        is_packed ? HashBytes(exact).bytes : item.id.bytes;
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
