#include "replicator/placement.h"

#include <cassert>

#include "absl/strings/str_format.h"
#include "replicator/format_mark.h"

namespace tidemark {
namespace {

constexpr FormatMark kPlacementMark = {"TMPLACED", "placement header"};
constexpr FormatMark kLogFileMark = {"TMLOGFIL", "log file header"};

bool AllZero(ByteSpan bytes) {
  for (std::byte b : bytes) {
    if (b != std::byte{0}) return false;
  }
  return true;
}

// After the checksum held: what is reserved must be zero up to the checksum.
bool RestIsZero(LayoutReader* in) {
  return in->ok() && AllZero(in->View(in->remaining() - kChecksumBytes));
}

}  // namespace

std::vector<std::byte> EncodeRecordHead(const CanonicalHeader& header,
                                        const PlacementHeader& placement) {
  assert(placement.sequence == header.sequence);
  LayoutWriter out;
  out.Bytes(header.Encode()).ZeroTo(kPlacementOffset);
  WriteMark(kPlacementMark, &out);
  out.U16(0).U32(0).Bytes(placement.store.bytes).U64(placement.file_number);
  out.U64(placement.file_salt).U64(placement.own_offset).U64(placement.sequence);
  out.U64(placement.durable_upto).Bytes(placement.record_digest.bytes);
  out.ZeroTo(kRecordHeaderBytes - kChecksumBytes);
  WriteChecksum(&out);
  assert(out.size() == kRecordHeaderBytes);
  return out.Take();
}

absl::StatusOr<RecordHead> ParseRecordHead(ByteSpan bytes) {
  if (bytes.size() < kRecordHeaderBytes) return absl::DataLossError("record head is cut short");
  ByteSpan head = bytes.first(kRecordHeaderBytes);
  if (AllZero(head)) return absl::DataLossError("no record here: only zeros");
  if (!ChecksumHolds(head)) {
    return absl::DataLossError("no valid record head here: its checksum does not hold");
  }
  RecordHead parsed;
  absl::StatusOr<CanonicalHeader> canonical = ParseCanonicalHeader(head.first(kPlacementOffset));
  if (!canonical.ok()) return canonical.status();
  parsed.canonical = *std::move(canonical);
  size_t canonical_bytes = kCanonicalFixedBytes + parsed.canonical.blocks.size() * 32;

  LayoutReader in(head.subspan(kPlacementOffset));
  absl::Status mark = ReadMark(kPlacementMark, &in);
  if (!mark.ok()) return mark;
  bool reserved_zero = in.U16() == 0;
  reserved_zero &= in.U32() == 0;
  PlacementHeader& placement = parsed.placement;
  placement.store = in.Object<StoreId>();
  placement.file_number = in.U64();
  placement.file_salt = in.U64();
  placement.own_offset = in.U64();
  placement.sequence = in.U64();
  placement.durable_upto = in.U64();
  placement.record_digest = in.Object<Digest>();
  if (!RestIsZero(&in) || !reserved_zero ||
      !AllZero(head.subspan(canonical_bytes, kPlacementOffset - canonical_bytes))) {
    return absl::DataLossError("record head has a field that no version writes: damaged");
  }
  if (placement.sequence != parsed.canonical.sequence ||
      placement.record_digest != HashBytes(head.first(canonical_bytes))) {
    return absl::DataLossError(absl::StrFormat(
        "record head: canonical header (sequence %d) and placement header (sequence %d) disagree",
        parsed.canonical.sequence, placement.sequence));
  }
  return parsed;
}

std::vector<std::byte> EncodeLogFileHeader(const LogFileHeader& header) {
  LayoutWriter out;
  WriteMark(kLogFileMark, &out);
  out.U16(0).U32(0).Bytes(header.store.bytes).Bytes(header.vault.bytes).U64(header.file_number);
  out.U64(header.file_salt).U64(header.file_bytes);
  EncodePosition(header.before, &out);
  out.ZeroTo(kLogFileHeaderBytes - kChecksumBytes);
  WriteChecksum(&out);
  return out.Take();
}

absl::StatusOr<LogFileHeader> ParseLogFileHeader(ByteSpan bytes) {
  if (bytes.size() < kLogFileHeaderBytes) {
    return absl::DataLossError("log file header is cut short");
  }
  ByteSpan head = bytes.first(kLogFileHeaderBytes);
  if (AllZero(head)) return absl::DataLossError("no log file header here: only zeros");
  if (!ChecksumHolds(head)) {
    return absl::DataLossError("no valid log file header here: its checksum does not hold");
  }
  LayoutReader in(head);
  absl::Status mark = ReadMark(kLogFileMark, &in);
  if (!mark.ok()) return mark;
  bool reserved_zero = in.U16() == 0;
  reserved_zero &= in.U32() == 0;
  LogFileHeader header;
  header.store = in.Object<StoreId>();
  header.vault = in.Object<VaultId>();
  header.file_number = in.U64();
  header.file_salt = in.U64();
  header.file_bytes = in.U64();
  header.before = DecodePosition(&in);
  if (!RestIsZero(&in) || !reserved_zero) {
    return absl::DataLossError("log file header has a field that no version writes: damaged");
  }
  return header;
}

}  // namespace tidemark
