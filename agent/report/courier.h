// The courier: carries one message at a time to one address, on a thread of its own, so that a
// receiver that hangs holds up no other and never the loop.
//
//   Carry -> Take (until it gives an outcome) -> Carry ...
#ifndef TIDEMARK_AGENT_REPORT_COURIER_H_
#define TIDEMARK_AGENT_REPORT_COURIER_H_

#include <memory>
#include <optional>
#include <string>

#include "absl/time/time.h"
#include "agent/report/alert_shape.h"

namespace tidemark {

struct CourierOutcome {
  uint64_t id = 0;
  bool delivered = false;
  bool for_good = false;  // refused, and would be again: 4xx but 408 and 429
  std::optional<absl::Duration> retry_after;
  std::string why;  // without the address, which may be a secret
};

class Courier {
 public:
  static std::unique_ptr<Courier> Start();
  virtual ~Courier() = default;  // waits for a message under way: at most its time limit
  virtual bool busy() const = 0;
  // Not while busy().
  virtual void Carry(uint64_t id, AlertMessage message) = 0;
  // What became of it; then it is not busy any more.
  virtual std::optional<CourierOutcome> Take() = 0;
};

}  // namespace tidemark
#endif  // TIDEMARK_AGENT_REPORT_COURIER_H_
