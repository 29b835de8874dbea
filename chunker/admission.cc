#include "chunker/admission.h"

#include <algorithm>
#include <cassert>

#include "absl/strings/str_format.h"
#include "crypto/layout.h"

namespace tidemark {

std::array<std::byte, kChunkRowValueBytes> EncodeChunkRow(const ChunkRow& row) {
  LayoutWriter writer;
  writer.Bytes(row.masked_key)
      .Bytes(row.archive.bytes)
      .U64(row.sequence)
      .U32(row.offset)
      .U32(row.sealed_bytes)
      .U32(row.plain_bytes)
      .U8(row.codec);
  assert(writer.size() == kChunkRowValueBytes);
  std::array<std::byte, kChunkRowValueBytes> value;
  std::ranges::copy(writer.view(), value.begin());
  return value;
}

absl::StatusOr<ChunkRow> DecodeChunkRow(const ChunkId& id, ByteSpan value) {
  if (value.size() != kChunkRowValueBytes) {
    return absl::InvalidArgumentError(
        absl::StrFormat("chunk row of %d bytes, expected %d: clear the dedup index to rebuild it",
                        value.size(), kChunkRowValueBytes));
  }
  LayoutReader reader(value);
  ChunkRow row;
  row.id = id;
  reader.Bytes(row.masked_key);
  row.archive = reader.Object<ArchiveId>();
  row.sequence = reader.U64();
  row.offset = reader.U32();
  row.sealed_bytes = reader.U32();
  row.plain_bytes = reader.U32();
  row.codec = reader.U8();
  assert(reader.ok() && reader.at_end());
  return row;
}

std::optional<ChunkRow> PendingChunks::Find(const ChunkId& id) const {
  const auto found = rows_.find(id);
  if (found == rows_.end()) return std::nullopt;
  return found->second;
}

void PendingChunks::Add(const ChunkRow& row) {
  const bool is_new = rows_.emplace(row.id, row).second;
  if (is_new) by_sequence_.emplace(row.sequence, row.id);
}

std::vector<ChunkRow> PendingChunks::Commit(uint64_t sequence) {
  std::vector<ChunkRow> committed;
  const auto end = by_sequence_.upper_bound(sequence);
  for (auto at = by_sequence_.begin(); at != end; ++at) {
    const auto row = rows_.find(at->second);
    assert(row != rows_.end());
    committed.push_back(row->second);
    rows_.erase(row);
  }
  by_sequence_.erase(by_sequence_.begin(), end);
  return committed;
}

void PendingChunks::DropAll() {
  rows_.clear();
  by_sequence_.clear();
}

}  // namespace tidemark
