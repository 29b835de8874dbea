#include "replicator/frame.h"

#include <cassert>

#include "absl/strings/str_format.h"
#include "crypto/layout.h"
#include "replicator/format_mark.h"

namespace tidemark {
namespace {

constexpr uint32_t kFrameMagic = 0x52464d54;  // "TMFR"
constexpr FormatMark kPrefaceMark = {"TMDATACN", "data connection preface"};
constexpr size_t kMacBytes = 16;
constexpr size_t kMacOffset = kFrameHeaderBytes - kMacBytes;

Digest MacOf(const Secret32& key, std::span<const std::byte, kFrameHeaderBytes> header) {
  return KeyedHash(key.view(), header.first(kMacOffset));
}

// Why an authentic header is refused all the same; empty when it is not.
std::string_view Fault(const FrameHeader& header) {
  if (header.payload_bytes > kFramePayloadBytesMax) return "a payload above the maximum";
  switch (header.kind) {
    case FrameKind::kHello:
    case FrameKind::kReadEnd:
      return header.payload_bytes == 0 ? "" : "a payload where there must be none";
    case FrameKind::kRecordHead:
      return header.payload_bytes <= kCanonicalBytesMax ? "" : "a record header above the maximum";
    case FrameKind::kBlock:
      return header.block_index < kPackBlocksMax ? "" : "a block index above the maximum";
  }
  return "an unknown kind";
}

}  // namespace

std::array<std::byte, 18> DataKeyContext(const SessionId& session, uint8_t connection,
                                         Direction direction) {
  std::array<std::byte, 18> context;
  std::memcpy(context.data(), session.bytes.data(), session.bytes.size());
  context[16] = std::byte{connection};
  context[17] = static_cast<std::byte>(direction);
  return context;
}

std::array<std::byte, kPrefaceBytes> EncodePreface(const SessionId& session, uint8_t connection) {
  LayoutWriter out;
  out.Bytes(AsBytes(kPrefaceMark.magic)).U16(kProtocolVersion).U8(connection).U8(0);
  out.Bytes(session.bytes).U32(0);
  std::array<std::byte, kPrefaceBytes> bytes;
  assert(out.size() == bytes.size());
  std::memcpy(bytes.data(), out.view().data(), bytes.size());
  return bytes;
}

absl::StatusOr<Preface> ParsePreface(std::span<const std::byte, kPrefaceBytes> bytes) {
  LayoutReader in(bytes);
  if (AsText(in.View(8)) != kPrefaceMark.magic) {
    return absl::InvalidArgumentError("not a data connection of tidemark: its preface is missing");
  }
  uint16_t version = in.U16();
  if (version > kProtocolVersion) {
    return absl::UnimplementedError(
        absl::StrFormat("data connection of protocol version %d, this binary speaks up to %d: "
                        "upgrade",
                        version, kProtocolVersion));
  }
  Preface preface;
  preface.connection = in.U8();
  uint8_t reserved = in.U8();
  preface.session = in.Object<SessionId>();
  uint32_t zero = in.U32();
  if (version == 0 || reserved != 0 || zero != 0) {
    return absl::InvalidArgumentError("malformed preface of a data connection");
  }
  return preface;
}

void FrameSender::Encode(const FrameHeader& header, std::span<std::byte, kFrameHeaderBytes> out) {
  assert(Fault(header).empty());
  LayoutWriter writer;
  writer.U32(kFrameMagic).U16(kProtocolVersion).U8(static_cast<uint8_t>(header.kind));
  writer.U8(header.connection).U32(header.request).U32(header.payload_bytes);
  writer.Bytes(header.vault.bytes).U64(header.epoch).U64(header.sequence);
  writer.U32(header.block_index).U32(0).U64(counter_).Bytes(header.payload_digest.bytes);
  writer.ZeroTo(kMacOffset);
  assert(writer.size() == kMacOffset);
  std::memcpy(out.data(), writer.view().data(), kMacOffset);
  Digest mac = MacOf(key_, out);
  std::memcpy(out.data() + kMacOffset, mac.bytes.data(), kMacBytes);
  ++counter_;
}

absl::StatusOr<FrameHeader> FrameReceiver::Decode(
    std::span<const std::byte, kFrameHeaderBytes> bytes) {
  Digest mac = MacOf(key_, bytes);
  if (!EqualInConstantTime(bytes.last(kMacBytes), ByteSpan(mac.bytes).first(kMacBytes))) {
    return absl::UnauthenticatedError(
        "frame header has a wrong MAC: changed on the way or not of this session; reconnect");
  }
  LayoutReader in(bytes);
  uint32_t magic = in.U32();
  uint16_t version = in.U16();
  if (version > kProtocolVersion) {
    return absl::UnimplementedError(
        absl::StrFormat("frame of protocol version %d, this binary speaks up to %d: upgrade",
                        version, kProtocolVersion));
  }
  FrameHeader header;
  header.kind = static_cast<FrameKind>(in.U8());
  header.connection = in.U8();
  header.request = in.U32();
  header.payload_bytes = in.U32();
  header.vault = in.Object<VaultId>();
  header.epoch = in.U64();
  header.sequence = in.U64();
  header.block_index = in.U32();
  uint32_t reserved = in.U32();
  uint64_t counter = in.U64();
  header.payload_digest = in.Object<Digest>();
  if (counter != counter_) {
    return absl::UnauthenticatedError(
        absl::StrFormat("frame %d came where frame %d was due: replayed, lost or reordered; "
                        "reconnect",
                        counter, counter_));
  }
  std::string_view fault = Fault(header);
  bool rest_zero = in.U64() == 0;
  rest_zero &= in.U64() == 0;
  if (magic != kFrameMagic || version == 0 || reserved != 0 || !rest_zero) {
    fault = "a field that no version writes";
  }
  if (!fault.empty()) {
    return absl::InvalidArgumentError(absl::StrFormat("authentic frame %d has %s", counter, fault));
  }
  ++counter_;
  return header;
}

}  // namespace tidemark
