// Thirty days of clock minutes of one vault at one site: target met, missed, or not known. Two bits
// a minute, so that hundreds of vaults fit.
#ifndef TIDEMARK_AGENT_PROOF_MINUTE_BOOK_H_
#define TIDEMARK_AGENT_PROOF_MINUTE_BOOK_H_

#include <cstdint>
#include <vector>

#include "crypto/bytes.h"

namespace tidemark {

class MinuteBook {
 public:
  static constexpr int64_t kMinutes = 30 * 24 * 60;
  static constexpr size_t kBytes = kMinutes / 4;
  enum class Mark : uint8_t { kNothing = 0, kMet = 1, kMissed = 2, kUnknown = 3 };

  MinuteBook() : marks_(kBytes) {}
  // Minutes since 1970. An earlier one than the newest by 30 days is forgotten; the worse of two
  // marks stays.
  void Put(int64_t minute, Mark mark);
  Mark At(int64_t minute) const;
  struct Sums {
    uint64_t met = 0, missed = 0, unknown = 0;
  };
  // Of the 30 days that end with the newest minute.
  Sums sums() const { return {counts_[1], counts_[2], counts_[3]}; }

  int64_t newest() const { return newest_; }
  ByteSpan marks() const { return marks_; }
  // What another process kept. False: of another size.
  bool Restore(int64_t newest, ByteSpan marks);

 private:
  void Set(int64_t minute, Mark mark);
  std::vector<std::byte> marks_;
  uint64_t counts_[4] = {kMinutes, 0, 0, 0};
  int64_t newest_ = 0;
};

}  // namespace tidemark
#endif  // TIDEMARK_AGENT_PROOF_MINUTE_BOOK_H_
