#include "replicator/resume_point.h"

#include <cassert>

#include "absl/strings/str_format.h"
#include "replicator/envelope.h"
#include "replicator/format_mark.h"

namespace tidemark {
namespace {

constexpr FormatMark kResumeMark = {"TMRESUME", "resume point"};

void WriteIdentity(const SourceIdentity& source, LayoutWriter* out) {
  out->U64(source.device).U64(source.inode).U64(source.size);
  out->I64(source.mtime_nanos).I64(source.ctime_nanos);
}

SourceIdentity ReadIdentity(LayoutReader* in) {
  SourceIdentity source;
  source.device = in->U64();
  source.inode = in->U64();
  source.size = in->U64();
  source.mtime_nanos = in->I64();
  source.ctime_nanos = in->I64();
  return source;
}

void WriteBlob(const std::vector<std::byte>& bytes, LayoutWriter* out) {
  out->U32(static_cast<uint32_t>(bytes.size())).Bytes(bytes);
}

absl::Status Malformed(size_t bytes) {
  return absl::DataLossError(absl::StrFormat("resume point of %d bytes is malformed", bytes));
}

}  // namespace

uint64_t ResumePoint::offset() const {
  uint64_t bytes = root.source_bytes;
  for (const Node& node : open) {
    for (const NodeRef& child : node.children) bytes += child.source_bytes;
  }
  return bytes;
}

std::vector<std::byte> EncodeResumePoint(const ResumePoint& point) {
  LayoutWriter out;
  WriteMark(kResumeMark, &out);
  out.U8(static_cast<uint8_t>(point.open.size())).U8(0);
  WriteIdentity(point.source, &out);
  out.U64(point.stored_bytes);
  WriteBlob(EncodeRoot(point.root), &out);
  for (const Node& node : point.open) WriteBlob(EncodeInner(node.level, node.children), &out);
  assert(out.size() <= kResumePointBytesMax);
  return out.Take();
}

absl::StatusOr<ResumePoint> ParseResumePoint(ByteSpan plain) {
  LayoutReader in(plain);
  absl::Status mark = ReadMark(kResumeMark, &in);
  if (!mark.ok()) return mark;
  ResumePoint point;
  const uint8_t open_nodes = in.U8();
  const uint8_t reserved = in.U8();
  point.source = ReadIdentity(&in);
  point.stored_bytes = in.U64();
  const ByteSpan root = in.View(in.U32());
  if (!in.ok() || reserved != 0) return Malformed(plain.size());
  absl::StatusOr<ManifestRoot> parsed_root = ParseRoot(root);
  if (!parsed_root.ok()) return parsed_root.status();
  point.root = *std::move(parsed_root);
  uint8_t level = 0;
  for (uint8_t i = 0; i < open_nodes; ++i) {
    const ByteSpan bytes = in.View(in.U32());
    if (!in.ok()) return Malformed(plain.size());
    absl::StatusOr<Node> node = ParseNode(bytes);
    if (!node.ok()) return node.status();
    // A full node would have been closed.
    if (node->level <= level || node->children.size() == kNodeRefsMax)
      return Malformed(plain.size());
    level = node->level;
    point.open.push_back(*std::move(node));
  }
  if (!in.at_end() || point.offset() > point.source.size) return Malformed(plain.size());
  return point;
}

void EncodeResumeNotice(const ResumeNotice& notice, LayoutWriter* out) {
  out->Bytes(notice.archive.bytes).Text(notice.name);
  out->Bytes(notice.kek_id).Bytes(notice.wrapped_key);
  EncodeLocation(notice.point, out);
  out->Bytes(notice.salt.bytes);
  WriteIdentity(notice.source, out);
  out->I64(notice.at_nanos);
}

ResumeNotice DecodeResumeNotice(LayoutReader* in) {
  ResumeNotice notice;
  notice.archive = in->Object<ArchiveId>();
  notice.name = in->Text();
  in->Bytes(notice.kek_id);
  in->Bytes(notice.wrapped_key);
  notice.point = DecodeLocation(in);
  notice.salt = in->Object<Salt>();
  notice.source = ReadIdentity(in);
  notice.at_nanos = in->I64();
  const bool is_place = notice.point.sequence > 0 && notice.point.sealed_bytes > kSealTagBytes &&
                        notice.point.sealed_bytes <= kResumePointBytesMax + kSealTagBytes;
  const bool sound =
      (notice.done() ? notice.salt == Salt{} : is_place) && CheckArchiveName(notice.name).ok();
  if (!sound) in->View(in->remaining() + 1);  // reading past the end makes ok() false
  return notice;
}

size_t EncodedResumeNoticeBytes(const ResumeNotice& notice) {
  return kResumeNoticeFixedBytes + notice.name.size();
}

}  // namespace tidemark
