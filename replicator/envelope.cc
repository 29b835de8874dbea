#include "replicator/envelope.h"

#include "absl/strings/str_format.h"

namespace tidemark {
namespace {

// Length of the UTF-8 sequence at the front of text and its code point; 0 when it is not one.
// Source: RFC 3629 section 4 (no overlong forms, no surrogates, nothing above U+10FFFF).
size_t DecodeUtf8(std::string_view text, uint32_t* code_point) {
  uint8_t first = static_cast<uint8_t>(text[0]);
  size_t size = first < 0x80   ? 1
                : first < 0xc2 ? 0
                : first < 0xe0 ? 2
                : first < 0xf0 ? 3
                : first < 0xf5 ? 4
                               : 0;
  if (size == 0 || size > text.size()) return 0;
  uint32_t value = size == 1 ? first : first & (0x7f >> size);
  for (size_t i = 1; i < size; ++i) {
    uint8_t next = static_cast<uint8_t>(text[i]);
    if ((next & 0xc0) != 0x80) return 0;
    value = value << 6 | (next & 0x3f);
  }
  bool overlong = (size == 3 && value < 0x800) || (size == 4 && value < 0x10000);
  bool surrogate = value >= 0xd800 && value <= 0xdfff;
  if (overlong || surrogate || value > 0x10ffff) return 0;
  *code_point = value;
  return size;
}

bool IsControl(uint32_t code_point) {
  return code_point < 0x20 || (code_point >= 0x7f && code_point < 0xa0);
}

}  // namespace

void EncodeEnvelope(const Envelope& envelope, LayoutWriter* out) {
  out->Bytes(envelope.archive.bytes).U64(envelope.version).Text(envelope.name);
  out->Bytes(envelope.kek_id).Bytes(envelope.wrapped_key);
  EncodeLocation(envelope.root, out);
  out->Bytes(envelope.root_salt.bytes).U8(envelope.complete ? 1 : 0);
  out->I64(envelope.captured_at_nanos).I64(envelope.closed_at_nanos).U64(envelope.source_bytes);
  out->Bytes(envelope.idempotency.bytes);
}

Envelope DecodeEnvelope(LayoutReader* in) {
  Envelope envelope;
  envelope.archive = in->Object<ArchiveId>();
  envelope.version = in->U64();
  envelope.name = in->Text();
  in->Bytes(envelope.kek_id);
  in->Bytes(envelope.wrapped_key);
  envelope.root = DecodeLocation(in);
  envelope.root_salt = in->Object<Salt>();
  uint8_t complete = in->U8();
  envelope.complete = complete == 1;
  envelope.captured_at_nanos = in->I64();
  envelope.closed_at_nanos = in->I64();
  envelope.source_bytes = in->U64();
  envelope.idempotency = in->Object<Digest>();
  bool sound = complete <= 1 && envelope.version > 0 && CheckArchiveName(envelope.name).ok();
  if (!sound) in->View(in->remaining() + 1);  // reading past the end makes ok() false
  return envelope;
}

size_t EncodedEnvelopeBytes(const Envelope& envelope) {
  return kEnvelopeFixedBytes + envelope.name.size();
}

absl::Status CheckArchiveName(std::string_view name) {
  if (name.empty() || name.size() > kArchiveNameBytesMax) {
    return absl::InvalidArgumentError(absl::StrFormat("archive name has %d bytes: give 1 to %d",
                                                      name.size(), kArchiveNameBytesMax));
  }
  for (size_t at = 0; at < name.size();) {
    uint32_t code_point = 0;
    size_t size = DecodeUtf8(name.substr(at), &code_point);
    if (size == 0) {
      return absl::InvalidArgumentError(
          absl::StrFormat("archive name is not UTF-8 at byte %d", at));
    }
    if (IsControl(code_point)) {
      return absl::InvalidArgumentError(absl::StrFormat(
          "archive name has a control character (U+%04X) at byte %d", code_point, at));
    }
    if (code_point == '@') {
      return absl::InvalidArgumentError(
          absl::StrFormat("archive name has '@' at byte %d: that stands before a version", at));
    }
    at += size;
  }
  return absl::OkStatus();
}

}  // namespace tidemark
