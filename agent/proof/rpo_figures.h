// What the agent says of RPO now and over thirty days, a row for each vault and site. For status,
// metrics and the dashboard; figures of any other period are a ledger's (replicator/ledger.h).
#ifndef TIDEMARK_AGENT_PROOF_RPO_FIGURES_H_
#define TIDEMARK_AGENT_PROOF_RPO_FIGURES_H_

#include <cstdint>
#include <optional>
#include <string>

namespace tidemark {

struct RpoFigures {
  std::string vault, data_class, site;
  bool is_primary = true;
  double target_seconds = 0;
  std::optional<double> lag_seconds, rpo_seconds;  // live, by acks and heartbeats
  // Proved, by receipts: what the ledger would say at this instant.
  std::optional<double> proved_lag_seconds, proved_rpo_seconds;
  // Clock minutes of the last 30 days by the ledger. Those of which nothing is known at all (the
  // agent was not there yet) are in none of the three.
  uint64_t minutes_met = 0, minutes_missed = 0, minutes_unknown = 0;
  // Of the minutes that were met or missed. nullopt: there were none.
  std::optional<double> share_within_target;
  // "At the present rate this breaches in": 0 when it is breached; nullopt: it does not.
  std::optional<double> breach_in_seconds;
};

}  // namespace tidemark
#endif  // TIDEMARK_AGENT_PROOF_RPO_FIGURES_H_
