// The dedup index on RocksDB: the crash contract of chunker/admission.h with the write-ahead log
// off. A lost memtable is a lost suffix; rows and coverage travel in one atomic batch, so never a
// middle.
#ifndef TIDEMARK_AGENT_SOURCE_ROCKS_INDEX_H_
#define TIDEMARK_AGENT_SOURCE_ROCKS_INDEX_H_

#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "chunker/admission.h"

namespace tidemark {

// One database directory per vault. Blocks: open and use it on workers only.
absl::StatusOr<std::unique_ptr<ChunkIndex>> OpenRocksIndex(const std::string& path,
                                                           size_t cache_bytes);

}  // namespace tidemark
#endif  // TIDEMARK_AGENT_SOURCE_ROCKS_INDEX_H_
