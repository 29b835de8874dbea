#include "agent/report/times.h"

#include "absl/strings/str_format.h"

namespace tidemark {

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

}  // namespace tidemark
