#include "agent/site/receipt_entry.h"

#include "replicator/format_mark.h"

namespace tidemark {
namespace {

constexpr FormatMark kEntryMark = {"TMRCPENT", "receipt entry"};

std::vector<std::byte> TakeBytes(LayoutReader* in) {
  const uint32_t size = in->U32();
  const ByteSpan view = in->View(size);
  return std::vector<std::byte>(view.begin(), view.end());
}

}  // namespace

std::vector<std::byte> EncodeReceiptEntry(const ReceiptEntry& entry) {
  LayoutWriter body;
  body.U64(entry.number).U32(static_cast<uint32_t>(entry.receipt.size())).Bytes(entry.receipt);
  body.U32(static_cast<uint32_t>(entry.checkpoint.size())).Bytes(entry.checkpoint);
  body.U32(static_cast<uint32_t>(entry.heads.size()));
  for (const auto& [vault, position] : entry.heads) {
    body.Bytes(vault.bytes);
    EncodePosition(position, &body);
  }
  LayoutWriter out;
  WriteMark(kEntryMark, &out);
  out.U32(static_cast<uint32_t>(body.size())).Bytes(body.view());
  WriteChecksum(&out);
  return out.Take();
}

absl::StatusOr<ReceiptEntry> DecodeReceiptEntry(ByteSpan pages, uint64_t* bytes) {
  LayoutReader front(pages);
  absl::Status mark = ReadMark(kEntryMark, &front);
  if (!mark.ok()) return mark;
  const uint64_t total = kFormatMarkBytes + 4 + uint64_t{front.U32()} + kChecksumBytes;
  if (!front.ok() || total > pages.size() || !ChecksumHolds(pages.first(total))) {
    return absl::DataLossError("receipt entry is damaged");
  }
  LayoutReader in(
      pages.subspan(kFormatMarkBytes + 4, total - kFormatMarkBytes - 4 - kChecksumBytes));
  ReceiptEntry entry;
  entry.number = in.U64();
  entry.receipt = TakeBytes(&in);
  entry.checkpoint = TakeBytes(&in);
  const uint32_t heads = in.U32();
  for (uint32_t i = 0; i < heads && in.ok(); ++i) {
    const VaultId vault = in.Object<VaultId>();
    entry.heads[vault] = DecodePosition(&in);
  }
  if (!in.ok() || !in.at_end()) return absl::DataLossError("receipt entry is malformed");
  *bytes = total;
  return entry;
}

}  // namespace tidemark
