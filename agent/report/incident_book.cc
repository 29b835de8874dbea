#include "agent/report/incident_book.h"

#include <algorithm>

namespace tidemark {
namespace {
constexpr absl::Duration kSameIncident = absl::Minutes(1);
}  // namespace

void IncidentBook::Note(absl::Time now, const std::vector<SlaFact>& facts, bool is_planned) {
  for (const SlaFact& fact : facts) {
    auto open = std::find_if(incidents_.begin(), incidents_.end(), [&fact](const Incident& each) {
      return each.is_open && each.subject == fact.subject;
    });
    if (fact.level == SlaLevel::kDanger) {
      if (open != incidents_.end()) {
        open->ended = now;
        continue;
      }
      incidents_.push_front({fact.subject, now, now, true, is_planned, fact.summary});
      if (incidents_.size() > kIncidentsMax) incidents_.pop_back();
    } else if (open != incidents_.end() && now - open->ended > kSameIncident) {
      open->is_open = false;
    }
  }
}

double CreditPercent(const std::deque<Incident>& incidents, const std::string& vault,
                     absl::Time from, absl::Time to, const PriceTable& prices) {
  double percent = 0;
  for (const Incident& incident : incidents) {
    const bool counts = incident.subject.alert == "TidemarkRpo" && !incident.is_planned &&
                        incident.subject.vault == vault && incident.began >= from &&
                        incident.began < to;
    if (!counts) continue;
    const int64_t seconds = absl::ToInt64Seconds(absl::Ceil(incident.length(), absl::Seconds(1)));
    const int64_t step = absl::ToInt64Seconds(prices.credit_step);
    percent += prices.credit_percent * static_cast<double>((seconds + step - 1) / step);
  }
  return std::min(100.0, percent);
}

}  // namespace tidemark
