// A sleep that somebody else can cut short.
#ifndef TIDEMARK_AGENT_SITE_PAUSE_H_
#define TIDEMARK_AGENT_SITE_PAUSE_H_

#include "agent/io/task.h"

namespace tidemark {

class Pause {
 public:
  explicit Pause(Io* io) : io_(io) {}
  Pause(const Pause&) = delete;
  Io* io() const { return io_; }
  // True when the time has passed; false when it was cut short, now or before. One caller at a
  // time.
  Task<bool> For(absl::Duration duration) {
    if (cut_) co_return false;
    Op sleep = io_->Sleep(duration);
    sleeping_ = &sleep;
    const int32_t slept = co_await sleep;
    sleeping_ = nullptr;
    co_return slept >= 0 && !cut_;
  }
  // For good: later pauses end at once.
  void Cut() {
    cut_ = true;
    if (sleeping_ != nullptr) io_->Cancel(sleeping_);
  }
  bool was_cut() const { return cut_; }

 private:
  Io* io_;
  Op* sleeping_ = nullptr;
  bool cut_ = false;
};

}  // namespace tidemark
#endif  // TIDEMARK_AGENT_SITE_PAUSE_H_
