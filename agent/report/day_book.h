// A row for each vault and day (UTC): how long it was watched, writable, within its RPO target, and
// how its lag was spread. What reports are made of. Pure.
#ifndef TIDEMARK_AGENT_REPORT_DAY_BOOK_H_
#define TIDEMARK_AGENT_REPORT_DAY_BOOK_H_

#include <array>
#include <map>
#include <optional>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "agent/report/status_report.h"

namespace tidemark {

struct DayRow {
  static constexpr size_t kBuckets = 32;          // lag up to 2^i ms; the last: longer, or unknown
  double watched = 0, writable = 0, planned = 0;  // seconds
  double rpo_met = 0, rpo_missed = 0;             // known seconds
  std::array<double, kBuckets> lag{};             // seconds spent in each, at the worst site
  std::optional<double> LagPercentile(double share) const;  // seconds, rounded up to a bucket's end
  void Add(const DayRow& other);
};

class DayBook {
 public:
  static constexpr int kDaysMax = 400;
  absl::Status Load(const std::string& saved);
  std::string Save() const;
  // About once a second; a gap of more than 10 s was not watched.
  void Note(const StatusReport& report, bool is_planned);
  // By vault and day, "2026-11-21".
  const std::map<std::pair<std::string, std::string>, DayRow>& rows() const { return rows_; }

 private:
  absl::Time noted_ = absl::InfinitePast();
  std::map<std::pair<std::string, std::string>, DayRow> rows_;
};

}  // namespace tidemark
#endif  // TIDEMARK_AGENT_REPORT_DAY_BOOK_H_
