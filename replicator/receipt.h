// Signed statements: Promise and Receipt by a site, Checkpoint by the agent.
//
// Fixed layout, domain-separated Ed25519. Receipts are chained (each names the digest of the one
// before) and cumulative: one signature over the heads of all of a site's vaults. A site that signs
// two histories convicts itself. Order of duties at a site: flush, ack, then receipt (law 1).
#ifndef TIDEMARK_REPLICATOR_RECEIPT_H_
#define TIDEMARK_REPLICATOR_RECEIPT_H_

#include <vector>

#include "absl/status/statusor.h"
#include "crypto/identity.h"
#include "replicator/record.h"

namespace tidemark {

struct VaultHead {
  VaultId vault;
  Position durable;
  friend bool operator==(const VaultHead&, const VaultHead&) = default;
};

struct Receipt {
  enum class Level : uint8_t { kFlushed = 1, kReadBack = 2, kScrubbed = 3, kTruncated = 9 };
  std::string site;  // its certificate's name
  StoreId store;
  BootId boot;
  uint64_t number = 0;  // 1, 2, 3 ... per store, never twice
  Digest previous;      // digest of receipt number - 1
  Level level = Level::kFlushed;
  int64_t wall_nanos = 0;         // site's clock, Unix time
  int64_t monotonic_nanos = 0;    // since that boot
  int64_t wall_error_nanos = -1;  // bound on the clock's error; -1 unknown
  Digest checkpoint;              // newest agent checkpoint seen, over all vaults
  std::vector<VaultHead> heads;   // sorted by vault

  std::vector<std::byte> Encode() const;
};
// What is stored and sent: the encoded statement and its signature.
struct SignedReceipt {
  Receipt receipt;
  Signature signature;
  std::vector<std::byte> Encode() const;  // statement || signature
  Digest digest() const;                  // of Encode(), what the next one names
};
SignedReceipt SignReceipt(const SigningKey& site, Receipt receipt);
// kDataLoss: malformed; kPermissionDenied: the signature is not by `site`; kUnimplemented: newer.
absl::StatusOr<SignedReceipt> ParseReceipt(const PublicKey& site, ByteSpan bytes);
// Layout only, signature not checked; and the signature of such a one.
absl::StatusOr<SignedReceipt> ParseReceiptUnchecked(ByteSpan bytes);
bool IsSignedBy(const PublicKey& site, const SignedReceipt& receipt);

struct Checkpoint {
  uint16_t version = 2;  // 1 had no restorable_at and one looser meaning of captured_at
  VaultId vault;
  Position upto;
  int64_t captured_at_nanos = 0;    // all that was taken until then stands in records up to `upto`
  int64_t restorable_at_nanos = 0;  // all archives opened until then are whole in them; v1: 0
  int64_t made_at_nanos = 0;
  uint64_t bytes_upto = 0;  // payload bytes of the log so far
  std::vector<Digest>
      receipts;  // newest receipt of each site that the agent held, a, b, w order; may be zero
  std::vector<std::byte> Encode() const;
};
struct SignedCheckpoint {
  Checkpoint checkpoint;
  Signature signature;
  std::vector<std::byte> Encode() const;
  Digest digest() const;
};
SignedCheckpoint SignCheckpoint(const SigningKey& agent, Checkpoint checkpoint);
absl::StatusOr<SignedCheckpoint> ParseCheckpoint(const PublicKey& agent, ByteSpan bytes);
absl::StatusOr<SignedCheckpoint> ParseCheckpointUnchecked(ByteSpan bytes);
bool IsSignedBy(const PublicKey& agent, const SignedCheckpoint& checkpoint);

// "I shall take records of no lower epoch, and of this epoch only from this session."
struct Promise {
  std::string site;
  StoreId store;
  VaultId vault;
  uint64_t epoch = 0;
  SessionId nonce;
  Position tail;  // what the site holds as it promises
  std::vector<std::byte> Encode() const;
};
struct SignedPromise {
  Promise promise;
  Signature signature;
  std::vector<std::byte> Encode() const;
};
SignedPromise SignPromise(const SigningKey& site, Promise promise);
absl::StatusOr<SignedPromise> ParsePromise(const PublicKey& site, ByteSpan bytes);
// Layout only, signature not checked.
absl::StatusOr<SignedPromise> ParsePromiseUnchecked(ByteSpan bytes);

}  // namespace tidemark
#endif  // TIDEMARK_REPLICATOR_RECEIPT_H_
