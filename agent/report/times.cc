#include "agent/report/times.h"

#include <cstdlib>

#include "absl/strings/str_format.h"

namespace tidemark {
namespace {

constexpr const char* kDays[] = {"Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"};

}  // namespace

std::string FormatRfc3339(absl::Time time) {
  return absl::FormatTime("%Y-%m-%dT%H:%M:%E3SZ", time, absl::UTCTimeZone());
}

absl::StatusOr<absl::Time> ParseRfc3339(const std::string& text) {
  absl::Time time;
  std::string error;
  if (absl::ParseTime(absl::RFC3339_full, text, &time, &error)) return time;
  return absl::InvalidArgumentError(absl::StrFormat(
      "'%s' is no RFC 3339 time: write 2026-11-21T07:30:00Z or 2026-11-21T08:30:00+01:00", text));
}

int WeekdayOf(const std::string& text) {
  for (int day = 0; day < 7; ++day) {
    if (text == kDays[day]) return day;
  }
  return -1;
}

const char* WeekdayName(int day) { return kDays[day]; }

int MinuteOfDay(const std::string& text) {
  if (text.size() != 5 || text[2] != ':') return -1;
  for (const size_t i : {0, 1, 3, 4}) {
    if (text[i] < '0' || text[i] > '9') return -1;
  }
  const int minute = std::atoi(text.substr(3).c_str());
  const int all = std::atoi(text.substr(0, 2).c_str()) * 60 + minute;
  return minute < 60 && all <= 24 * 60 ? all : -1;
}

}  // namespace tidemark
