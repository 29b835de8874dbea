#include "replicator/keyring.h"

#include <algorithm>
#include <cassert>

#include "absl/strings/str_format.h"
#include "crypto/layout.h"
#include "replicator/format_mark.h"

namespace tidemark {
namespace {

constexpr FormatMark kFileMark = {"TMKEYRNG", "keyring file"};
constexpr size_t kPartFixedBytes = 2 + 4;  // version and count

std::vector<std::byte> SnapshotContext(const VaultId& vault, uint64_t upto_sequence) {
  LayoutWriter out;
  out.Bytes(vault.bytes).U64(upto_sequence);
  return out.Take();
}

// The part's place is authenticated: parts of one snapshot do not change places or get lost.
std::vector<std::byte> PartContext(const VaultId& vault, uint64_t upto_sequence, uint32_t part,
                                   uint32_t parts) {
  LayoutWriter out;
  out.Bytes(vault.bytes).U64(upto_sequence).U32(part).U32(parts);
  return out.Take();
}

bool EnvelopeOrder(const Envelope& a, const Envelope& b) {
  return a.name != b.name ? a.name < b.name : a.version < b.version;
}

std::vector<std::byte> EncodePart(const std::vector<Envelope>& envelopes, size_t begin,
                                  size_t end) {
  LayoutWriter out;
  out.U16(kFormatVersion).U32(static_cast<uint32_t>(end - begin));
  for (size_t i = begin; i < end; ++i) EncodeEnvelope(envelopes[i], &out);
  return out.Take();
}

// Plain bodies of all parts, each as full as its limit allows; at least one.
std::vector<std::vector<std::byte>> EncodeParts(const std::vector<Envelope>& envelopes) {
  std::vector<std::vector<std::byte>> parts;
  size_t begin = 0;
  do {
    size_t bytes = kPartFixedBytes + kSealTagBytes;
    size_t end = begin;
    while (end < envelopes.size() &&
           bytes + EncodedEnvelopeBytes(envelopes[end]) <= kKeyringPartBytesMax) {
      bytes += EncodedEnvelopeBytes(envelopes[end]);
      ++end;
    }
    parts.push_back(EncodePart(envelopes, begin, end));
    begin = end;
  } while (begin < envelopes.size());
  return parts;
}

absl::Status ReadPart(ByteSpan plain, std::vector<Envelope>* envelopes) {
  LayoutReader in(plain);
  absl::Status version = CheckFormatVersion("keyring", in.U16());
  if (!version.ok()) return version;
  uint32_t count = in.U32();
  for (uint32_t i = 0; in.ok() && i < count; ++i) {
    Envelope envelope = DecodeEnvelope(&in);
    if (!in.ok()) break;
    if (!envelopes->empty() && !EnvelopeOrder(envelopes->back(), envelope)) {
      return absl::DataLossError("damaged keyring: its envelopes are out of order");
    }
    envelopes->push_back(std::move(envelope));
  }
  if (!in.ok() || !in.at_end()) return absl::DataLossError("damaged keyring: malformed body");
  return absl::OkStatus();
}

// Whether these are all parts of one snapshot, in order.
absl::Status CheckParts(const std::vector<KeyringPart>& parts) {
  if (parts.empty()) return absl::DataLossError("incomplete keyring: it has no parts");
  const KeyringPart& first = parts.front();
  for (size_t i = 0; i < parts.size(); ++i) {
    const KeyringPart& part = parts[i];
    bool of_one_snapshot = part.kek_id == first.kek_id && part.vault_secret == first.vault_secret &&
                           part.salt == first.salt && part.upto_sequence == first.upto_sequence &&
                           part.parts == first.parts;
    if (!of_one_snapshot || part.part != i || part.sealed_body.size() < kSealTagBytes) {
      return absl::DataLossError(
          absl::StrFormat("damaged keyring: part %d does not belong behind part %d", part.part, i));
    }
  }
  if (first.parts != parts.size()) {
    return absl::DataLossError(
        absl::StrFormat("incomplete keyring: %d of %d parts", parts.size(), first.parts));
  }
  return absl::OkStatus();
}

}  // namespace

std::vector<KeyringPart> SealKeyring(const Keyring& keyring, const KeyEncryptionKey& kek,
                                     const Secret32& vault_secret, EntropySource* entropy) {
  assert(std::is_sorted(keyring.envelopes.begin(), keyring.envelopes.end(), EnvelopeOrder));
  VaultSecrets secrets = VaultSecrets::FromVaultSecret(vault_secret);
  std::vector<std::vector<std::byte>> plains = EncodeParts(keyring.envelopes);
  Hasher all;
  for (const std::vector<std::byte>& plain : plains) all.Update(plain);
  // One salt names the snapshot; the part's number in the context gives each part its own key.
  Salt salt =
      SingleUseKey::HedgedSalt(secrets.k_hedge, entropy, SealedKind::kKeyring, all.Finish().bytes,
                               SnapshotContext(keyring.vault, keyring.upto_sequence));
  std::vector<KeyringPart> parts(plains.size());
  for (uint32_t i = 0; i < parts.size(); ++i) {
    KeyringPart& part = parts[i];
    part.kek_id = kek.id;
    part.vault_secret =
        WrapSecret(kek, WrappedKind::kVaultSecret, keyring.vault.bytes, vault_secret);
    part.salt = salt;
    part.upto_sequence = keyring.upto_sequence;
    part.part = i;
    part.parts = static_cast<uint32_t>(parts.size());
    std::vector<std::byte> context =
        PartContext(keyring.vault, keyring.upto_sequence, i, part.parts);
    part.sealed_body.resize(plains[i].size() + kSealTagBytes);
    Seal(SingleUseKey::FromSalt(secrets.k_ring, salt, SealedKind::kKeyring, context),
         SealedKind::kKeyring, Codec::kRaw, context, plains[i], part.sealed_body);
  }
  return parts;
}

absl::StatusOr<OpenedKeyring> OpenKeyring(const VaultId& vault, const KeyEncryptionKey& kek,
                                          const std::vector<KeyringPart>& parts) {
  absl::Status checked = CheckParts(parts);
  if (!checked.ok()) return checked;
  const KeyringPart& first = parts.front();
  if (first.kek_id != kek.id) {
    return absl::PermissionDeniedError(
        absl::StrFormat("keyring needs the KEK %s, this one is %s: give the right key file",
                        ToHex(first.kek_id), ToHex(kek.id)));
  }
  absl::StatusOr<Secret32> secret =
      UnwrapSecret(kek, WrappedKind::kVaultSecret, vault.bytes, first.vault_secret);
  if (!secret.ok()) {
    return absl::DataLossError(absl::StrFormat(
        "damaged keyring: the secret of vault %s does not unwrap under the KEK that it names (%s)",
        vault.hex(), ToHex(kek.id)));
  }
  VaultSecrets secrets = VaultSecrets::FromVaultSecret(*secret);
  OpenedKeyring opened{Keyring{vault, first.upto_sequence, {}}, *std::move(secret)};
  for (const KeyringPart& part : parts) {
    std::vector<std::byte> context = PartContext(vault, part.upto_sequence, part.part, part.parts);
    OpenKey key = OpenKeyFromSalt(secrets.k_ring, part.salt, SealedKind::kKeyring, context);
    std::vector<std::byte> plain(part.sealed_body.size() - kSealTagBytes);
    absl::Status status =
        Open(key, SealedKind::kKeyring, Codec::kRaw, context, part.sealed_body, plain);
    if (!status.ok()) {
      return absl::DataLossError(absl::StrFormat("damaged keyring: part %d of %d does not open",
                                                 part.part + 1, part.parts));
    }
    status = ReadPart(plain, &opened.keyring.envelopes);
    if (!status.ok()) return status;
  }
  return opened;
}

std::vector<std::byte> EncodeKeyringFile(const VaultId& vault,
                                         const std::vector<KeyringPart>& parts) {
  LayoutWriter out;
  WriteMark(kFileMark, &out);
  out.U16(0).U32(static_cast<uint32_t>(parts.size())).Bytes(vault.bytes);
  for (const KeyringPart& part : parts) {
    std::vector<std::byte> body = Encode(part);
    out.U32(static_cast<uint32_t>(body.size())).Bytes(body);
  }
  WriteChecksum(&out);
  return out.Take();
}

absl::StatusOr<std::vector<KeyringPart>> ParseKeyringFile(const VaultId& vault, ByteSpan file) {
  if (!ChecksumHolds(file)) {
    return absl::DataLossError(
        "damaged keyring file: its checksum does not hold; restore it from a site or a recovery "
        "kit");
  }
  LayoutReader in(file.first(file.size() - kChecksumBytes));
  absl::Status mark = ReadMark(kFileMark, &in);
  if (!mark.ok()) return mark;
  uint16_t reserved = in.U16();
  uint32_t count = in.U32();
  VaultId stored = in.Object<VaultId>();
  if (in.ok() && stored != vault) {
    return absl::FailedPreconditionError(absl::StrFormat(
        "keyring file belongs to vault %s, not to vault %s", stored.hex(), vault.hex()));
  }
  std::vector<KeyringPart> parts;
  for (uint32_t i = 0; in.ok() && i < count; ++i) {
    uint32_t body_bytes = in.U32();
    absl::StatusOr<KeyringPart> part = ParseKeyringPart(in.View(body_bytes));
    if (!part.ok()) return part.status();
    parts.push_back(*std::move(part));
  }
  if (!in.ok() || !in.at_end() || reserved != 0) {
    return absl::DataLossError("damaged keyring file: malformed");
  }
  return parts;
}

}  // namespace tidemark
