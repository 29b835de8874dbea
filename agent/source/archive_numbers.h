// The numbers by which rows of a dedup index name their archives: 16 bytes in each of 10^8 rows
// would be a fifth of it. The index stores which number is whose; those in use stand here.
//
// An archive that is no longer known here may get another number: both stay right.
#ifndef TIDEMARK_AGENT_SOURCE_ARCHIVE_NUMBERS_H_
#define TIDEMARK_AGENT_SOURCE_ARCHIVE_NUMBERS_H_

#include <cstdint>
#include <deque>
#include <map>
#include <optional>

#include "crypto/bytes.h"

namespace tidemark {

class ArchiveNumbers {
 public:
  static constexpr size_t kKnownMax = 8192;

  std::optional<uint64_t> NumberOf(const ArchiveId& id) const {
    const auto found = number_of_.find(id);
    if (found == number_of_.end()) return std::nullopt;
    return found->second;
  }
  std::optional<ArchiveId> IdOf(uint64_t number) const {
    const auto found = id_of_.find(number);
    if (found == id_of_.end()) return std::nullopt;
    return found->second;
  }
  // The one that is known longest goes for it.
  void Know(uint64_t number, const ArchiveId& id) {
    number_of_[id] = number;
    if (!id_of_.emplace(number, id).second) return;
    order_.push_back(number);
    if (order_.size() <= kKnownMax) return;
    const auto oldest = id_of_.find(order_.front());
    const auto its_number = number_of_.find(oldest->second);
    if (its_number != number_of_.end() && its_number->second == oldest->first)
      number_of_.erase(its_number);
    id_of_.erase(oldest);
    order_.pop_front();
  }

 private:
  std::map<ArchiveId, uint64_t> number_of_;
  std::map<uint64_t, ArchiveId> id_of_;
  std::deque<uint64_t> order_;  // of id_of_, the oldest first
};

}  // namespace tidemark
#endif  // TIDEMARK_AGENT_SOURCE_ARCHIVE_NUMBERS_H_
