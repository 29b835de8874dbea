// One alert in the shape that a channel takes. Pure: what is secret (address, keys) comes in as
// text and goes out in the message only.
#ifndef TIDEMARK_AGENT_REPORT_ALERT_SHAPE_H_
#define TIDEMARK_AGENT_REPORT_ALERT_SHAPE_H_

#include <string>
#include <utility>
#include <vector>

#include "agent/report/alert_desk.h"

namespace tidemark {

struct AlertSecrets {
  std::string url, signing_key, routing_key;
};
struct AlertMessage {
  std::string url, body;
  std::vector<std::pair<std::string, std::string>> headers;
  std::string mail_from, mail_to;  // e-mail only
};

// `agent`: who says it; `page`: where the figures are, may be empty.
AlertMessage ShapeAlert(const AlertChannel& channel, const AlertSecrets& secrets,
                        const Alert& alert, const std::string& agent, const std::string& page);
// The same for every message of one subject: what receivers tell repetitions by.
std::string Fingerprint(const SlaSubject& subject, const std::string& agent);

}  // namespace tidemark
#endif  // TIDEMARK_AGENT_REPORT_ALERT_SHAPE_H_
