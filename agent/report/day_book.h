// A row for each vault and day (UTC): how long it was watched, writable, within its RPO target, and
// how its lag was spread. What reports are made of. Pure.
//
//   Load (once); Note about once a second
// No instant counts twice, however the clock is set. What was not watched is not in the rows: it is
// the rest of the time since a vault was first seen, also while no agent ran.
#ifndef TIDEMARK_AGENT_REPORT_DAY_BOOK_H_
#define TIDEMARK_AGENT_REPORT_DAY_BOOK_H_

#include <array>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "agent/report/status_report.h"
#include "agent/report/time_spans.h"

namespace tidemark {

class Fields;

struct DayRow {
  static constexpr size_t kBuckets = 32;     // lag up to 2^i ms; the last: longer, or unknown
  double watched = 0, writable = 0;          // seconds
  double planned = 0, planned_writable = 0;  // of these, in maintenance windows
  double rpo_met = 0, rpo_missed = 0;        // known seconds
  std::array<double, kBuckets> lag{};        // seconds spent in each, at the worst site
  std::optional<double> LagPercentile(double share) const;  // seconds, rounded up to a bucket's end
  void Add(const DayRow& other);
};

class DayBook {
 public:
  static constexpr size_t kDaysMax = 400;  // the oldest go first
  static constexpr size_t kSpansMax = 64;
  // kDataLoss: not what Save made.
  absl::Status Load(const std::string& saved);
  std::string Save() const;
  // `monotonic` says how long it is since the last look; more than 10 s were not watched.
  void Note(const StatusReport& report, absl::Duration monotonic,
            const std::vector<MaintenanceWindow>& maintenance);
  // By vault and day, "2026-11-21".
  const std::map<std::pair<std::string, std::string>, DayRow>& rows() const { return rows_; }

  // What of a span can be told of a vault at `now`: since it was first seen, until it was last seen
  // if it is configured no more. An agent that wrote the book within two minutes still watches.
  TimeSpan Known(const std::string& vault, const TimeSpan& span, absl::Time now) const;
  std::vector<std::string> vaults() const;

 private:
  struct Seen {
    absl::Time since, until;
  };
  void AddLook(const TimeSpan& span, const StatusReport& report,
               const std::vector<MaintenanceWindow>& maintenance);
  void Prune();
  bool LoadSeen(Fields* fields);
  void GuessSeen();
  std::optional<absl::Duration> looked_;
  absl::Time noted_ = absl::InfinitePast();  // the newest report's time
  TimeSpans covered_;                        // what is in rows, as far as it may come again
  std::map<std::string, Seen> seen_;
  std::map<std::pair<std::string, std::string>, DayRow> rows_;
};

}  // namespace tidemark
#endif  // TIDEMARK_AGENT_REPORT_DAY_BOOK_H_
