// Keyring snapshots: every envelope and the vault secret, up to a sequence, in one sealed body.
// State = latest snapshot + the envelopes of later packs. At genesis, rotation, purge and every N
// archives.
#ifndef TIDEMARK_REPLICATOR_KEYRING_H_
#define TIDEMARK_REPLICATOR_KEYRING_H_

#include <vector>

#include "absl/status/statusor.h"
#include "crypto/keys.h"
#include "replicator/control_record.h"
#include "replicator/envelope.h"

namespace tidemark {

struct Keyring {
  VaultId vault;
  uint64_t upto_sequence = 0;
  std::vector<Envelope> envelopes;  // sorted by (name, version)
};

inline constexpr size_t kKeyringPartBytesMax = 3584 * 1024;  // sealed body of one part

// Bodies of the keyring records (control_record.h), one per part, in order.
std::vector<KeyringPart> SealKeyring(const Keyring& keyring, const KeyEncryptionKey& kek,
                                     const Secret32& vault_secret, EntropySource* entropy);
struct OpenedKeyring {
  Keyring keyring;
  Secret32 vault_secret;
};
// All parts of one snapshot, in order. kPermissionDenied: another KEK (its id is named); kDataLoss:
// a damaged or incomplete keyring.
absl::StatusOr<OpenedKeyring> OpenKeyring(const VaultId& vault, const KeyEncryptionKey& kek,
                                          const std::vector<KeyringPart>& parts);

// The agent's local copy: magic, version, parts, checksum. A damaged file is kDataLoss and says so.
std::vector<std::byte> EncodeKeyringFile(const VaultId& vault,
                                         const std::vector<KeyringPart>& parts);
absl::StatusOr<std::vector<KeyringPart>> ParseKeyringFile(const VaultId& vault, ByteSpan file);

}  // namespace tidemark
#endif  // TIDEMARK_REPLICATOR_KEYRING_H_
