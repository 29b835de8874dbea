// How much of its machine the agent takes, from what the kernel says of it. Pure: texts come in,
// shares go out.
//
//   Note each second or so; then the shares
#ifndef TIDEMARK_AGENT_REPORT_PROCESS_LOAD_H_
#define TIDEMARK_AGENT_REPORT_PROCESS_LOAD_H_

#include <cstdint>
#include <deque>
#include <optional>
#include <string>

#include "absl/time/time.h"

namespace tidemark {

class ProcessLoad {
 public:
  static constexpr absl::Duration kWindow = absl::Seconds(10);

  struct Texts {  // of /proc; empty: could not be read, and what follows from it is unknown
    std::string self_stat, self_status, stat, meminfo;
  };
  void Note(absl::Duration now, const Texts& texts);
  // Of all processors, over the window. nullopt: too little is known.
  std::optional<double> cpu_share() const;
  std::optional<uint64_t> resident_bytes() const { return resident_bytes_; }
  std::optional<double> memory_share() const;  // of the machine's memory

 private:
  struct Sample {
    absl::Duration at;
    uint64_t own = 0, all = 0;  // ticks
  };
  std::deque<Sample> samples_;
  std::optional<uint64_t> resident_bytes_, memory_bytes_;
};

}  // namespace tidemark
#endif  // TIDEMARK_AGENT_REPORT_PROCESS_LOAD_H_
