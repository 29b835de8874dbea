#include "agent/report/history.h"

#include <algorithm>

namespace tidemark {
namespace {

using Maybe = std::optional<float>;

Maybe Narrow(const std::optional<double>& value) {
  return value.has_value() ? Maybe(static_cast<float>(*value)) : std::nullopt;
}

void Worse(Maybe* worst, const std::optional<double>& value) {
  if (value.has_value()) worst->emplace(std::max(worst->value_or(0), static_cast<float>(*value)));
}

void Plus(Maybe* sum, const std::optional<double>& value) {
  if (value.has_value()) sum->emplace(sum->value_or(0) + *Narrow(value));
}

void Over(Maybe* sum, int count) {
  if (sum->has_value()) **sum /= static_cast<float>(count);
}

}  // namespace

History::History() : scales_(2) {
  scales_[0].series.step = absl::Seconds(5);
  scales_[1].series.step = absl::Minutes(2);
}

void History::Add(const SiteStatus& site, Sum* sum) {
  sum->lag_unknown = sum->lag_unknown || !site.replication_lag_seconds.has_value();
  sum->rpo_unknown = sum->rpo_unknown || !site.rpo_actual_seconds.has_value();
  Worse(&sum->step.lag, site.replication_lag_seconds);
  Worse(&sum->step.rpo, site.rpo_actual_seconds);
  Worse(&sum->step.ack_p99, site.ack_p99_seconds);
  if (!site.rates.write_iops.has_value()) return;
  ++sum->rates;
  Plus(&sum->step.write_iops, site.rates.write_iops);
  Plus(&sum->step.read_iops, site.rates.read_iops);
  Plus(&sum->step.bytes_in, site.rates.write_bytes_per_second);
  Plus(&sum->step.bytes_out, site.rates.read_bytes_per_second);
}

void History::Close(Scale* scale) {
  for (auto& [name, sum] : scale->open) {
    if (sum.lag_unknown) sum.step.lag.reset();
    if (sum.rpo_unknown) sum.step.rpo.reset();
    for (Maybe* rate :
         {&sum.step.write_iops, &sum.step.read_iops, &sum.step.bytes_in, &sum.step.bytes_out}) {
      Over(rate, sum.rates);
    }
    std::vector<Step>& steps = scale->series.sites[name];
    if (steps.size() == kSteps) steps.erase(steps.begin());
    steps.push_back(sum.step);
  }
  scale->series.newest = scale->ends;
  scale->open.clear();
}

bool History::Note(const StatusReport& report) {
  bool closed = false;
  for (Scale& scale : scales_) {
    const absl::Duration step = scale.series.step;
    // A clock that jumped leaves no ladder of empty steps behind.
    const bool jumped = report.at < scale.ends - 2 * step || report.at > scale.ends + step;
    if (report.at >= scale.ends || jumped) {
      if (!scale.open.empty()) {
        Close(&scale);
        closed = true;
      }
      const int64_t number = absl::ToUnixNanos(report.at) / absl::ToInt64Nanoseconds(step);
      scale.ends = absl::FromUnixNanos((number + 1) * absl::ToInt64Nanoseconds(step));
    }
    for (const SiteStatus& site : report.sites) Add(site, &scale.open[site.name]);
  }
  return closed;
}

}  // namespace tidemark
