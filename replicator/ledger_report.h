// What a ledger says of a period. Plain values; times are Unix nanoseconds of the agent's clock.
#ifndef TIDEMARK_REPLICATOR_LEDGER_REPORT_H_
#define TIDEMARK_REPLICATOR_LEDGER_REPORT_H_

#include <cstdint>
#include <string>
#include <vector>

#include "crypto/bytes.h"

namespace tidemark {

// By time, in nanoseconds, over the time of which something is known.
struct LagFigures {
  int64_t worst = 0, p50 = 0, p90 = 0, p99 = 0, p999 = 0;
  friend bool operator==(const LagFigures&, const LagFigures&) = default;
};
struct LedgerInterval {
  enum class Kind : uint8_t {
    kBreach = 1,   // the RPO was above the target
    kUnknown = 2,  // nothing is proven of the site
    kAbsent = 3,   // no new receipt of it for 30 s
    kQuorum = 4,   // commits did not wait for both primaries
  };
  Kind kind = Kind::kBreach;
  int64_t from = 0, to = 0;
  int64_t worst = 0;  // of the RPO in it; 0: unknown
  friend bool operator==(const LedgerInterval&, const LedgerInterval&) = default;
};
struct SiteLedger {
  std::string site;
  LagFigures lag, rpo;
  int64_t known = 0, unknown = 0;        // nanoseconds of the period; the RPO counts
  int64_t above = 0;                     // of the known ones, with the RPO above the target
  uint64_t minutes_missed = 0;           // clock minutes in which it was above at any instant
  uint64_t bytes = 0, bytes_within = 0;  // that became held, and those within the target
  std::vector<LedgerInterval> intervals;
  uint64_t intervals_left_out = 0;
  friend bool operator==(const SiteLedger&, const SiteLedger&) = default;
};
struct ModeFact {
  int64_t at = 0;
  bool is_quorum = false;
  std::string reason;
  friend bool operator==(const ModeFact&, const ModeFact&) = default;
};
struct EpochFact {
  int64_t at = 0;
  uint64_t epoch = 0;
  friend bool operator==(const EpochFact&, const EpochFact&) = default;
};
struct VaultLedger {
  std::string name;
  VaultId vault;
  int64_t target = 0;
  std::vector<SiteLedger> sites;
  std::vector<ModeFact> modes;    // that fell into the period; the first may be older
  std::vector<EpochFact> epochs;  // that began in it
  std::vector<LedgerInterval> quorum;
  uint64_t checkpoints = 0;  // seen in it
  friend bool operator==(const VaultLedger&, const VaultLedger&) = default;
};
struct LedgerReport {
  int64_t since = 0, until = 0;
  std::vector<VaultLedger> vaults;
  friend bool operator==(const LedgerReport&, const LedgerReport&) = default;
};

}  // namespace tidemark
#endif  // TIDEMARK_REPLICATOR_LEDGER_REPORT_H_
