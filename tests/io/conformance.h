// What every Io must do, as one suite over worlds: the simulator may not be kinder than the kernel.
//
// A world's test file includes this header once and says
//   INSTANTIATE_TEST_SUITE_P(Uring, IoConformance, testing::Values(&MakeUringWorld));
#ifndef TIDEMARK_TESTS_IO_CONFORMANCE_H_
#define TIDEMARK_TESTS_IO_CONFORMANCE_H_

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <utility>

#include "agent/io/io.h"
#include "agent/io/sync.h"
#include "agent/io/task.h"
#include "tests/io/io_world.h"
#include "tests/io/story.h"

namespace tidemark {

class IoConformance : public testing::TestWithParam<MakeIoWorld> {
 protected:
  void SetUp() override {
    world_ = GetParam()();
    io_ = world_->io;
  }
  std::string Path(const std::string& name) const { return world_->directory + "/" + name; }

  std::unique_ptr<IoWorld> world_;
  Io* io_ = nullptr;
};

}  // namespace tidemark

#include "tests/io/conformance_files.h"
#include "tests/io/conformance_names.h"
#include "tests/io/conformance_small_files.h"
#include "tests/io/conformance_sockets.h"
#include "tests/io/conformance_streams.h"
#include "tests/io/conformance_time.h"
#include "tests/io/conformance_waiting.h"

#endif  // TIDEMARK_TESTS_IO_CONFORMANCE_H_
