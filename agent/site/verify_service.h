// Re-reads every durable record of a vault, checks every block and has healed what is bad (design
// section 10, verify --deep).
#ifndef TIDEMARK_AGENT_SITE_VERIFY_SERVICE_H_
#define TIDEMARK_AGENT_SITE_VERIFY_SERVICE_H_

#include "agent/link/control_connection.h"
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
  Task<> CheckAll(SiteVault* vault);
  void Bad(const Healer::Mended& mended);
  void Report(bool finished);

  Site* site_;
  ControlConnection* control_;
  bool running_ = false, stopped_ = false;
  wire::VerifyReport report_;
};

}  // namespace tidemark
#endif  // TIDEMARK_AGENT_SITE_VERIFY_SERVICE_H_
