// The kernel's world for tests: a UringIo and a temporary directory.
#ifndef TIDEMARK_TESTS_IO_URING_WORLD_H_
#define TIDEMARK_TESTS_IO_URING_WORLD_H_

#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <memory>

#include "agent/io/uring_io.h"
#include "tests/io/io_world.h"

namespace tidemark {

struct UringWorld : IoWorld {
  explicit UringWorld(const UringOptions& options = {}) {
    absl::StatusOr<std::unique_ptr<UringIo>> made = UringIo::Create(options);
    if (!made.ok()) {
      ADD_FAILURE() << made.status();
      std::abort();
    }
    uring = *std::move(made);
    io = uring.get();
    std::string pattern = (std::filesystem::temp_directory_path() / "tidemark-io-XXXXXX").string();
    directory = mkdtemp(pattern.data());
  }
  ~UringWorld() override { std::filesystem::remove_all(directory); }
  std::unique_ptr<UringIo> uring;
};

}  // namespace tidemark
#endif  // TIDEMARK_TESTS_IO_URING_WORLD_H_
