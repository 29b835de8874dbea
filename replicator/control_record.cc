#include "replicator/control_record.h"

#include <algorithm>
#include <cassert>

#include "absl/strings/str_format.h"
#include "replicator/format_mark.h"

namespace tidemark {
namespace {

constexpr std::string_view kControlDomain = "tidemark-control/1";
constexpr uint32_t kPromisesMax = 16;

LayoutWriter BeginBody() {
  LayoutWriter out;
  out.U16(kFormatVersion);
  return out;
}

// What is wrong with a body that was read up to its end; OK when nothing is.
absl::Status CheckBody(std::string_view what, const LayoutReader& in, bool sound) {
  if (in.ok() && in.at_end() && sound) return absl::OkStatus();
  return absl::DataLossError(absl::StrFormat("%s record has a malformed body", what));
}

// A u32 length and the bytes.
void WriteBlob(ByteSpan bytes, LayoutWriter* out) {
  out->U32(static_cast<uint32_t>(bytes.size())).Bytes(bytes);
}

std::vector<std::byte> ReadBlob(LayoutReader* in) {
  uint32_t size = in->U32();
  ByteSpan bytes = in->View(size);
  return {bytes.begin(), bytes.end()};
}

void WriteStart(const EpochStart& start, LayoutWriter* out) {
  assert(start.promises.size() <= kPromisesMax);
  out->U64(start.epoch).Bytes(start.nonce.bytes);
  EncodePosition(start.base, out);
  out->U32(static_cast<uint32_t>(start.promises.size()));
  for (const std::vector<std::byte>& promise : start.promises) WriteBlob(promise, out);
}

// False: malformed.
bool ReadStart(LayoutReader* in, EpochStart* start) {
  start->epoch = in->U64();
  start->nonce = in->Object<SessionId>();
  start->base = DecodePosition(in);
  const uint32_t promises = in->U32();
  if (promises > kPromisesMax) return false;
  for (uint32_t i = 0; i < promises; ++i) start->promises.push_back(ReadBlob(in));
  return in->ok();
}

std::vector<std::byte> SignedBytes(const VaultId& vault, RecordKind kind, uint64_t epoch,
                                   uint64_t sequence, ByteSpan body) {
  LayoutWriter out;
  out.Bytes(vault.bytes).U8(static_cast<uint8_t>(kind)).U64(epoch).U64(sequence).Bytes(body);
  return out.Take();
}

struct ControlPayload {
  ByteSpan body;
  Signature signature;
};

absl::StatusOr<ControlPayload> SplitPayload(ByteSpan payload) {
  LayoutReader in(payload);
  ControlPayload split;
  uint32_t body_bytes = in.U32();
  split.body = in.View(body_bytes);
  split.signature = in.Object<Signature>();
  bool sound = in.ok() && payload.size() <= kPackBytesMax &&
               payload.size() == PaddedPayloadBytes(in.position());
  ByteSpan padding = in.View(in.remaining());
  sound &=
      std::all_of(padding.begin(), padding.end(), [](std::byte b) { return b == std::byte{0}; });
  if (!sound) return absl::DataLossError("control record has a malformed payload");
  return split;
}

}  // namespace

std::vector<std::byte> Encode(const VaultGenesis& body) {
  LayoutWriter out = BeginBody();
  out.Text(body.vault_name).Bytes(body.agent_key.bytes).I64(body.created_at_nanos);
  out.U64(body.segment_bytes).U32(body.chunk_bytes_min).U32(body.chunk_bytes_average);
  out.U32(body.chunk_bytes_max);
  WriteStart(body.start, &out);
  return out.Take();
}

absl::StatusOr<VaultGenesis> ParseVaultGenesis(ByteSpan bytes) {
  LayoutReader in(bytes);
  absl::Status version = CheckFormatVersion("vault-genesis record", in.U16());
  if (!version.ok()) return version;
  VaultGenesis body;
  body.vault_name = in.Text();
  body.agent_key = in.Object<PublicKey>();
  body.created_at_nanos = in.I64();
  body.segment_bytes = in.U64();
  body.chunk_bytes_min = in.U32();
  body.chunk_bytes_average = in.U32();
  body.chunk_bytes_max = in.U32();
  const bool sound = ReadStart(&in, &body.start);
  absl::Status checked = CheckBody("vault-genesis", in, sound);
  if (!checked.ok()) return checked;
  return body;
}

std::vector<std::byte> Encode(const EpochStart& body) {
  LayoutWriter out = BeginBody();
  WriteStart(body, &out);
  return out.Take();
}

absl::StatusOr<EpochStart> ParseEpochStart(ByteSpan bytes) {
  LayoutReader in(bytes);
  absl::Status version = CheckFormatVersion("epoch-start record", in.U16());
  if (!version.ok()) return version;
  EpochStart body;
  const bool sound = ReadStart(&in, &body);
  absl::Status checked = CheckBody("epoch-start", in, sound);
  if (!checked.ok()) return checked;
  return body;
}

std::vector<std::byte> Encode(const ModeChange& body) {
  LayoutWriter out = BeginBody();
  out.U8(static_cast<uint8_t>(body.mode)).I64(body.at_nanos).Text(body.reason);
  return out.Take();
}

absl::StatusOr<ModeChange> ParseModeChange(ByteSpan bytes) {
  LayoutReader in(bytes);
  absl::Status version = CheckFormatVersion("mode record", in.U16());
  if (!version.ok()) return version;
  ModeChange body;
  body.mode = static_cast<AckMode>(in.U8());
  body.at_nanos = in.I64();
  body.reason = in.Text();
  bool known = body.mode == AckMode::kStrict || body.mode == AckMode::kQuorum;
  absl::Status checked = CheckBody("mode", in, known);
  if (!checked.ok()) return checked;
  return body;
}

std::vector<std::byte> Encode(const PackList& body) {
  assert(std::is_sorted(body.sequences.begin(), body.sequences.end()));
  LayoutWriter out = BeginBody();
  out.U32(static_cast<uint32_t>(body.sequences.size()));
  for (uint64_t sequence : body.sequences) out.U64(sequence);
  return out.Take();
}

absl::StatusOr<PackList> ParsePackList(ByteSpan bytes) {
  LayoutReader in(bytes);
  absl::Status version = CheckFormatVersion("dying or release record", in.U16());
  if (!version.ok()) return version;
  PackList body;
  uint32_t count = in.U32();
  bool sound = in.ok() && in.remaining() == uint64_t{count} * 8;
  for (uint32_t i = 0; sound && i < count; ++i) {
    uint64_t sequence = in.U64();
    sound = sequence > (body.sequences.empty() ? 0 : body.sequences.back());
    body.sequences.push_back(sequence);
  }
  absl::Status checked = CheckBody("dying or release", in, sound);
  if (!checked.ok()) return checked;
  return body;
}

std::vector<std::byte> Encode(const PurgeNotice& body) {
  LayoutWriter out = BeginBody();
  out.Bytes(body.archive.bytes).I64(body.not_before_nanos);
  return out.Take();
}

absl::StatusOr<PurgeNotice> ParsePurgeNotice(ByteSpan bytes) {
  LayoutReader in(bytes);
  absl::Status version = CheckFormatVersion("purge record", in.U16());
  if (!version.ok()) return version;
  PurgeNotice body;
  body.archive = in.Object<ArchiveId>();
  body.not_before_nanos = in.I64();
  absl::Status checked = CheckBody("purge", in, true);
  if (!checked.ok()) return checked;
  return body;
}

std::vector<std::byte> Encode(const KeyringPart& body) {
  LayoutWriter out = BeginBody();
  out.Bytes(body.kek_id).Bytes(body.vault_secret).Bytes(body.salt.bytes);
  out.U64(body.upto_sequence).U32(body.part).U32(body.parts);
  WriteBlob(body.sealed_body, &out);
  return out.Take();
}

absl::StatusOr<KeyringPart> ParseKeyringPart(ByteSpan bytes) {
  LayoutReader in(bytes);
  absl::Status version = CheckFormatVersion("keyring record", in.U16());
  if (!version.ok()) return version;
  KeyringPart body;
  in.Bytes(body.kek_id);
  in.Bytes(body.vault_secret);
  body.salt = in.Object<Salt>();
  body.upto_sequence = in.U64();
  body.part = in.U32();
  body.parts = in.U32();
  body.sealed_body = ReadBlob(&in);
  absl::Status checked = CheckBody("keyring", in, body.part < body.parts);
  if (!checked.ok()) return checked;
  return body;
}

std::vector<std::byte> MakeControlPayload(const SigningKey& agent, const VaultId& vault,
                                          RecordKind kind, uint64_t epoch, uint64_t sequence,
                                          ByteSpan body) {
  assert(IsControlKind(kind) && body.size() <= kControlBodyBytesMax);
  Signature signature = agent.Sign(kControlDomain, SignedBytes(vault, kind, epoch, sequence, body));
  LayoutWriter out;
  WriteBlob(body, &out);
  out.Bytes(signature.bytes);
  out.ZeroTo(PaddedPayloadBytes(out.size()));
  return out.Take();
}

absl::StatusOr<std::vector<std::byte>> OpenControlPayload(const PublicKey& agent,
                                                          const CanonicalHeader& header,
                                                          ByteSpan payload) {
  if (!IsControlKind(header.kind)) return absl::DataLossError("a pack is not a control record");
  absl::StatusOr<ControlPayload> split = SplitPayload(payload);
  if (!split.ok()) return split.status();
  std::vector<std::byte> message =
      SignedBytes(header.vault, header.kind, header.epoch, header.sequence, split->body);
  if (!VerifySignature(agent, kControlDomain, message, split->signature)) {
    return absl::PermissionDeniedError(
        absl::StrFormat("vault %s record %d is not signed by agent key %s", header.vault.hex(),
                        header.sequence, ToHex(agent.bytes)));
  }
  return std::vector<std::byte>(split->body.begin(), split->body.end());
}

absl::StatusOr<std::vector<std::byte>> ReadControlBody(ByteSpan payload) {
  absl::StatusOr<ControlPayload> split = SplitPayload(payload);
  if (!split.ok()) return split.status();
  return std::vector<std::byte>(split->body.begin(), split->body.end());
}

}  // namespace tidemark
