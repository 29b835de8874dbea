// The ledger: lag and RPO of each site and vault over a period, from signed statements alone.
//
// All times are the agent's: a checkpoint says what had been captured, which receipts the agent
// held, and when. A receipt was given after the checkpoint that it names was made, and before the
// first checkpoint that names the receipt. So between two checkpoints a site is proven to hold all
// that was captured until
//
//   min(capture time of the newest checkpoint that its receipt covers,
//       instant at which the checkpoint that its receipt names was made)
//
// and its lag is the time since, which grows until the next checkpoint says better. Capture times
// are the agent's word; the sites' clocks bound them from above (see proof.h).
//
//   (OnReceipt | OnCheckpoint | OnControl)* Finish ; a receipt before the checkpoint that names it
#ifndef TIDEMARK_REPLICATOR_LEDGER_H_
#define TIDEMARK_REPLICATOR_LEDGER_H_

#include <deque>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "replicator/digest_window.h"
#include "replicator/evidence.h"
#include "replicator/lag_histogram.h"
#include "replicator/ledger_report.h"
#include "replicator/ledger_terms.h"

namespace tidemark {

inline constexpr size_t kLedgerIntervalsMax = 10000, kLedgerGapsMax = 10000;

class Ledger {
 public:
  using Terms = LedgerTerms;
  using VaultTerms = LedgerTerms::Vault;
  using Gap = LedgerTerms::Gap;
  // Told of each clock minute once it is over, when somebody wants to know.
  struct Minute {
    size_t vault = 0, site = 0;
    int64_t minute = 0;  // Unix time / 60
    int64_t above = 0, unknown = 0;
  };
  class MinuteListener {
   public:
    virtual ~MinuteListener() = default;
    virtual void OnMinute(const Minute& minute) = 0;
  };

  explicit Ledger(Terms terms, MinuteListener* minutes = nullptr);
  // `digest` is that of `statement`.
  void OnReceipt(const SignedReceipt& receipt, const Digest& digest, ByteSpan statement);
  void OnCheckpoint(const SignedCheckpoint& checkpoint, const Digest& digest, ByteSpan statement);
  void OnControl(const ControlEvidence& control);
  // One more; what was counted already stays.
  void StateGap(const Gap& gap);
  // Nothing that was said before `now` is still to come.
  void AdvanceTo(int64_t now);
  LedgerReport Finish();

  // What another ledger must be told first, so that it is in the state of this one and can go on.
  struct Anchor {
    EvidenceKind kind = EvidenceKind::kReceipt;
    std::vector<std::byte> statement;
  };
  std::vector<Anchor> Anchors() const;

  // The state at hand. nullopt: nothing is proven.
  struct Proven {
    std::optional<int64_t> taken, restorable;
    uint64_t held_sequence = 0;
  };
  Proven ProvenOf(size_t vault, size_t site) const;

 private:
  struct Claim {
    Position upto;
    int64_t taken = 0, restorable = 0;  // 0: not stated
    uint64_t bytes = 0;
    int64_t made = 0;
    std::vector<std::byte> statement;
  };
  struct Heard {  // a receipt
    StoreId store;
    uint64_t number = 0;
    int64_t after = 0;  // it was given after this instant; 0: unknown
    std::vector<VaultHead> heads;
    std::vector<std::byte> statement, named;  // itself, and the checkpoint that says when
  };
  struct Made {  // a checkpoint
    int64_t at = 0;
    std::vector<std::byte> statement;
  };
  struct SiteBook {
    DigestWindow<Heard> recent{512};
    StoreId store;  // of the newest, and its number
    uint64_t number = 0;
    std::map<StoreId, std::map<uint64_t, uint64_t>> gaps;  // first missing -> last
    int64_t after = 0;
    std::vector<std::byte> newest, named;
  };
  struct Track {
    Digest listed;
    StoreId store;  // of the listed one, and its number
    uint64_t number = 0;
    std::vector<std::byte> receipt, named;
    Position head;
    int64_t after = 0, changed_at = 0;
    std::optional<int64_t> taken, restorable;
    std::optional<Claim> claim;
    LagHistogram lag, rpo;
    SiteLedger ledger;
    Minute minute;
    int64_t last_missed_minute = INT64_MIN;
  };
  struct VaultBook {
    std::deque<Claim> claims;
    std::vector<Track> tracks;
    VaultLedger ledger;
    int64_t time = 0;  // up to where it was counted
    bool is_quorum = false;
    std::vector<std::byte> newest_checkpoint, mode;
  };

  VaultBook* Find(const VaultId& vault);
  void Advance(VaultBook* book, int64_t to);
  void Count(VaultBook* book, Track* track, int64_t from, int64_t to);
  void CountMinutes(Track* track, int64_t from, int64_t to, int64_t above, bool is_known);
  bool InGap(const Track& track) const;
  void AddInterval(Track* track, LedgerInterval interval);
  void TakeClaim(VaultBook* book, const Checkpoint& checkpoint, ByteSpan statement);
  void ForgetClaims(VaultBook* book);
  void TakeListed(VaultBook* book, const Checkpoint& checkpoint);
  void Prove(VaultBook* book, Track* track, int64_t now);

  Terms terms_;
  MinuteListener* minutes_;
  std::vector<SiteBook> sites_;
  std::vector<VaultBook> vaults_;
  DigestWindow<Made> made_{4096};  // recent checkpoints
};

}  // namespace tidemark
#endif  // TIDEMARK_REPLICATOR_LEDGER_H_
