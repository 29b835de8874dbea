// Worker job of a push: cuts what a span holds and names the chunks.
#ifndef TIDEMARK_AGENT_SOURCE_CUT_JOB_H_
#define TIDEMARK_AGENT_SOURCE_CUT_JOB_H_

#include "agent/source/span.h"
#include "chunker/cut_rule.h"

namespace tidemark {

// For Io::Compute. Chunks are added to the span's; its `begin` moves to the first byte that no cut
// was found for.
struct CutJob {
  const CutRule* rule = nullptr;
  const ChunkIdKey* id_key = nullptr;
  Span* span = nullptr;
  static void Run(void* self);
};

}  // namespace tidemark
#endif  // TIDEMARK_AGENT_SOURCE_CUT_JOB_H_
