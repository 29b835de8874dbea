#include "replicator/format_mark.h"

#include <cassert>

#include "absl/strings/str_format.h"
#include "crypto/digest.h"

namespace tidemark {

void WriteMark(const FormatMark& mark, LayoutWriter* out, uint16_t version) {
  assert(mark.magic.size() == 8);
  out->Bytes(AsBytes(mark.magic)).U16(version);
}

absl::Status ReadMark(const FormatMark& mark, LayoutReader* in, uint16_t newest,
                      uint16_t* version) {
  if (AsText(in->View(mark.magic.size())) != mark.magic) {
    return absl::DataLossError(absl::StrFormat("no %s here: its magic is missing", mark.what));
  }
  const uint16_t found = in->U16();
  if (!in->ok()) return absl::DataLossError(absl::StrFormat("%s is cut short", mark.what));
  if (version != nullptr) *version = found;
  return CheckFormatVersion(mark.what, found, newest);
}

absl::Status CheckFormatVersion(std::string_view what, uint16_t version, uint16_t newest) {
  if (version == 0) {
    return absl::DataLossError(absl::StrFormat("%s has format version 0: damaged", what));
  }
  if (version > newest) {
    return absl::UnimplementedError(
        absl::StrFormat("%s made by format version %d, this binary reads up to %d: upgrade", what,
                        version, newest));
  }
  return absl::OkStatus();
}

void WriteChecksum(LayoutWriter* out) {
  Digest digest = HashBytes(out->view());
  out->Bytes(digest.bytes);
}

bool ChecksumHolds(ByteSpan bytes) {
  if (bytes.size() < kChecksumBytes) return false;
  size_t covered = bytes.size() - kChecksumBytes;
  Digest digest = HashBytes(bytes.first(covered));
  return std::memcmp(digest.bytes.data(), bytes.data() + covered, kChecksumBytes) == 0;
}

}  // namespace tidemark
