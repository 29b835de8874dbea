#include "chunker/admission.h"

#include <limits>
#include <utility>

#include "absl/strings/str_format.h"
#include "crypto/layout.h"

namespace tidemark {

namespace {

constexpr int kNumberBitsMax = 63;

// Seven bits a byte, the lowest first; the last byte lacks the highest bit (LEB128, as in DWARF 5,
// section 7.6).
void PutNumber(LayoutWriter* out, uint64_t number) {
  for (; number >= 0x80; number >>= 7) out->U8(static_cast<uint8_t>(number) | 0x80);
  out->U8(static_cast<uint8_t>(number));
}

std::optional<uint64_t> TakeNumber(LayoutReader* in) {
  uint64_t number = 0;
  for (int shift = 0; shift < kNumberBitsMax; shift += 7) {
    const uint8_t byte = in->U8();
    number |= uint64_t{byte & 0x7fu} << shift;
    if ((byte & 0x80) == 0) return number;
  }
  return std::nullopt;
}

// Small numbers for what is near zero, on both sides.
uint64_t ZigZag(int64_t value) {
  const uint64_t twice = static_cast<uint64_t>(value) << 1;
  return value < 0 ? ~twice : twice;
}

int64_t UnZigZag(uint64_t number) {
  const uint64_t half = number >> 1;
  return static_cast<int64_t>((number & 1) != 0 ? ~half : half);
}

template <class Integer>
bool TakeInto(LayoutReader* in, Integer* into) {
  const std::optional<uint64_t> number = TakeNumber(in);
  if (!number.has_value() || *number > std::numeric_limits<Integer>::max()) return false;
  *into = static_cast<Integer>(*number);
  return true;
}

}  // namespace

std::vector<std::byte> EncodeChunkRow(const ChunkRow& row, uint64_t archive_number) {
  LayoutWriter out;
  out.Bytes(row.masked_key).U8(row.codec);
  PutNumber(&out, archive_number);
  PutNumber(&out, row.sequence);
  PutNumber(&out, row.offset);
  PutNumber(&out, row.plain_bytes);
  PutNumber(&out, ZigZag(int64_t{row.sealed_bytes} - int64_t{row.plain_bytes}));
  return out.Take();
}

absl::StatusOr<StoredChunkRow> DecodeChunkRow(const ChunkId& id, ByteSpan value) {
  LayoutReader in(value);
  StoredChunkRow stored;
  ChunkRow& row = stored.row;
  row.id = id;
  in.Bytes(row.masked_key);
  row.codec = in.U8();
  uint64_t added = 0;
  const bool taken = TakeInto(&in, &stored.archive_number) && TakeInto(&in, &row.sequence) &&
                     TakeInto(&in, &row.offset) && TakeInto(&in, &row.plain_bytes) &&
                     TakeInto(&in, &added);
  const int64_t sealed_bytes = int64_t{row.plain_bytes} + UnZigZag(added);
  row.sealed_bytes = static_cast<uint32_t>(sealed_bytes);
  if (taken && in.ok() && in.at_end() && sealed_bytes == row.sealed_bytes) return stored;
  return absl::InvalidArgumentError(absl::StrFormat(
      "malformed chunk row of %d bytes: clear the dedup index to rebuild it", value.size()));
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
