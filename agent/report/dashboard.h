// The page of the status port: one document, nothing from elsewhere. Made of dashboard.html when
// the program is built.
#ifndef TIDEMARK_AGENT_REPORT_DASHBOARD_H_
#define TIDEMARK_AGENT_REPORT_DASHBOARD_H_

namespace tidemark {

extern const char kDashboardPage[];

}  // namespace tidemark
#endif  // TIDEMARK_AGENT_REPORT_DASHBOARD_H_
