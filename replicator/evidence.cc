#include "replicator/evidence.h"

#include <cassert>

#include "replicator/format_mark.h"

namespace tidemark {
namespace {

constexpr size_t kFrontBytes = 8, kCheckBytes = 16;

constexpr uint8_t kAnchor = 1, kLate = 2, kDisowned = 4;

bool IsKnown(uint8_t kind) { return kind >= 1 && kind <= 4; }

uint8_t ByteOf(EvidenceMarks marks) {
  return static_cast<uint8_t>((marks.is_anchor ? kAnchor : 0) | (marks.is_late ? kLate : 0) |
                              (marks.is_disowned ? kDisowned : 0));
}

EvidenceMarks MarksOf(uint8_t byte) {
  return {(byte & kAnchor) != 0, (byte & kLate) != 0, (byte & kDisowned) != 0};
}

}  // namespace

void AppendEvidence(EvidenceKind kind, EvidenceMarks marks, ByteSpan body, std::string* out) {
  assert(body.size() <= kEvidenceBodyBytesMax);
  LayoutWriter frame;
  frame.U32(static_cast<uint32_t>(body.size())).U8(static_cast<uint8_t>(kind));
  frame.U8(ByteOf(marks)).U16(0).Bytes(body);
  const Digest check = HashBytes(frame.view());
  out->append(AsText(frame.view()));
  out->append(AsText(ByteSpan(check.bytes).first(kCheckBytes)));
}

absl::Status ReadEvidence(ByteSpan bytes, std::optional<EvidenceFrame>* frame, size_t* used) {
  frame->reset();
  *used = 0;
  if (bytes.size() < kFrontBytes) return absl::OkStatus();
  LayoutReader in(bytes);
  const uint32_t size = in.U32();
  const uint8_t kind = in.U8(), marks = in.U8();
  const uint16_t zero = in.U16();
  if (size > kEvidenceBodyBytesMax || !IsKnown(kind) || ByteOf(MarksOf(marks)) != marks ||
      zero != 0)
    return absl::DataLossError("no evidence frame stands here");
  const size_t covered = kFrontBytes + size;
  if (bytes.size() < covered + kCheckBytes) return absl::OkStatus();
  const Digest check = HashBytes(bytes.first(covered));
  const bool holds = std::memcmp(check.bytes.data(), bytes.data() + covered, kCheckBytes) == 0;
  frame->emplace(EvidenceFrame{static_cast<EvidenceKind>(kind), MarksOf(marks),
                               bytes.subspan(kFrontBytes, size)});
  *used = covered + kCheckBytes;
  return holds ? absl::OkStatus() : absl::DataLossError("an evidence frame was changed");
}

std::vector<std::byte> EncodeControlEvidence(const CanonicalHeader& header, ByteSpan payload) {
  LayoutWriter out;
  out.Bytes(header.Encode()).U32(static_cast<uint32_t>(payload.size())).Bytes(payload);
  return out.Take();
}

absl::StatusOr<ControlEvidence> ParseControlEvidence(ByteSpan body) {
  absl::StatusOr<CanonicalHeader> header = ParseCanonicalHeader(body);
  if (!header.ok()) return header.status();
  ControlEvidence control;
  LayoutReader in(body);
  in.View(header->Encode().size());
  const uint32_t size = in.U32();
  const ByteSpan payload = in.View(size);
  if (!in.ok() || !in.at_end()) return absl::DataLossError("control evidence is malformed");
  absl::Status matches = CheckPayload(*header, payload);
  if (!matches.ok()) return matches;
  control.header = *std::move(header);
  control.payload.assign(payload.begin(), payload.end());
  return control;
}

}  // namespace tidemark
