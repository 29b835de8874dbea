// Invariant 10: what becomes of the witness costs the primaries' acks nothing.
//
// Seeds are played three times: with a witness that lives, one that dies, and one that nothing
// reaches any more. No faults, and all operations of a kind take the same time; what is left of
// chance, a few microseconds, evens out over many seeds. The simulated machines share no wire, disk
// or processor: what is compared is whether anything waits.
#ifndef TIDEMARK_TESTS_SIM_ISOLATION_H_
#define TIDEMARK_TESTS_SIM_ISOLATION_H_

#include <array>
#include <string>

#include "tests/sim/cluster_options.h"

namespace tidemark {

enum class Witness : uint8_t { kAlive, kDown, kCutOff };
inline constexpr size_t kWitnesses = 3;
inline constexpr double kIsolationTolerance = 0.01;

// Of both primaries together, as the agent tells them.
struct AckTimes {
  double p50_seconds = 0, p99_seconds = 0;
  std::string finding;  // empty: the load was done
};

class Isolation {
 public:
  // The seed's load and limits, without what may fail or differ.
  static ClusterOptions Options(uint64_t seed);
  // Plays them. Empty, or why the load was not done.
  std::string Add(const ClusterOptions& options);
  // How much longer acks took than with a living witness, as a share; the larger of p50 and p99.
  double Longer(Witness witness) const;
  std::string Text() const;
  bool holds() const;

 private:
  uint64_t seeds_ = 0;
  std::array<AckTimes, kWitnesses> sums_;
};

}  // namespace tidemark
#endif  // TIDEMARK_TESTS_SIM_ISOLATION_H_
