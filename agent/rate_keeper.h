// Tells each link what its rate is now: schedules change it at full minutes, an operator at any
// time.
//
//   Set, then Run until Stop; Set again whenever there is something new.
#ifndef TIDEMARK_AGENT_RATE_KEEPER_H_
#define TIDEMARK_AGENT_RATE_KEEPER_H_

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "agent/config.h"
#include "agent/log.h"
#include "agent/source/site_link.h"

namespace tidemark {

class RateKeeper {
 public:
  // All outlive it.
  RateKeeper(Io* io, const std::vector<std::unique_ptr<SiteLink>>* links, Logger* log)
      : io_(io), links_(links), log_(log) {}
  Io* io() const { return io_; }
  // What the configuration says, at once. A site that it does not name has no limit.
  void Set(const std::vector<AgentSite>& sites);
  Task<> Run();
  void Stop();

 private:
  void Apply();

  Io* io_;
  const std::vector<std::unique_ptr<SiteLink>>* links_;
  Logger* log_;
  std::map<std::string, RateSchedule> schedules_;  // by site
  bool stopping_ = false;
  Op* sleep_ = nullptr;
};

}  // namespace tidemark
#endif  // TIDEMARK_AGENT_RATE_KEEPER_H_
