// SIGINT, SIGTERM and SIGHUP as something to wait for, so that a verb can clean up and exit 130.
#ifndef TIDEMARK_AGENT_CLI_INTERRUPT_H_
#define TIDEMARK_AGENT_CLI_INTERRUPT_H_

#include "absl/status/status.h"

namespace tidemark {

// Blocks the signals for the process from its making on; make it before threads are started.
class Interrupt {
 public:
  Interrupt();
  ~Interrupt();
  Interrupt(const Interrupt&) = delete;
  // Readable once a signal came (a signalfd).
  int fd() const { return fd_; }
  // Waits until `other` is readable (true) or a signal came (false).
  bool WaitFor(int other) const;
  // True when a signal came within the time.
  bool CameWithin(int milliseconds) const;

 private:
  int fd_;
};

absl::Status InterruptedStatus();

}  // namespace tidemark
#endif  // TIDEMARK_AGENT_CLI_INTERRUPT_H_
