// Instants as people and programs read them.
#ifndef TIDEMARK_AGENT_REPORT_TIMES_H_
#define TIDEMARK_AGENT_REPORT_TIMES_H_

#include <string>

#include "absl/status/statusor.h"
#include "absl/time/time.h"

namespace tidemark {

// RFC 3339 in UTC with milliseconds; kInvalidArgument says what is expected.
std::string FormatRfc3339(absl::Time time);
absl::StatusOr<absl::Time> ParseRfc3339(const std::string& text);

// "Mon" is 0, "Sun" 6; -1: none of them.
int WeekdayOf(const std::string& text);
const char* WeekdayName(int day);
// "09:00" as minutes; 24:00 is the end of a day; -1: no such time.
int MinuteOfDay(const std::string& text);

}  // namespace tidemark
#endif  // TIDEMARK_AGENT_REPORT_TIMES_H_
