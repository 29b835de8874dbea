#include "replicator/record.h"

#include <algorithm>
#include <cassert>

#include "absl/strings/str_format.h"
#include "replicator/format_mark.h"

namespace tidemark {
namespace {

constexpr FormatMark kMark = {"TMRECORD", "record header"};

}  // namespace

bool IsControlKind(RecordKind kind) {
  return kind >= RecordKind::kVaultGenesis && kind <= RecordKind::kPurge;
}

void EncodePosition(const Position& position, LayoutWriter* out) {
  out->U64(position.epoch).U64(position.sequence).Bytes(position.digest.bytes);
}

Position DecodePosition(LayoutReader* in) {
  Position position;
  position.epoch = in->U64();
  position.sequence = in->U64();
  position.digest = in->Object<Digest>();
  return position;
}

std::vector<std::byte> CanonicalHeader::Encode() const {
  assert(IsPayloadSize(payload_bytes) && blocks.size() == BlockCount(payload_bytes));
  LayoutWriter out;
  WriteMark(kMark, &out);
  out.U8(static_cast<uint8_t>(kind)).U8(0).U32(payload_bytes).Bytes(vault.bytes);
  out.U64(epoch).U64(sequence).U64(committed_sequence).I64(made_at_nanos);
  out.U32(static_cast<uint32_t>(blocks.size())).U32(0).Bytes(previous.bytes);
  assert(out.size() == kCanonicalFixedBytes);
  for (const Digest& block : blocks) out.Bytes(block.bytes);
  return out.Take();
}

Digest CanonicalHeader::digest() const { return HashBytes(Encode()); }

size_t CanonicalHeader::BlockBytes(size_t index) const {
  assert(index < BlockCount(payload_bytes));
  return std::min(kBlockBytes, payload_bytes - index * kBlockBytes);
}

absl::StatusOr<CanonicalHeader> ParseCanonicalHeader(ByteSpan bytes) {
  LayoutReader in(bytes);
  absl::Status mark = ReadMark(kMark, &in);
  if (!mark.ok()) return mark;
  CanonicalHeader header;
  header.kind = static_cast<RecordKind>(in.U8());
  uint8_t flags = in.U8();
  header.payload_bytes = in.U32();
  header.vault = in.Object<VaultId>();
  header.epoch = in.U64();
  header.sequence = in.U64();
  header.committed_sequence = in.U64();
  header.made_at_nanos = in.I64();
  uint32_t block_count = in.U32();
  uint32_t reserved = in.U32();
  header.previous = in.Object<Digest>();
  if (!in.ok()) return absl::DataLossError("record header is cut short");
  if (header.kind != RecordKind::kPack && !IsControlKind(header.kind)) {
    return absl::DataLossError(
        absl::StrFormat("record header names unknown kind %d", static_cast<int>(header.kind)));
  }
  if (flags != 0 || reserved != 0 || header.sequence == 0) {
    return absl::DataLossError("record header has a field that no version writes: damaged");
  }
  if (!IsPayloadSize(header.payload_bytes) ||
      block_count != CanonicalHeader::BlockCount(header.payload_bytes)) {
    return absl::DataLossError(absl::StrFormat("record header claims %d payload bytes in %d blocks",
                                               header.payload_bytes, block_count));
  }
  for (uint32_t i = 0; i < block_count; ++i) header.blocks.push_back(in.Object<Digest>());
  if (!in.ok()) return absl::DataLossError("record header is cut short in its block digests");
  return header;
}

std::vector<Digest> BlockDigests(ByteSpan payload) {
  std::vector<Digest> digests;
  for (size_t at = 0; at < payload.size(); at += kBlockBytes) {
    digests.push_back(HashBytes(payload.subspan(at, std::min(kBlockBytes, payload.size() - at))));
  }
  return digests;
}

absl::Status CheckBlock(const CanonicalHeader& header, size_t block_index, ByteSpan block) {
  if (block_index < header.blocks.size() && block.size() == header.BlockBytes(block_index) &&
      HashBytes(block) == header.blocks[block_index]) {
    return absl::OkStatus();
  }
  return absl::DataLossError(
      absl::StrFormat("vault %s record %d: block %d does not have its digest: heal it from another "
                      "site",
                      header.vault.hex(), header.sequence, block_index));
}

absl::Status CheckPayload(const CanonicalHeader& header, ByteSpan payload) {
  if (payload.size() != header.payload_bytes) {
    return absl::DataLossError(absl::StrFormat("vault %s record %d: %d payload bytes, not %d",
                                               header.vault.hex(), header.sequence, payload.size(),
                                               header.payload_bytes));
  }
  for (size_t i = 0; i < header.blocks.size(); ++i) {
    absl::Status block =
        CheckBlock(header, i, payload.subspan(i * kBlockBytes, header.BlockBytes(i)));
    if (!block.ok()) return block;
  }
  return absl::OkStatus();
}

}  // namespace tidemark
