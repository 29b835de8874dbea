// When does a vault with `ack = quorum` commit by two of three sites, and when by both primaries
// again (law 5)? Pure; looked at every so often.
//
// A primary is late when for `patience` it was away, or did not come up to what the log held that
// long ago: a disk that hangs behind a living connection counts as much as a dead machine.
#ifndef TIDEMARK_REPLICATOR_MODE_RULE_H_
#define TIDEMARK_REPLICATOR_MODE_RULE_H_

#include <optional>
#include <vector>

#include "absl/time/time.h"
#include "replicator/control_record.h"

namespace tidemark {

class ModeRule {
 public:
  ModeRule(size_t primaries, absl::Duration patience, absl::Duration now);

  struct Primary {
    bool live = false;  // fed from the window
    uint64_t durable = 0;
  };
  struct View {
    AckMode mode = AckMode::kStrict;
    uint64_t tail = 0, committed = 0;  // sequences
    std::vector<Primary> primaries;
    bool witness_live = false;
  };
  // The mode to change to; nullopt: stay. Quorum mode only where it helps: one primary and the
  // witness are there. Strict again when every primary has held what is committed for `patience`.
  std::optional<AckMode> Look(absl::Duration now, const View& view);
  // As of the last look.
  bool late(size_t primary) const { return primaries_[primary].late; }

 private:
  struct Pace {
    uint64_t goal = 0;     // what the log held at `since`
    absl::Duration since;  // when it last was up to its goal
    bool late = false;
  };
  absl::Duration patience_;
  std::vector<Pace> primaries_;
  std::optional<absl::Duration> level_since_;
};

}  // namespace tidemark
#endif  // TIDEMARK_REPLICATOR_MODE_RULE_H_
