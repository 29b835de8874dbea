#include "agent/source/cut_job.h"

namespace tidemark {

void CutJob::Run(void* self) {
  CutJob* job = static_cast<CutJob*>(self);
  Span& span = *job->span;
  const ByteSpan buffer = span.buffer.span();
  while (span.begin < span.end) {
    const ByteSpan rest = buffer.subspan(span.begin, span.end - span.begin);
    if (!span.ends_extent && rest.size() < job->rule->limits().bytes_max) return;
    CutChunk chunk;
    chunk.begin = span.begin;
    chunk.bytes = static_cast<uint32_t>(job->rule->FirstCut(rest, &chunk.forced));
    chunk.id = job->id_key->Identify(rest.first(chunk.bytes));
    span.begin += chunk.bytes;
    span.chunks.push_back(chunk);
  }
}

}  // namespace tidemark
