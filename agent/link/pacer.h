// Holds what goes to, or comes from, another machine to a rate that may change at any time. Several
// connections may share one.
#ifndef TIDEMARK_AGENT_LINK_PACER_H_
#define TIDEMARK_AGENT_LINK_PACER_H_

#include "agent/io/task.h"
#include "replicator/token_bucket.h"

namespace tidemark {

class Pacer {
 public:
  explicit Pacer(Io* io) : io_(io), bucket_(0, kDepth) {}
  Pacer(const Pacer&) = delete;
  Io* io() const { return io_; }

  // Bytes a second; 0: no limit. Whoever waits sees it within kStep.
  void SetRate(uint64_t bytes_per_second) { bucket_.SetRate(bytes_per_second, io_->Monotonic()); }
  uint64_t rate() const { return bucket_.per_second(); }
  bool limits() const { return rate() != 0; }
  // Waits until what went before is paid for, then takes `bytes`. Ends early, within kStep, once
  // *stop is true: the caller's connection was closed. `stop` outlives the call.
  Task<> Pass(uint64_t bytes, const bool* stop);

 private:
  static constexpr absl::Duration kDepth = absl::Milliseconds(100);
  static constexpr absl::Duration kStep = absl::Milliseconds(50);
  Io* io_;
  TokenBucket bucket_;
};

}  // namespace tidemark
#endif  // TIDEMARK_AGENT_LINK_PACER_H_
