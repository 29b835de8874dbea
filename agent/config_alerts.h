// The part of agent.toml about alerts, maintenance and prices.
#ifndef TIDEMARK_AGENT_CONFIG_ALERTS_H_
#define TIDEMARK_AGENT_CONFIG_ALERTS_H_

#include "agent/config_section.h"
#include "agent/report/alert_config.h"

namespace tidemark {

// [sla], [prices], [[alerts]], [[maintenance]] of the top level.
void ReadSlaConfig(Section* top, SlaConfig* config);

}  // namespace tidemark
#endif  // TIDEMARK_AGENT_CONFIG_ALERTS_H_
