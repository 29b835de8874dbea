// A world that the conformance suite runs in.
#ifndef TIDEMARK_TESTS_IO_IO_WORLD_H_
#define TIDEMARK_TESTS_IO_IO_WORLD_H_

#include <memory>
#include <string>

#include "agent/io/io.h"

namespace tidemark {

struct IoWorld {
  virtual ~IoWorld() = default;
  Io* io = nullptr;
  std::string directory;                    // absolute, exists, empty
  std::string any_address = "127.0.0.1:0";  // to listen on
  bool has_unix_sockets = true;
  bool has_holes = true;  // punched and unwritten ranges are seen by NextData
};
using MakeIoWorld = std::unique_ptr<IoWorld> (*)();

}  // namespace tidemark
#endif  // TIDEMARK_TESTS_IO_IO_WORLD_H_
