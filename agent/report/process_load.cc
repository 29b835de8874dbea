#include "agent/report/process_load.h"

#include <vector>

#include "absl/strings/numbers.h"
#include "absl/strings/str_split.h"

namespace tidemark {
namespace {

std::vector<std::string> Words(const std::string& text) {
  return absl::StrSplit(text, absl::ByAnyChar(" \t\n"), absl::SkipEmpty());
}

// utime and stime, the 14th and 15th field. The name before them is in brackets and may hold
// anything.
std::optional<uint64_t> OwnTicks(const std::string& self_stat) {
  const size_t bracket = self_stat.rfind(')');
  if (bracket == std::string::npos) return std::nullopt;
  const std::vector<std::string> words = Words(self_stat.substr(bracket + 1));
  uint64_t user = 0, system = 0;
  if (words.size() < 13 || !absl::SimpleAtoi(words[11], &user) ||
      !absl::SimpleAtoi(words[12], &system))
    return std::nullopt;
  return user + system;
}

// Of all processors, idle ones too: the first line's first eight figures. What guests got is in
// them already.
std::optional<uint64_t> AllTicks(const std::string& stat) {
  const std::vector<std::string> words = Words(stat.substr(0, stat.find('\n')));
  if (words.size() < 9 || words[0] != "cpu") return std::nullopt;
  uint64_t sum = 0;
  for (size_t i = 1; i <= 8; ++i) {
    uint64_t ticks = 0;
    if (!absl::SimpleAtoi(words[i], &ticks)) return std::nullopt;
    sum += ticks;
  }
  return sum;
}

// "NAME:   123 kB"
std::optional<uint64_t> Bytes(const std::string& text, const std::string& name) {
  const std::vector<std::string> lines = absl::StrSplit(text, '\n');
  for (const std::string& line : lines) {
    const std::vector<std::string> words = Words(line);
    uint64_t kilobytes = 0;
    if (words.size() == 3 && words[0] == name && absl::SimpleAtoi(words[1], &kilobytes))
      return kilobytes * 1024;
  }
  return std::nullopt;
}

}  // namespace

void ProcessLoad::Note(absl::Duration now, const Texts& texts) {
  resident_bytes_ = Bytes(texts.self_status, "VmRSS:");
  memory_bytes_ = Bytes(texts.meminfo, "MemTotal:");
  const std::optional<uint64_t> own = OwnTicks(texts.self_stat), all = AllTicks(texts.stat);
  if (!own.has_value() || !all.has_value()) return samples_.clear();
  samples_.push_back({now, *own, *all});
  while (samples_.size() > 2 && samples_[1].at <= now - kWindow) samples_.pop_front();
}

std::optional<double> ProcessLoad::cpu_share() const {
  if (samples_.size() < 2) return std::nullopt;
  const Sample& first = samples_.front();
  const Sample& last = samples_.back();
  if (last.at - first.at < kWindow / 2 || last.all <= first.all) return std::nullopt;
  return static_cast<double>(last.own - first.own) / static_cast<double>(last.all - first.all);
}

std::optional<double> ProcessLoad::memory_share() const {
  if (!resident_bytes_ || !memory_bytes_ || *memory_bytes_ == 0) return std::nullopt;
  return static_cast<double>(*resident_bytes_) / static_cast<double>(*memory_bytes_);
}

}  // namespace tidemark
