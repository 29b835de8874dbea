// Whether a vault serves pushes now, and why not. The one answer to that: /readyz, the SLA and the
// day book all ask here. Pure.
#ifndef TIDEMARK_AGENT_REPORT_PUSH_SERVICE_H_
#define TIDEMARK_AGENT_REPORT_PUSH_SERVICE_H_

#include <string>
#include <vector>

#include "agent/report/status_report.h"

namespace tidemark {

struct PushBlock {
  std::string code, reason;  // a health code; one line
};
// What stands in the way of a push of this vault; empty: pushes are served. In strict mode a commit
// needs every primary, in quorum mode any two sites. A site that is full, catching up or late takes
// nothing that could commit.
std::vector<PushBlock> PushBlocks(const StatusReport& report, const VaultStatus& vault);

// Of all vaults, each once, "CODE: reason"; empty: ready.
std::vector<std::string> NotReadyReasons(const StatusReport& report);

}  // namespace tidemark
#endif  // TIDEMARK_AGENT_REPORT_PUSH_SERVICE_H_
