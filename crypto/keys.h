// Key hierarchy: KEK -> wrapping keys -> vault secrets and archive keys (design section 8).
//
//   KEK (quarterly) -- HKDF-SHA256("tidemark/wrap/1" || kind || id || kek id) --> wrapping key
//   wrapping key -- AES-256-KW (RFC 3394) --> one wrapped 32-byte secret
#ifndef TIDEMARK_CRYPTO_KEYS_H_
#define TIDEMARK_CRYPTO_KEYS_H_

#include <array>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "crypto/bytes.h"
#include "crypto/digest.h"

namespace tidemark {

inline constexpr size_t kWrappedKeyBytes = 40;
using WrappedKey = std::array<std::byte, kWrappedKeyBytes>;

enum class WrappedKind : uint8_t { kVaultSecret = 1, kArchiveKey = 2 };

// The key-encryption key of one quarter. `id` names it (random, not secret).
struct KeyEncryptionKey {
  std::array<std::byte, 16> id{};
  Secret32 key;
  static KeyEncryptionKey Generate(EntropySource* entropy);
  KeyEncryptionKey Clone() const;
};

Secret32 HkdfSha256(ByteSpan secret, std::string_view label, ByteSpan context);

// `id` is the vault's or archive's own id: a blob transplanted to another id does not unwrap.
WrappedKey WrapSecret(const KeyEncryptionKey& kek, WrappedKind kind, ByteSpan id,
                      const Secret32& secret);
// kPermissionDenied when the KEK, kind or id is not the one it was wrapped under.
absl::StatusOr<Secret32> UnwrapSecret(const KeyEncryptionKey& kek, WrappedKind kind, ByteSpan id,
                                      const WrappedKey& wrapped);

// A vault's secrets, all derived from one random vault secret by labels.
struct VaultSecrets {
  Secret32 k_id;     // chunk ids
  Secret32 k_cut;    // cut keys
  Secret32 k_dir;    // pack directories
  Secret32 k_hedge;  // hedging of single-use keys
  Secret32 k_ring;   // sealed body of keyring records
  static VaultSecrets FromVaultSecret(const Secret32& vault_secret);
  VaultSecrets Clone() const;
};

// Index rows mask the chunk key: mask = PRF(HKDF(archive key, "index-mask"), chunk id). XOR both
// ways.
Secret32 IndexMaskKey(const Secret32& archive_key);
void MaskWithIndexKey(const Secret32& mask_key, const ChunkId& id,
                      std::span<std::byte, 32> chunk_key);

// Key file: text "tidemark-key-1", the KEK sealed by scrypt(passphrase, N=2^15,r=8,p=1) and AES-KW,
// with a checksum so that a damaged file (kDataLoss) is told from a wrong passphrase
// (kPermissionDenied). An empty passphrase is allowed and said in the file.
std::string EncodeKeyFile(const KeyEncryptionKey& kek, std::string_view passphrase,
                          EntropySource* entropy);
absl::StatusOr<KeyEncryptionKey> DecodeKeyFile(std::string_view text, std::string_view passphrase);

}  // namespace tidemark
#endif  // TIDEMARK_CRYPTO_KEYS_H_
