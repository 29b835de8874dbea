// Re-reads every durable record of a vault and checks every block (design section 10, verify
// --deep).
#ifndef TIDEMARK_AGENT_SITE_VERIFY_SERVICE_H_
#define TIDEMARK_AGENT_SITE_VERIFY_SERVICE_H_

#include "agent/link/control_connection.h"
#include "agent/site/log_reader.h"
#include "agent/site/site.h"

namespace tidemark {

class VerifyService {
 public:
  VerifyService(Site* site, ControlConnection* control) : site_(site), control_(control) {}
  Io* io() const { return site_->io(); }
  bool running() const { return running_; }
  // Reports about every second and at the end. One at a time.
  Task<> Run(VaultId vault, uint32_t request);
  void Stop() { stopped_ = true; }

 private:
  Task<> CheckRecord(LogReader* reader, uint64_t sequence, MutableByteSpan buffer);
  void Bad(uint64_t sequence, uint32_t block, const absl::Status& why);
  void Report(bool finished);

  Site* site_;
  ControlConnection* control_;
  bool running_ = false, stopped_ = false;
  wire::VerifyReport report_;
};

}  // namespace tidemark
#endif  // TIDEMARK_AGENT_SITE_VERIFY_SERVICE_H_
