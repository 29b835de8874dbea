// What an operator asks of alerts, maintenance and prices.
#ifndef TIDEMARK_AGENT_REPORT_ALERT_CONFIG_H_
#define TIDEMARK_AGENT_REPORT_ALERT_CONFIG_H_

#include <string>
#include <vector>

#include "absl/time/time.h"

namespace tidemark {

enum class SlaLevel : uint8_t { kInfo = 0, kWarning = 1, kDanger = 2 };
inline const char* SlaLevelName(SlaLevel level) {
  constexpr const char* kNames[] = {"info", "warning", "danger"};
  return kNames[static_cast<size_t>(level)];
}

// When a channel may be disturbed; the SLA's clock runs on regardless. No days: always.
struct BusinessHours {
  uint8_t days = 0;  // bit 0: Monday
  int from_minute = 0, to_minute = 24 * 60;
  std::string zone = "UTC";
};

struct AlertChannel {
  std::string name;
  std::string event = "sla_alert";  // what a generic message calls itself
  std::string type;  // generic | alertmanager | slack | teams | discord | pagerduty | email
  std::string url, url_file;            // one of them; the file when the address is a secret
  std::string secret_file;              // of the HMAC signature; empty: unsigned
  std::string routing_key_file;         // pagerduty
  std::string from, to;                 // email
  SlaLevel least = SlaLevel::kWarning;  // what is below is not told, but its end is
  absl::Duration escalate_after;        // told only of what has stood for so long
  BusinessHours hours;
};

struct MaintenanceWindow {
  absl::Time begins, ends;
  std::string reason;
};

// How long a state must stand before it counts: hysteresis against flapping.
struct SlaTiming {
  absl::Duration raise_after = absl::Seconds(10);
  absl::Duration clear_after = absl::Seconds(60);
};

struct PriceTable {
  std::string currency = "EUR";
  double overage_per_gb_month = 0.12, egress_per_gb = 0.08;  // decimal gigabytes
  double egress_included_bytes = 5e12;                       // a vault and month
  double credit_percent = 10;                                // a started step beyond a target
  absl::Duration credit_step = absl::Minutes(30);
  absl::Duration credit_rto = absl::Minutes(45);  // for so long pushes may be away without credit
};

struct SlaConfig {
  std::vector<AlertChannel> channels;
  std::vector<MaintenanceWindow> maintenance;
  SlaTiming timing;
  PriceTable prices;
};

}  // namespace tidemark
#endif  // TIDEMARK_AGENT_REPORT_ALERT_CONFIG_H_
