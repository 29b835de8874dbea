// Control records: small, plain, signed by the agent. Sites and rpo-verify read them without keys.
//
// Payload: fixed layout of the kind, then the agent's signature (domain "tidemark-control/1" over
// vault || kind || epoch || sequence || body), zero-padded to a payload size.
#ifndef TIDEMARK_REPLICATOR_CONTROL_RECORD_H_
#define TIDEMARK_REPLICATOR_CONTROL_RECORD_H_

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "crypto/identity.h"
#include "crypto/keys.h"
#include "crypto/sealing.h"
#include "replicator/receipt.h"
#include "replicator/record.h"

namespace tidemark {

struct EpochStart {
  uint64_t epoch = 0;
  SessionId nonce;                               // of the agent's session
  Position base;                                 // the tail that this epoch adopted
  std::vector<std::vector<std::byte>> promises;  // signed Promise statements, as given (receipt.h)
};
// The first record of a vault. It shows by itself that its epoch may begin with nothing: its writer
// may die before the epoch-start behind it is anywhere.
struct VaultGenesis {
  std::string vault_name;
  PublicKey agent_key;
  int64_t created_at_nanos = 0;
  uint64_t segment_bytes = 0;
  uint32_t chunk_bytes_min = 0, chunk_bytes_average = 0, chunk_bytes_max = 0;
  EpochStart start;
};
enum class AckMode : uint8_t { kStrict = 1, kQuorum = 2 };
struct ModeChange {
  AckMode mode = AckMode::kStrict;
  int64_t at_nanos = 0;
  std::string reason;
};
// Dying and release name packs by sequence.
struct PackList {
  std::vector<uint64_t> sequences;
};
struct PurgeNotice {
  ArchiveId archive;
  int64_t not_before_nanos = 0;
};
// A keyring record carries the wrapped vault secret in clear layout, and its sealed snapshot
// (keyring.h).
struct KeyringPart {
  std::array<std::byte, 16> kek_id{};
  WrappedKey vault_secret{};
  Salt salt;                     // of the sealed body
  uint64_t upto_sequence = 0;    // the snapshot holds every envelope up to here
  uint32_t part = 0, parts = 1;  // a big snapshot spans several records, one after another
  std::vector<std::byte> sealed_body;
};

// Body bytes of each kind, and back. kDataLoss when malformed.
std::vector<std::byte> Encode(const VaultGenesis& body);
std::vector<std::byte> Encode(const EpochStart& body);
std::vector<std::byte> Encode(const ModeChange& body);
std::vector<std::byte> Encode(const PackList& body);
std::vector<std::byte> Encode(const PurgeNotice& body);
std::vector<std::byte> Encode(const KeyringPart& body);
absl::StatusOr<VaultGenesis> ParseVaultGenesis(ByteSpan body);
absl::StatusOr<EpochStart> ParseEpochStart(ByteSpan body);
absl::StatusOr<ModeChange> ParseModeChange(ByteSpan body);
absl::StatusOr<PackList> ParsePackList(ByteSpan body);
absl::StatusOr<PurgeNotice> ParsePurgeNotice(ByteSpan body);
absl::StatusOr<KeyringPart> ParseKeyringPart(ByteSpan body);

// The padded payload of a control record: u32 body length || body || signature || zeros.
std::vector<std::byte> MakeControlPayload(const SigningKey& agent, const VaultId& vault,
                                          RecordKind kind, uint64_t epoch, uint64_t sequence,
                                          ByteSpan body);
// The body of a payload whose signature holds. kDataLoss: malformed; kPermissionDenied: not by this
// key.
absl::StatusOr<std::vector<std::byte>> OpenControlPayload(const PublicKey& agent,
                                                          const CanonicalHeader& header,
                                                          ByteSpan payload);
// The body without checking who signed it (recovery kits of unknown age check later).
absl::StatusOr<std::vector<std::byte>> ReadControlBody(ByteSpan payload);
inline constexpr size_t kControlBodyBytesMax = kPackBytesMax - 4 - 64;

}  // namespace tidemark
#endif  // TIDEMARK_REPLICATOR_CONTROL_RECORD_H_
