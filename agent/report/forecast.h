// When a figure that grows will reach its limit, at the rate of the last half minute.
//
//   Note(now, value) about once a second; then Reaches(limit).
// Method: least squares over the samples of the window. No forecast before there are ten seconds of
// them, nor while the figure stands or falls: nullopt means "not at the present rate".
#ifndef TIDEMARK_AGENT_REPORT_FORECAST_H_
#define TIDEMARK_AGENT_REPORT_FORECAST_H_

#include <deque>
#include <optional>
#include <utility>

#include "absl/time/time.h"

namespace tidemark {

class Forecast {
 public:
  explicit Forecast(absl::Duration window = absl::Seconds(30),
                    absl::Duration known_after = absl::Seconds(10))
      : window_(window), known_after_(known_after) {}
  // `now` is monotonic. An unknown value forgets what was known.
  void Note(absl::Duration now, std::optional<double> value);
  // Per second; nullopt: too little is known.
  std::optional<double> rate() const;
  // Seconds until `limit`; 0 when it is passed.
  std::optional<double> Reaches(double limit) const;

 private:
  absl::Duration window_, known_after_;
  std::deque<std::pair<double, double>> samples_;  // seconds, value
};

}  // namespace tidemark
#endif  // TIDEMARK_AGENT_REPORT_FORECAST_H_
