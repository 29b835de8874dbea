// The ledger for people.
#ifndef TIDEMARK_AGENT_CLI_RPO_TEXT_H_
#define TIDEMARK_AGENT_CLI_RPO_TEXT_H_

#include <string>
#include <vector>

#include "agent/service.h"

namespace tidemark {

std::string RpoText(const RpoReport& report);
// A row for each vault and site, the intervals behind them.
std::string LedgerText(const LedgerReport& ledger);
// A line each.
std::string FactsText(const std::vector<std::string>& facts);

}  // namespace tidemark
#endif  // TIDEMARK_AGENT_CLI_RPO_TEXT_H_
