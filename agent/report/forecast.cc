#include "agent/report/forecast.h"

namespace tidemark {
namespace {
constexpr double kApart = 0.5;       // seconds between samples worth keeping
constexpr double kRateLeast = 1e-3;  // a figure that grows slower than this stands
}  // namespace

void Forecast::Note(absl::Duration now, std::optional<double> value) {
  if (!value.has_value()) return samples_.clear();
  const double at = absl::ToDoubleSeconds(now);
  if (!samples_.empty() && at < samples_.back().first + kApart) return;
  // A figure that fell has a new story: what it was before says nothing about its growth.
  if (!samples_.empty() && *value < samples_.back().second / 2) samples_.clear();
  samples_.emplace_back(at, *value);
  while (samples_.front().first < at - absl::ToDoubleSeconds(window_)) samples_.pop_front();
}

std::optional<double> Forecast::rate() const {
  if (samples_.size() < 3) return std::nullopt;
  if (samples_.back().first - samples_.front().first < absl::ToDoubleSeconds(known_after_))
    return std::nullopt;
  const double count = static_cast<double>(samples_.size());
  double at_mean = 0, value_mean = 0, both = 0, square = 0;
  for (const auto& [at, value] : samples_) {
    at_mean += at / count;
    value_mean += value / count;
  }
  for (const auto& [at, value] : samples_) {
    both += (at - at_mean) * (value - value_mean);
    square += (at - at_mean) * (at - at_mean);
  }
  return both / square;
}

std::optional<double> Forecast::Reaches(double limit) const {
  const std::optional<double> grows = rate();
  if (!grows.has_value()) return std::nullopt;
  const double now = samples_.back().second;
  if (now >= limit) return 0.0;
  if (*grows < kRateLeast) return std::nullopt;
  return (limit - now) / *grows;
}

}  // namespace tidemark
