#include "agent/rate_schedule.h"

#include "absl/strings/str_format.h"
#include "absl/strings/str_split.h"
#include "absl/time/civil_time.h"
#include "agent/report/times.h"

namespace tidemark {
namespace {

constexpr const char* kRateWanted =
    "a rate such as \"100MB/s\", \"512KiB/s\" or \"200Mbit/s\" from 10kB/s on, or \"none\"";
constexpr const char* kWindowWanted =
    "hours and a rate such as \"08:00-18:00 20MB/s\" or \"Mon-Fri 08:00-18:00 20MB/s\"";
constexpr uint8_t kEveryDay = 0x7f;

struct Unit {
  const char* name;
  uint64_t numerator, denominator;  // bytes
};
// The order is that in which a way to write a rate is looked for.
constexpr Unit kUnits[] = {
    {"GB", 1'000'000'000, 1}, {"MB", 1'000'000, 1},   {"kB", 1000, 1},  {"B", 1, 1},
    {"GiB", 1ull << 30, 1},   {"MiB", 1ull << 20, 1}, {"KiB", 1024, 1}, {"Gbit", 1'000'000'000, 8},
    {"Mbit", 1'000'000, 8},   {"kbit", 1000, 8},
};

const Unit* UnitOf(const std::string& name) {
  for (const Unit& unit : kUnits) {
    if (name == unit.name) return &unit;
  }
  return nullptr;
}

// "Mon-Fri" or "Sat"; 0: no days.
uint8_t DaysOf(const std::string& text) {
  const bool is_range = text.size() == 7 && text[3] == '-';
  const int first = WeekdayOf(text.substr(0, 3));
  const int last = is_range ? WeekdayOf(text.substr(4)) : first;
  if (first < 0 || last < first || (!is_range && text.size() != 3)) return 0;
  uint8_t days = 0;
  for (int day = first; day <= last; ++day) days |= static_cast<uint8_t>(1 << day);
  return days;
}

bool Holds(const RateWindow& window, int day, int minute) {
  const bool today = (window.days >> day & 1) != 0;
  if (window.from_minute < window.to_minute)
    return today && minute >= window.from_minute && minute < window.to_minute;
  const bool since_yesterday = (window.days >> (day + 6) % 7 & 1) != 0;
  return (today && minute >= window.from_minute) || (since_yesterday && minute < window.to_minute);
}

}  // namespace

uint64_t RateAt(const RateSchedule& schedule, absl::Time now) {
  absl::TimeZone zone;
  if (!absl::LoadTimeZone(schedule.zone, &zone)) zone = absl::UTCTimeZone();
  const absl::CivilSecond local = absl::ToCivilSecond(now, zone);
  const int day = static_cast<int>(absl::GetWeekday(local));  // Monday is 0
  const int minute = local.hour() * 60 + local.minute();
  for (const RateWindow& window : schedule.windows) {
    if (Holds(window, day, minute)) return window.bytes_per_second;
  }
  return schedule.bytes_per_second;
}

absl::StatusOr<uint64_t> ParseRate(const std::string& text) {
  if (text == "none") return uint64_t{0};
  const absl::Status wrong = absl::InvalidArgumentError(kRateWanted);
  const size_t digits = text.find_first_not_of("0123456789");
  if (digits == 0 || digits == std::string::npos || digits > 13) return wrong;
  const uint64_t number = std::stoull(text.substr(0, digits));
  const size_t begin = text.find_first_not_of(' ', digits);
  const size_t slash = text.find("/s");
  if (slash == std::string::npos || slash + 2 != text.size() || begin >= slash) return wrong;
  const Unit* unit = UnitOf(text.substr(begin, slash - begin));
  if (unit == nullptr || number > kRateMax / unit->numerator * unit->denominator) return wrong;
  const uint64_t rate = number * unit->numerator / unit->denominator;
  return rate < kRateMin ? absl::StatusOr<uint64_t>(wrong) : rate;
}

absl::StatusOr<RateWindow> ParseRateWindow(const std::string& text) {
  const absl::Status wrong = absl::InvalidArgumentError(kWindowWanted);
  std::vector<std::string> words = absl::StrSplit(text, absl::MaxSplits(' ', 2));
  RateWindow window;
  if (words.size() == 3 && WeekdayOf(words[0].substr(0, 3)) >= 0) {
    window.days = DaysOf(words[0]);
    words.erase(words.begin());
  } else if (words.size() == 3) {
    words = absl::StrSplit(text, absl::MaxSplits(' ', 1));  // "08:00-18:00 20 MB/s"
  }
  if (words.size() != 2 || words[0].size() != 11 || words[0][5] != '-') return wrong;
  window.from_minute = MinuteOfDay(words[0].substr(0, 5));
  window.to_minute = MinuteOfDay(words[0].substr(6));
  const absl::StatusOr<uint64_t> rate = ParseRate(words[1]);
  const bool is_time = window.from_minute >= 0 && window.to_minute >= 0 &&
                       window.from_minute != window.to_minute && window.from_minute < 24 * 60;
  if (window.days == 0 || !is_time || !rate.ok()) return wrong;
  window.bytes_per_second = *rate;
  return window;
}

std::string FormatRate(uint64_t bytes_per_second) {
  if (bytes_per_second == 0) return "none";
  const Unit* unit = kUnits;
  while (bytes_per_second % unit->numerator != 0) ++unit;  // bytes divide everything
  return absl::StrFormat("%d%s/s", bytes_per_second / unit->numerator, unit->name);
}

std::string FormatRateWindow(const RateWindow& window) {
  std::string days;
  if (window.days != kEveryDay) {
    int first = 0, last = 6;
    while ((window.days >> first & 1) == 0) ++first;
    while ((window.days >> last & 1) == 0) --last;
    days = WeekdayName(first);
    if (last != first) days += std::string("-") + WeekdayName(last);
    days += " ";
  }
  return absl::StrFormat("%s%02d:%02d-%02d:%02d %s", days, window.from_minute / 60,
                         window.from_minute % 60, window.to_minute / 60, window.to_minute % 60,
                         FormatRate(window.bytes_per_second));
}

}  // namespace tidemark
