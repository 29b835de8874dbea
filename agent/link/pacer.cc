#include "agent/link/pacer.h"

#include <algorithm>

namespace tidemark {

Task<> Pacer::Pass(uint64_t bytes, const bool* stop) {
  while (!*stop) {
    const absl::Duration owed = bucket_.Wait(io_->Monotonic());
    if (owed == absl::ZeroDuration()) break;
    Op sleep = io_->Sleep(std::min(owed, kStep));
    const int32_t slept = co_await sleep;
    (void)slept;
  }
  bucket_.Take(bytes, io_->Monotonic());
}

}  // namespace tidemark
