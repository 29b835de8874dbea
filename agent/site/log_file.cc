#include "agent/site/log_file.h"

#include "absl/strings/numbers.h"
#include "absl/strings/str_format.h"

namespace tidemark {

std::string LogFileName(uint64_t number) { return absl::StrFormat("log-%08x", number); }

std::optional<uint64_t> LogFileNumber(const std::string& name) {
  constexpr size_t kPrefix = 4;
  uint64_t number = 0;
  if (name.size() <= kPrefix || !absl::SimpleHexAtoi(name.substr(kPrefix), &number))
    return std::nullopt;
  if (number == 0 || LogFileName(number) != name) return std::nullopt;
  return number;
}

bool IsOwnRecord(const LogFileHeader& file, uint64_t offset, const RecordHead& head) {
  const PlacementHeader& placement = head.placement;
  return placement.store == file.store && placement.file_number == file.file_number &&
         placement.file_salt == file.file_salt && placement.own_offset == offset &&
         head.canonical.vault == file.vault;
}

}  // namespace tidemark
