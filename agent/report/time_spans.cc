#include "agent/report/time_spans.h"

#include <algorithm>

namespace tidemark {

TimeSpans United(TimeSpans spans) {
  std::erase_if(spans, [](const TimeSpan& span) { return span.from >= span.to; });
  std::sort(spans.begin(), spans.end(),
            [](const TimeSpan& a, const TimeSpan& b) { return a.from < b.from; });
  TimeSpans united;
  for (const TimeSpan& span : spans) {
    if (united.empty() || united.back().to < span.from) {
      united.push_back(span);
    } else {
      united.back().to = std::max(united.back().to, span.to);
    }
  }
  return united;
}

TimeSpans Without(const TimeSpans& spans, const TimeSpans& taken) {
  TimeSpans left;
  for (TimeSpan span : spans) {
    for (const TimeSpan& part : taken) {
      if (part.to <= span.from || part.from >= span.to) continue;
      if (part.from > span.from) left.push_back({span.from, part.from});
      span.from = part.to;
    }
    if (span.from < span.to) left.push_back(span);
  }
  return left;
}

absl::Duration LengthOf(const TimeSpans& spans) {
  absl::Duration length;
  for (const TimeSpan& span : spans) length += span.length();
  return length;
}

TimeSpans PlannedParts(const std::vector<MaintenanceWindow>& maintenance, const TimeSpan& span) {
  TimeSpans parts;
  for (const MaintenanceWindow& window : maintenance)
    parts.push_back({std::max(window.begins, span.from), std::min(window.ends, span.to)});
  return United(std::move(parts));
}

}  // namespace tidemark
