// Sees everything that leaves a process of a SimWorld, at the instant at which it does. For
// checkers: it may look at disks, and may not change the world.
#ifndef TIDEMARK_TESTS_SIM_SIM_OBSERVER_H_
#define TIDEMARK_TESTS_SIM_SIM_OBSERVER_H_

#include <cstdint>
#include <string>

#include "crypto/bytes.h"

namespace tidemark {

class SimObserver {
 public:
  virtual ~SimObserver() = default;
  // Bytes that a send took, in order for each `socket` (a number never used again). Machines are
  // numbered in the order in which they were added.
  virtual void OnSend(uint32_t socket, uint32_t from_machine, uint32_t to_machine,
                      ByteSpan bytes) = 0;
  // Bytes that a write to a file took.
  virtual void OnWrite(int node, const std::string& path, ByteSpan bytes) = 0;
  // A read of a file that went well.
  virtual void OnRead(int, const std::string&) {}
};

}  // namespace tidemark
#endif  // TIDEMARK_TESTS_SIM_SIM_OBSERVER_H_
