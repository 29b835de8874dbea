#include "tests/sim/measures.h"

#include <algorithm>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_split.h"
#include "tests/sim/rare_paths.h"

namespace tidemark {
namespace {

constexpr char kFinding[] = " finding=";
// The goals of a median seed.
constexpr uint64_t kIoEventsGoal = 2000, kCommitsGoal = 20, kFaultsGoal = 5;

template <class Visit>
void ForEachNumber(SeedRecord* record, Visit visit) {
  visit("seed", &record->seed);
  visit("trace", &record->trace);
  visit("events", &record->events);
  visit("io", &record->io_events);
  visit("commits", &record->commits);
  visit("faults", &record->faults);
  visit("records", &record->records);
  visit("restored", &record->restored);
  visit("resumed", &record->resumed);
  visit("starts", &record->starts);
  visit("ms", &record->simulated_ms);
  visit("looks", &record->looks);
}

uint64_t Median(std::vector<uint64_t> values) {
  if (values.empty()) return 0;
  std::nth_element(values.begin(), values.begin() + values.size() / 2, values.end());
  return values[values.size() / 2];
}

// The bound in milliseconds below which 99 % of the looks are.
uint32_t Percentile99(const OverReport& over) {
  uint64_t total = 0, seen = 0;
  for (const uint64_t count : over.counts) total += count;
  for (size_t i = 0; i < over.counts.size(); ++i) {
    seen += over.counts[i];
    if (seen * 100 >= total * 99) return OverReport::kUpto[i];
  }
  return 0;
}

bool ReadPair(const std::string& pair, std::string* name, uint64_t* value) {
  const size_t equals = pair.find('=');
  if (equals == std::string::npos) return false;
  *name = pair.substr(0, equals);
  return absl::SimpleAtoi(pair.substr(equals + 1), value);
}

}  // namespace

std::string SeedRecord::ToLine() const {
  SeedRecord copy = *this;
  std::string line;
  ForEachNumber(&copy, [&line](const char* name, const uint64_t* value) {
    absl::StrAppend(&line, name, "=", *value, " ");
  });
  absl::StrAppend(&line, "signatures=", real_signatures ? 1 : 0, " tls=", real_tls ? 1 : 0);
  for (size_t i = 0; i < over.counts.size(); ++i) {
    if (over.counts[i] != 0) absl::StrAppend(&line, " over", i, "=", over.counts[i]);
  }
  for (const auto& [path, hits] : rare_paths) absl::StrAppend(&line, " path", path, "=", hits);
  std::string told = finding;
  std::replace(told.begin(), told.end(), '\n', ' ');
  return line + kFinding + told;
}

std::optional<SeedRecord> SeedRecord::FromLine(const std::string& line) {
  const size_t end = line.find(kFinding);
  if (line.rfind("seed=", 0) != 0 || end == std::string::npos) return std::nullopt;
  SeedRecord record;
  record.finding = line.substr(end + sizeof(kFinding) - 1);
  const std::vector<std::string> pairs = absl::StrSplit(line.substr(0, end), ' ');
  for (const std::string& pair : pairs) {
    std::string name;
    uint64_t value = 0, place = 0;
    if (!ReadPair(pair, &name, &value)) return std::nullopt;
    ForEachNumber(&record, [&](const char* known, uint64_t* field) {
      if (name == known) *field = value;
    });
    if (name == "signatures") record.real_signatures = value != 0;
    if (name == "tls") record.real_tls = value != 0;
    if (name.rfind("over", 0) == 0 && absl::SimpleAtoi(name.substr(4), &place) &&
        place < record.over.counts.size()) {
      record.over.counts[place] = value;
    }
    if (name.rfind("path", 0) == 0 && absl::SimpleAtoi(name.substr(4), &place) &&
        place < RarePathNames().size()) {
      record.rare_paths[place] = value;
    }
  }
  return record;
}

void Measures::Add(const SeedRecord& record) {
  sum_.events += record.events;
  sum_.faults += record.faults;
  sum_.records += record.records;
  sum_.restored += record.restored;
  sum_.resumed += record.resumed;
  sum_.starts += record.starts;
  sum_.simulated_ms += record.simulated_ms;
  sum_.looks += record.looks;
  for (size_t i = 0; i < sum_.over.counts.size(); ++i) {
    sum_.over.counts[i] += record.over.counts[i];
  }
  for (const auto& [path, hits] : record.rare_paths) sum_.rare_paths[path] += hits;
  violations_ += record.finding.empty() ? 0 : 1;
  with_signatures_ += record.real_signatures ? 1 : 0;
  with_tls_ += record.real_tls ? 1 : 0;
  io_events_.push_back(record.io_events);
  commits_.push_back(record.commits);
  faults_.push_back(record.faults);
}

std::string Measures::Text(bool paths) const {
  std::string text = absl::StrFormat(
      "%d seeds, %d violations\n"
      "median seed: %d I/O events (goal %d), %d commits (goal %d), %d faults (goal %d)\n",
      seeds(), violations_, Median(io_events_), kIoEventsGoal, Median(commits_), kCommitsGoal,
      Median(faults_), kFaultsGoal);
  const uint64_t all = std::max<uint64_t>(1, seeds());
  absl::StrAppendFormat(&text, "real signatures in %.1f %% of the seeds, real TLS in %.1f %%\n",
                        100.0 * with_signatures_ / all, 100.0 * with_tls_ / all);
  absl::StrAppendFormat(
      &text,
      "together: %d events, %d faults, %d simulated seconds, %d records, %d starts, "
      "%d restores\n",
      sum_.events, sum_.faults, sum_.simulated_ms / 1000, sum_.records, sum_.starts, sum_.restored);
  const uint32_t over = Percentile99(sum_.over);
  absl::StrAppendFormat(&text, "lag: %d looks, over-report beyond the heartbeat p99 < %s\n",
                        sum_.looks, over == ~0u ? "for ever" : absl::StrCat(over, " ms"));
  if (!paths) return text;
  const std::vector<std::string>& names = RarePathNames();
  uint64_t missing = 0;
  for (size_t i = 0; i < names.size(); ++i) {
    const auto hits = sum_.rare_paths.find(i);
    const bool hit = hits != sum_.rare_paths.end() && hits->second > 0;
    const std::string test = TestOfRarePath(names[i]);
    missing += hit || !test.empty() ? 0 : 1;
    const std::string otherwise = test.empty() ? "NEVER TAKEN" : "by " + test;
    absl::StrAppendFormat(&text, "  %-28s %s\n", names[i],
                          hit ? absl::StrCat(hits->second) : otherwise);
  }
  absl::StrAppendFormat(&text, "rare paths: %d of %d taken\n", names.size() - missing,
                        names.size());
  return text;
}

}  // namespace tidemark
