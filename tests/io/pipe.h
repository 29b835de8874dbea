// A pipe that closes its ends, for tests.
#ifndef TIDEMARK_TESTS_IO_PIPE_H_
#define TIDEMARK_TESTS_IO_PIPE_H_

#include <fcntl.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include "agent/io/op.h"

namespace tidemark {

struct Pipe {
  explicit Pipe(int flags) { EXPECT_EQ(pipe2(ends, flags | O_CLOEXEC), 0); }
  ~Pipe() {
    for (const Fd fd : ends) {
      if (fd >= 0) close(fd);
    }
  }
  Fd ends[2] = {-1, -1};
};

}  // namespace tidemark
#endif  // TIDEMARK_TESTS_IO_PIPE_H_
