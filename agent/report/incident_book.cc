#include "agent/report/incident_book.h"

#include <algorithm>
#include <utility>

namespace tidemark {
namespace {

constexpr absl::Duration kSameIncident = absl::Minutes(1);

// What comes behind the first `spared` of the spans' time.
TimeSpans Beyond(const TimeSpans& spans, absl::Duration spared) {
  TimeSpans left;
  for (const TimeSpan& span : spans) {
    const absl::Duration part = std::min(spared, span.length());
    spared -= part;
    left.push_back({span.from + part, span.to});
  }
  return United(std::move(left));
}

// The time of an incident that earns credit.
TimeSpans MissedIn(const Incident& incident, const PriceTable& prices) {
  if (incident.subject.alert == "TidemarkRpo") return incident.unplanned();
  if (incident.subject.alert == "TidemarkWritable")
    return Beyond(incident.unplanned(), prices.credit_rto);
  return {};
}

int64_t StartedSteps(const TimeSpans& missed, absl::Duration step) {
  const int64_t seconds = absl::ToInt64Seconds(absl::Ceil(LengthOf(missed), absl::Seconds(1)));
  const int64_t step_seconds = absl::ToInt64Seconds(step);
  return (seconds + step_seconds - 1) / step_seconds;
}

}  // namespace

void IncidentBook::Note(absl::Time now, const std::vector<SlaFact>& facts,
                        const std::vector<MaintenanceWindow>& maintenance) {
  const bool in_window = !PlannedParts(maintenance, {now, now + absl::Nanoseconds(1)}).empty();
  for (const SlaFact& fact : facts) {
    auto open = std::find_if(incidents_.begin(), incidents_.end(), [&fact](const Incident& each) {
      return each.is_open && each.subject == fact.subject;
    });
    if (fact.level == SlaLevel::kDanger) {
      if (open == incidents_.end()) {
        incidents_.push_front({fact.subject, now, now, true, in_window, fact.summary, {}});
        if (incidents_.size() > kIncidentsMax) incidents_.pop_back();
      } else if (now > open->ended) {  // a clock set back takes nothing away
        TimeSpans planned = PlannedParts(maintenance, {open->ended, now});
        open->is_planned = open->is_planned && LengthOf(planned) == now - open->ended;
        planned.insert(planned.end(), open->planned.begin(), open->planned.end());
        open->planned = United(std::move(planned));
        open->ended = now;
      }
    } else if (open != incidents_.end() && now - open->ended > kSameIncident) {
      open->is_open = false;
    }
  }
}

double CreditPercent(const std::deque<Incident>& incidents, const std::string& vault,
                     absl::Time from, absl::Time to, const PriceTable& prices) {
  std::vector<TimeSpans> misses;
  for (const Incident& incident : incidents) {
    if (incident.subject.vault != vault || incident.began < from || incident.began >= to) continue;
    TimeSpans missed = MissedIn(incident, prices);
    if (!missed.empty()) misses.push_back(std::move(missed));
  }
  std::sort(misses.begin(), misses.end(),
            [](const TimeSpans& a, const TimeSpans& b) { return a.front().from < b.front().from; });
  double percent = 0;
  for (size_t i = 0; i < misses.size();) {
    TimeSpans miss = misses[i];
    for (++i; i < misses.size() && misses[i].front().from < miss.back().to; ++i) {
      miss.insert(miss.end(), misses[i].begin(), misses[i].end());
      miss = United(std::move(miss));
    }
    percent += prices.credit_percent * static_cast<double>(StartedSteps(miss, prices.credit_step));
  }
  return std::min(100.0, percent);
}

}  // namespace tidemark
