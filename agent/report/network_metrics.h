// Quotas, projections and SLA states as one document, and as metrics: /network-metrics.
#ifndef TIDEMARK_AGENT_REPORT_NETWORK_METRICS_H_
#define TIDEMARK_AGENT_REPORT_NETWORK_METRICS_H_

#include <string>

#include "agent/report/alert_desk.h"
#include "agent/report/incident_book.h"
#include "agent/report/metrics_text.h"
#include "agent/report/usage_book.h"

namespace tidemark {

std::string NetworkMetricsJson(absl::Time at, const UsageBook& usage, const IncidentBook& incidents,
                               const SlaBook& sla, const PriceTable& prices);
void AddUsage(const UsageBook& usage, MetricsText* text);
void AddSla(const SlaBook& sla, MetricsText* text);
void AddDelivery(const AlertDesk& desk, MetricsText* text);

// How much of the network quota is used and what is projected, for the message of an alert.
std::vector<std::pair<std::string, std::string>> UsageFacts(const UsageBook& usage,
                                                            const SlaSubject& subject);

}  // namespace tidemark
#endif  // TIDEMARK_AGENT_REPORT_NETWORK_METRICS_H_
