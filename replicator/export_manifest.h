// What an export of receipts says about itself: the period, who signed what with which key, which
// receipts the agent lacks, and the digest of every file. Signed by the agent.
#ifndef TIDEMARK_REPLICATOR_EXPORT_MANIFEST_H_
#define TIDEMARK_REPLICATOR_EXPORT_MANIFEST_H_

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "crypto/digest.h"
#include "crypto/identity.h"
#include "replicator/evidence.h"

namespace tidemark {

struct ExportManifest {
  struct Site {  // in the order in which checkpoints name receipts
    std::string name;
    bool is_primary = true;
    PublicKey key;
  };
  struct Vault {
    VaultId id;
    std::string name, data_class;
    int64_t target_nanos = 0;
  };
  struct Gap {  // receipts that the agent lacks, and why
    uint8_t site = 0;
    StoreId store;
    uint64_t from = 0, to = 0;
  };
  struct File {
    std::string name;
    uint64_t bytes = 0;
    Digest digest;
  };
  // 1 knew no gaps in a ledger and no late or disowned receipts.
  uint16_t version = kEvidenceVersion;
  std::string agent;
  PublicKey agent_key;
  int64_t made_at_nanos = 0, since_nanos = 0, until_nanos = 0;
  std::vector<Site> sites;
  std::vector<Vault> vaults;
  std::vector<Gap> gaps;
  std::vector<File> files;

  std::vector<std::byte> Encode() const;
};
// The statement, the agent's signature and a checksum: the file `manifest`.
std::vector<std::byte> SignManifest(const SigningKey& agent, const ExportManifest& manifest);
// Its signature holds under the key that it names itself; whose key that is must be compared.
// kDataLoss: malformed or changed; kUnimplemented: newer.
absl::StatusOr<ExportManifest> ParseManifest(ByteSpan bytes);

inline constexpr char kManifestName[] = "manifest";
inline constexpr char kEvidenceName[] = "evidence";
inline constexpr char kLedgerName[] = "ledger.json";
inline constexpr char kCertificatesName[] = "certificates.pem";
inline constexpr char kKeysName[] = "keys";

}  // namespace tidemark
#endif  // TIDEMARK_REPLICATOR_EXPORT_MANIFEST_H_
