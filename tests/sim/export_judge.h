// What a verifier who trusts nobody says of an agent's export, which must be the agent's own
// ledger.
#ifndef TIDEMARK_TESTS_SIM_EXPORT_JUDGE_H_
#define TIDEMARK_TESTS_SIM_EXPORT_JUDGE_H_

#include <string>

#include "agent/agent.h"
#include "tests/sim/cluster_nodes.h"

namespace tidemark {

// `evidence`: the export's statements, whole. What is wrong goes to shared.findings.
void JudgeProof(const RpoReport& report, const std::string& evidence, const AgentShared& shared);

}  // namespace tidemark
#endif  // TIDEMARK_TESTS_SIM_EXPORT_JUDGE_H_
