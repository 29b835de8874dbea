// Work without the agent: keys from the recovery kit or the agent's configuration, records from the
// sites themselves or from one store's directory. Read-only.
#ifndef TIDEMARK_AGENT_CLI_BARE_H_
#define TIDEMARK_AGENT_CLI_BARE_H_

#include <vector>

#include "agent/call_format.h"
#include "agent/cli/arguments.h"
#include "agent/cli/client.h"
#include "agent/cli/interrupt.h"
#include "agent/service.h"

namespace tidemark {

// True when --kit or --config was given.
bool IsBare(const Arguments& arguments);

absl::StatusOr<std::vector<ListedVersion>> BareList(const Arguments& arguments, ListCall call,
                                                    const Interrupt& interrupt);
absl::StatusOr<RestoreReport> BareRestore(const Arguments& arguments, RestoreCall call,
                                          const Interrupt& interrupt, const CallListener& listener);
// Reads and opens every version from each site alone; nothing is written.
absl::StatusOr<VerifyReport> BareVerify(const Arguments& arguments, const Interrupt& interrupt);

}  // namespace tidemark
#endif  // TIDEMARK_AGENT_CLI_BARE_H_
