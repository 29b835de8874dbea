#include "agent/proof/minute_book.h"

#include <algorithm>

namespace tidemark {

void MinuteBook::Set(int64_t minute, Mark mark) {
  const auto slot = static_cast<size_t>(minute % kMinutes);
  const int shift = static_cast<int>(slot % 4) * 2;
  const auto four = static_cast<unsigned>(marks_[slot / 4]);
  --counts_[(four >> shift) & 3u];
  ++counts_[static_cast<size_t>(mark)];
  const unsigned cleared = four & ~(3u << shift);
  marks_[slot / 4] = static_cast<std::byte>(cleared | (static_cast<unsigned>(mark) << shift));
}

void MinuteBook::Put(int64_t minute, Mark mark) {
  if (minute <= 0 || minute <= newest_ - kMinutes) return;
  if (minute > newest_) {
    // What lies between was not seen.
    const int64_t from = std::max(newest_ + 1, minute - kMinutes + 1);
    for (int64_t skipped = from; skipped <= minute; ++skipped) Set(skipped, Mark::kNothing);
    newest_ = minute;
  }
  const Mark before = At(minute);
  const bool is_worse = before == Mark::kNothing || mark == Mark::kMissed ||
                        (mark == Mark::kUnknown && before == Mark::kMet);
  if (is_worse) Set(minute, mark);
}

MinuteBook::Mark MinuteBook::At(int64_t minute) const {
  if (minute <= newest_ - kMinutes || minute > newest_ || minute <= 0) return Mark::kNothing;
  const auto slot = static_cast<size_t>(minute % kMinutes);
  const int shift = static_cast<int>(slot % 4) * 2;
  return static_cast<Mark>((static_cast<unsigned>(marks_[slot / 4]) >> shift) & 3u);
}

bool MinuteBook::Restore(int64_t newest, ByteSpan marks) {
  if (marks.size() != kBytes || newest < 0) return false;
  newest_ = newest;
  marks_.assign(marks.begin(), marks.end());
  std::fill(std::begin(counts_), std::end(counts_), 0);
  for (const std::byte four : marks_) {
    for (int shift = 0; shift < 8; shift += 2)
      ++counts_[(static_cast<unsigned>(four) >> shift) & 3u];
  }
  return true;
}

}  // namespace tidemark
