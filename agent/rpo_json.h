// The ledger and what `rpo` says as JSON. Who verifies an export compares the ledger byte by byte
// with the agent's: numbers are integers, in nanoseconds.
#ifndef TIDEMARK_AGENT_RPO_JSON_H_
#define TIDEMARK_AGENT_RPO_JSON_H_

#include <string>

#include "absl/status/statusor.h"
#include "agent/service.h"

namespace tidemark {

// One line each, without '\n'.
std::string ToJson(const LedgerReport& ledger);
std::string ToJson(const RpoReport& report);
absl::StatusOr<RpoReport> ParseRpoReport(const std::string& json);

}  // namespace tidemark
#endif  // TIDEMARK_AGENT_RPO_JSON_H_
