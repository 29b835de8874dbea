#include "crypto/keys.h"

#include "absl/strings/str_format.h"
#include "crypto/hmac.h"
#include "crypto/key_wrap.h"

namespace tidemark {
namespace {

Secret32 WrappingKey(const KeyEncryptionKey& kek, WrappedKind kind, ByteSpan id) {
  // The KEK's id has a fixed size and stands last, so the layout is unambiguous.
  std::string context;
  context.push_back(static_cast<char>(kind));
  context.append(AsText(id));
  context.append(AsText(kek.id));
  return HkdfSha256(kek.key.view(), "tidemark/wrap/1", AsBytes(context));
}

}  // namespace

KeyEncryptionKey KeyEncryptionKey::Generate(EntropySource* entropy) {
  KeyEncryptionKey kek;
  entropy->Fill(kek.id);
  kek.key = Secret32::Random(entropy);
  return kek;
}

KeyEncryptionKey KeyEncryptionKey::Clone() const {
  KeyEncryptionKey copy;
  copy.id = id;
  copy.key = key.Clone();
  return copy;
}

Secret32 HkdfSha256(ByteSpan secret, std::string_view label, ByteSpan context) {
  // A zero byte ends the label: no label and context together can spell another pair.
  static constexpr std::array<std::byte, 1> kEnd = {std::byte{0}};
  return HkdfSha256WithSalt({}, secret, {AsBytes(label), kEnd, context});
}

WrappedKey WrapSecret(const KeyEncryptionKey& kek, WrappedKind kind, ByteSpan id,
                      const Secret32& secret) {
  return WrapWithKey(WrappingKey(kek, kind, id), secret);
}

absl::StatusOr<Secret32> UnwrapSecret(const KeyEncryptionKey& kek, WrappedKind kind, ByteSpan id,
                                      const WrappedKey& wrapped) {
  Secret32 secret;
  if (!UnwrapWithKey(WrappingKey(kek, kind, id), wrapped, &secret)) {
    return absl::PermissionDeniedError(absl::StrFormat(
        "the key of %s %s does not unwrap under key-encryption key %s",
        kind == WrappedKind::kVaultSecret ? "vault" : "archive", ToHex(id), ToHex(kek.id)));
  }
  return secret;
}

VaultSecrets VaultSecrets::FromVaultSecret(const Secret32& vault_secret) {
  const auto derive = [&vault_secret](std::string_view label) {
    return HkdfSha256(vault_secret.view(), label, {});
  };
  VaultSecrets secrets;
  secrets.k_id = derive("tidemark/vault/1/id");
  secrets.k_cut = derive("tidemark/vault/1/cut");
  secrets.k_dir = derive("tidemark/vault/1/dir");
  secrets.k_hedge = derive("tidemark/vault/1/hedge");
  secrets.k_ring = derive("tidemark/vault/1/ring");
  return secrets;
}

VaultSecrets VaultSecrets::Clone() const {
  VaultSecrets copy;
  copy.k_id = k_id.Clone();
  copy.k_cut = k_cut.Clone();
  copy.k_dir = k_dir.Clone();
  copy.k_hedge = k_hedge.Clone();
  copy.k_ring = k_ring.Clone();
  return copy;
}

Secret32 IndexMaskKey(const Secret32& archive_key) {
  return HkdfSha256(archive_key.view(), "tidemark/index-mask/1", {});
}

void MaskWithIndexKey(const Secret32& mask_key, const ChunkId& id,
                      std::span<std::byte, 32> chunk_key) {
  Digest mask = KeyedHash(mask_key.view(), id.bytes);
  for (size_t i = 0; i < chunk_key.size(); ++i) chunk_key[i] ^= mask.bytes[i];
  Wipe(mask.bytes);
}

}  // namespace tidemark
