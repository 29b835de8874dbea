// A write whose flush fails, as a process leaves it that is killed meanwhile: it reads right until
// the simulated kernel lets go of it.
#ifndef TIDEMARK_TESTS_AGENT_SITE_LOST_WRITE_H_
#define TIDEMARK_TESTS_AGENT_SITE_LOST_WRITE_H_

#include <string>

#include "agent/io/transfer.h"
#include "gtest/gtest.h"
#include "tests/sim/sim_world.h"

namespace tidemark {

// The file is made if there is none. `bytes` live until the end.
inline Task<> LoseInCache(SimIo* io, std::string path, uint64_t offset, ByteSpan bytes) {
  Op open = io->Open(path, kOpenRead | kOpenWrite | kOpenCreate);
  const Fd fd = co_await open;
  EXPECT_GE(fd, 0);
  absl::Status written = co_await WriteFully(io, fd, bytes, offset);
  EXPECT_TRUE(written.ok()) << written;
  SimInjection failing;
  failing.kind = Op::Kind::kSync;
  failing.path_part = path;
  io->Inject(failing);
  Op sync = io->Sync(fd);
  const int32_t synced = co_await sync;
  EXPECT_LT(synced, 0);
  Op close = io->Close(fd);
  co_await close;
}

}  // namespace tidemark
#endif  // TIDEMARK_TESTS_AGENT_SITE_LOST_WRITE_H_
