// The recovery kit: what a bare machine needs besides the binary and one site.
#ifndef TIDEMARK_AGENT_RECOVER_KIT_H_
#define TIDEMARK_AGENT_RECOVER_KIT_H_

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "agent/recover/site_source.h"
#include "crypto/channel.h"
#include "crypto/keys.h"

namespace tidemark {

struct KitSite {
  std::string name, role, address;
  PublicKey key;
};
struct KitVault {
  std::string name;
  VaultId id;
  std::vector<std::byte> checkpoint;  // newest known SignedCheckpoint; empty: none
};
struct RecoveryKit {
  KeyEncryptionKey kek;
  PublicKey agent_key;
  ChannelIdentity identity;  // CA certificate and a read-only client's credential
  std::vector<KitSite> sites;
  std::vector<KitVault> vaults;
};
// JSON text with a checksum over its content. It opens everything: keep it in a safe.
std::string EncodeKit(const RecoveryKit& kit);
// kDataLoss: not a kit or changed; kUnimplemented: newer.
absl::StatusOr<RecoveryKit> ParseKit(const std::string& text);
// The same for a safe: what it is, what it opens, how to restore, the key in groups of hex.
std::string PrintableKit(const RecoveryKit& kit);

}  // namespace tidemark
#endif  // TIDEMARK_AGENT_RECOVER_KIT_H_
