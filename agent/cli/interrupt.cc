#include "agent/cli/interrupt.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <cassert>

namespace tidemark {

Interrupt::Interrupt() {
  sigset_t signals;
  sigemptyset(&signals);
  for (const int signal : {SIGINT, SIGTERM, SIGHUP}) sigaddset(&signals, signal);
  sigprocmask(SIG_BLOCK, &signals, nullptr);
  fd_ = signalfd(-1, &signals, SFD_CLOEXEC);
  assert(fd_ >= 0);
}

Interrupt::~Interrupt() { close(fd_); }

bool Interrupt::WaitFor(int other) const {
  pollfd polled[2] = {{fd_, POLLIN, 0}, {other, POLLIN, 0}};
  while (true) {
    const int ready = poll(polled, 2, -1);
    if (ready < 0 && errno == EINTR) continue;
    if (polled[0].revents != 0) return false;
    if (polled[1].revents != 0) return true;
  }
}

bool Interrupt::CameWithin(int milliseconds) const {
  pollfd polled = {fd_, POLLIN, 0};
  return poll(&polled, 1, milliseconds) > 0;
}

absl::Status InterruptedStatus() { return absl::CancelledError("interrupted"); }

}  // namespace tidemark
