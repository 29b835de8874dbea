// How fast one site may be sent to: a limit for always, and others for hours of the day. Pure: the
// caller says what time it is.
#ifndef TIDEMARK_AGENT_RATE_SCHEDULE_H_
#define TIDEMARK_AGENT_RATE_SCHEDULE_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"

namespace tidemark {

inline constexpr uint64_t kRateMin = 10'000;  // bytes a second: a block takes 7 s then
inline constexpr uint64_t kRateMax = 1'000'000'000'000;

struct RateWindow {
  uint8_t days = 0x7f;                    // bit 0: Monday. On which it begins
  int from_minute = 0, to_minute = 1440;  // not after its beginning: it ends on the next day
  uint64_t bytes_per_second = 0;          // 0: no limit
  friend bool operator==(const RateWindow&, const RateWindow&) = default;
};
struct RateSchedule {
  uint64_t bytes_per_second = 0;    // where no window holds; 0: no limit
  std::vector<RateWindow> windows;  // the first one that holds counts
  std::string zone = "UTC";         // of the windows' hours
  friend bool operator==(const RateSchedule&, const RateSchedule&) = default;
};

// Bytes a second that may be sent at `now`; 0: no limit. A zone that is not known is UTC.
uint64_t RateAt(const RateSchedule& schedule, absl::Time now);

// "100MB/s", "512 KiB/s", "200Mbit/s", "none". Decimal and binary prefixes; from kRateMin on.
// kInvalidArgument says what is allowed.
absl::StatusOr<uint64_t> ParseRate(const std::string& text);
// "08:00-18:00 20MB/s", "Mon-Fri 08:00-18:00 20MB/s", "Sat 22:00-06:00 none".
absl::StatusOr<RateWindow> ParseRateWindow(const std::string& text);
// Both parse back to the same.
std::string FormatRate(uint64_t bytes_per_second);
std::string FormatRateWindow(const RateWindow& window);

}  // namespace tidemark
#endif  // TIDEMARK_AGENT_RATE_SCHEDULE_H_
