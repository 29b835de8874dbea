// Status for people: the one screen, and the one line for a monitoring system.
#ifndef TIDEMARK_AGENT_CLI_STATUS_TEXT_H_
#define TIDEMARK_AGENT_CLI_STATUS_TEXT_H_

#include <string>

#include "agent/report/status_report.h"

namespace tidemark {

// Lines end in '\n'. What is worst stands first; unknown is "-" beside a state that says why.
std::string StatusText(const StatusReport& report, bool in_colour = false);
// "TIDEMARK WARN CODE: message; | perfdata": text and figures as Nagios reads them.
std::string CheckText(const StatusReport& report);
// What a plugin of Nagios exits with: 0 ok, 1 warning, 2 error.
int CheckExit(const StatusReport& report);
inline constexpr int kCheckUnknown = 3;

}  // namespace tidemark
#endif  // TIDEMARK_AGENT_CLI_STATUS_TEXT_H_
