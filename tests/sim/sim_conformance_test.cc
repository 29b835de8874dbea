// Goal: SimIo is an Io. Method: the suite that the kernel's UringIo passes, in a kind world and in
// ones where almost every transfer is cut short and windows are tiny.
#include "tests/io/conformance.h"
#include "tests/sim/sim_world.h"

namespace tidemark {
namespace {

struct SimulatedWorld : IoWorld {
  SimulatedWorld(uint64_t seed, const FaultOptions& faults) : world(seed, faults) {
    const int node = world.AddNode("a");
    world.disk(node)->MakeDirectories("/store");
    io = world.io(node);
    directory = "/store";
  }
  SimWorld world;
};

std::unique_ptr<IoWorld> MakeKind() { return std::make_unique<SimulatedWorld>(1, FaultOptions()); }

std::unique_ptr<IoWorld> MakeShort() {
  FaultOptions faults;
  faults.short_transfer_ppm = 700000;
  faults.split_recv_ppm = 900000;
  faults.send_window_bytes = 5000;
  return std::make_unique<SimulatedWorld>(2, faults);
}

std::unique_ptr<IoWorld> MakeSlow() {
  FaultOptions faults;
  faults.slow_disk_ppm = 100000;
  faults.stall_ppm = 1000;
  faults.slow_compute_ppm = 100000;
  faults.pause_ppm = 1000;
  faults.pause_us_max = 1000;
  faults.clock_drift_ppm_max = 200;
  faults.clock_offset_us_max = 1000000;
  return std::make_unique<SimulatedWorld>(3, faults);
}

INSTANTIATE_TEST_SUITE_P(Kind, IoConformance, testing::Values(&MakeKind));
INSTANTIATE_TEST_SUITE_P(Short, IoConformance, testing::Values(&MakeShort));
INSTANTIATE_TEST_SUITE_P(Slow, IoConformance, testing::Values(&MakeSlow));

}  // namespace
}  // namespace tidemark
