// An agent and its sites as signed statements: a log that grows, checkpoints, receipts, and what
// was true meanwhile. Times are nanoseconds of the agent's clock.
#ifndef TIDEMARK_TESTS_REPLICATOR_PROOF_WORLD_H_
#define TIDEMARK_TESTS_REPLICATOR_PROOF_WORLD_H_

#include <string>
#include <vector>

#include "replicator/proof.h"

namespace tidemark {

inline constexpr int64_t kMilli = 1000000, kSecond = 1000 * kMilli, kMinute = 60 * kSecond;

// Copies are worlds of their own, with the same keys.
class ProofWorld {
 public:
  struct Piece {
    EvidenceKind kind;
    std::vector<std::byte> body;
    EvidenceMarks marks = {};
  };
  explicit ProofWorld(int64_t start, size_t sites = 3);

  // A record of the log; all that was captured until `taken` stands in it and those before.
  Position Append(int64_t taken, RecordKind kind = RecordKind::kPack,
                  const std::vector<std::byte>* control_body = nullptr);
  // The site holds the log up to there, has seen the newest checkpoint, and signs so.
  void SignReceipt(size_t site, uint64_t sequence, int64_t now,
                   Receipt::Level level = Receipt::Level::kFlushed);
  // Of the log up to `sequence`, naming the newest receipt of each site, or `named`.
  void MakeCheckpoint(uint64_t sequence, int64_t now,
                      const std::vector<Digest>& named = std::vector<Digest>());
  // The log's headers in front of everything else, as an export has them.
  void ShowHeaders();

  ExportManifest Manifest(int64_t since, int64_t until, int64_t target = 60 * kSecond) const;
  ProofReport Check(const ExportManifest& manifest, ProofFindings* findings,
                    uint64_t signature_every = 100) const;
  Receipt NextReceipt(size_t site, uint64_t sequence, int64_t now) const;
  static SigningKey site_key(size_t site);
  static SigningKey agent_key();
  // Places of the receipts of a site in `pieces`.
  std::vector<size_t> ReceiptsOf(size_t site) const;
  const std::vector<CanonicalHeader>& log() const { return log_; }
  const VaultId& vault() const { return vault_; }
  std::vector<Piece> pieces;
  uint64_t epoch = 1;  // of what is appended from now on

 private:
  VaultId vault_;
  std::vector<CanonicalHeader> log_;
  std::vector<int64_t> taken_;
  std::vector<SignedReceipt> newest_;
  Digest newest_checkpoint_;
};

std::string SiteName(size_t site);

// Twenty rounds: a record, a checkpoint, a receipt of each site. Receipt n of a site covers record
// n; `pieces` are the headers, then four to a round.
inline constexpr int64_t kStart = 1790000000 * kSecond;
ProofWorld HealthyProofWorld();
// In the three seconds from kStart on.
ProofFindings FindIn(const ProofWorld& world, uint64_t signature_every = 100);
// Whether they name that; if not, says what they name.
bool Names(const ProofFindings& findings, FindingKind kind, const std::string& site,
           uint64_t number);

}  // namespace tidemark
#endif  // TIDEMARK_TESTS_REPLICATOR_PROOF_WORLD_H_
