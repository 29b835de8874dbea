// Goal: UringIo is an Io. Method: the conformance suite, with the usual ring, with one of four
// entries, which is full all the time, and with completions as older kernels give them.
#include "tests/io/conformance.h"
#include "tests/io/uring_world.h"

namespace tidemark {
namespace {

std::unique_ptr<IoWorld> MakeUsual() { return std::make_unique<UringWorld>(); }

std::unique_ptr<IoWorld> MakeTiny() {
  UringOptions options;
  options.queue_entries = 4;
  options.workers = 1;
  return std::make_unique<UringWorld>(options);
}

std::unique_ptr<IoWorld> MakePlain() {
  UringOptions options;
  options.deferred_completions = false;
  return std::make_unique<UringWorld>(options);
}

INSTANTIATE_TEST_SUITE_P(Usual, IoConformance, testing::Values(&MakeUsual));
INSTANTIATE_TEST_SUITE_P(Tiny, IoConformance, testing::Values(&MakeTiny));
INSTANTIATE_TEST_SUITE_P(Plain, IoConformance, testing::Values(&MakePlain));

}  // namespace
}  // namespace tidemark
