// What the simulated cluster is asked to keep: archives to push, and the word that was given for
// each (law 1 and 2: what was said to be committed comes back, byte for byte).
#ifndef TIDEMARK_TESTS_SIM_WORKLOAD_H_
#define TIDEMARK_TESTS_SIM_WORKLOAD_H_

#include <deque>
#include <map>
#include <string>
#include <vector>

#include "agent/service.h"
#include "tests/sim/checkers.h"
#include "tests/sim/cluster_options.h"

namespace tidemark {

struct WorkItem {
  uint32_t number = 0;
  std::string name, content, path;  // path: of the source on each agent's disk
  std::string idempotency_key;      // empty: none
  bool is_stream = false, wait_all = false;
  bool ok = false;       // some push of it returned OK
  uint64_t version = 0;  // of the first that did
};

class Workload {
 public:
  Workload(const ClusterOptions& options, const LogLedger* ledger, Findings* findings);
  // The sources, as files of an agent's machine.
  void WriteSources(SimDisk* disk) const;

  // An item that is not done, and that this agent is not pushing; nullptr: none.
  WorkItem* Take(uint32_t agent);
  // Its push ended.
  void Done(uint32_t agent, WorkItem* item, const absl::StatusOr<PushReport>& report);
  // All pushes of that agent have died with it.
  void AgentDied(uint32_t agent) { taken_[agent].clear(); }
  bool all_ok() const;
  uint64_t resumed() const { return resumed_; }  // pushes that went on from a resume point

  // One that was said to be committed; nullptr: none yet.
  const WorkItem* AnyCommitted(SimRandom* random) const;
  const std::deque<WorkItem>& items() const { return items_; }
  // A restore of name@version gave `content`.
  void CheckRestored(const std::string& name, uint64_t version, const std::string& content,
                     const std::string& where);
  // All that was ever said to be committed: (name, version) -> item.
  const std::map<std::pair<std::string, uint64_t>, const WorkItem*>& committed() const {
    return committed_;
  }

 private:
  const LogLedger* ledger_;
  Findings* findings_;
  std::deque<WorkItem> items_;
  uint64_t resumed_ = 0;
  std::map<uint32_t, std::vector<const WorkItem*>> taken_;
  std::map<std::pair<std::string, uint64_t>, const WorkItem*> committed_;
};

}  // namespace tidemark
#endif  // TIDEMARK_TESTS_SIM_WORKLOAD_H_
