// What each vault used this month, what it will have used at its end, and what that costs. Pure.
//
//   Note(now, usage) about once a second; a gap is filled with what was stored before it.
// Stored: bytes of the vault's log at one site; that is what a tier's capacity and an overage
// count. Logical: bytes of all versions, shown beside it. Egress: restored data bytes. Months are
// UTC. Gigabytes are decimal. Overage is pro rata: the mean of what was above the capacity, over
// the whole month.
#ifndef TIDEMARK_AGENT_REPORT_USAGE_BOOK_H_
#define TIDEMARK_AGENT_REPORT_USAGE_BOOK_H_

#include <deque>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "agent/report/alert_config.h"
#include "agent/report/sla_book.h"

namespace tidemark {

inline constexpr const char* kProjectionMethod =
    "stored: least squares over hourly samples of the last 7 days, at least 24. Egress: what there "
    "was this month, and the mean rate since metering began for the rest, after a day of it";

struct VaultUsage {
  std::string vault, tier;
  double stored_bytes = 0, logical_bytes = 0;
  double restored_bytes_total = 0;  // since the agent's start: egress is what it grew by
};
// What is known of one vault's month.
struct UsageStatement {
  std::string vault, tier, month;  // "2026-11"
  double stored_bytes = 0, logical_bytes = 0, egress_bytes = 0;
  double stored_byte_hours = 0;  // so far
  std::optional<double> capacity_bytes;
  double egress_included_bytes = 0;
  std::optional<double> used_ratio, projected_ratio;                     // of the capacity
  std::optional<double> projected_stored_bytes, projected_egress_bytes;  // at the month's end
  double egress_ratio = 0;
  std::optional<double> projected_egress_ratio;
  double overage_gb_months = 0, overage_cost = 0, egress_cost = 0;  // so far
  SlaLevel level = SlaLevel::kInfo;  // warning from 85 %, danger from 95 %, actual or projected
};

class UsageBook {
 public:
  explicit UsageBook(const PriceTable& prices) : prices_(prices) {}
  // kDataLoss: not what Save made.
  absl::Status Load(const std::string& saved);
  std::string Save() const;
  void Note(absl::Time now, const std::vector<VaultUsage>& vaults);
  std::vector<UsageStatement> Statements() const;  // of the month of the last Note
  // The months that ended, as they ended; the newest first, at most 13.
  const std::deque<UsageStatement>& past() const { return past_; }

 private:
  struct Meter {
    std::string tier;
    absl::Time since;  // metered in this month
    double stored = 0, logical = 0, restored_total = 0;
    double egress = 0, byte_seconds = 0, overage_byte_seconds = 0;  // of this month
    std::deque<std::pair<absl::Time, double>> hourly;               // (when, stored)
  };
  void Advance(absl::Time now);
  void CloseMonth(absl::Time end);
  UsageStatement StatementOf(const std::string& vault, const Meter& meter, absl::Time now) const;
  PriceTable prices_;
  absl::Time now_ = absl::InfinitePast(), month_begins_, month_ends_;
  std::map<std::string, Meter> meters_;
  std::deque<UsageStatement> past_;
};

// As facts for alerts: TidemarkQuota of each vault.
std::vector<SlaFact> QuotaFacts(const std::vector<UsageStatement>& statements);

}  // namespace tidemark
#endif  // TIDEMARK_AGENT_REPORT_USAGE_BOOK_H_
