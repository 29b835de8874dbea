// One verb per file; each takes the parsed command line and gives the exit code.
#ifndef TIDEMARK_AGENT_CLI_VERBS_H_
#define TIDEMARK_AGENT_CLI_VERBS_H_

#include "agent/cli/arguments.h"

namespace tidemark {

int RunPush(const Arguments& arguments);
int RunRestore(const Arguments& arguments);
int RunList(const Arguments& arguments);
int RunStatus(const Arguments& arguments);
int RunReport(const Arguments& arguments);
int RunVerify(const Arguments& arguments);
int RunSetupAuthority(const Arguments& arguments);
int RunSetupSite(const Arguments& arguments);
int RunSetupAgent(const Arguments& arguments);
int RunSite(const Arguments& arguments);
int RunSiteReplace(const Arguments& arguments);
int RunAgent(const Arguments& arguments);
int RunConfigCheck(const Arguments& arguments);
int RunConfigShow(const Arguments& arguments);
int RunKeysKit(const Arguments& arguments);
int RunKeysStatus(const Arguments& arguments);
int RunBench(const Arguments& arguments);
int RunRpo(const Arguments& arguments);
int RunRpoExport(const Arguments& arguments);
int RunRpoVerify(const Arguments& arguments);
int RunDoctor(const Arguments& arguments);
int RunVersion(const Arguments& arguments);

}  // namespace tidemark
#endif  // TIDEMARK_AGENT_CLI_VERBS_H_
