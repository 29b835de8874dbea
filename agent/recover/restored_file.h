// The file that a restore writes: pieces come in any order and go to their place by direct I/O.
//
// Pieces end where chunks end; direct I/O wants whole blocks of 4096 bytes. What lies in whole
// blocks is written from the piece's own memory, without a copy; a block that two pieces share is
// put together here and written when its last byte has come.
#ifndef TIDEMARK_AGENT_RECOVER_RESTORED_FILE_H_
#define TIDEMARK_AGENT_RECOVER_RESTORED_FILE_H_

#include <array>
#include <map>
#include <memory>

#include "absl/status/status.h"
#include "agent/io/task.h"
#include "crypto/bytes.h"

namespace tidemark {

//   Begin (Write | Skip)* Finish.  Every byte of the file is written or skipped once.
// Works as well where the descriptor is not direct. Memory: a block per piece on its way.
class RestoredFile {
 public:
  // Owns neither. `length`: of the whole file.
  RestoredFile(Io* io, Fd fd, uint64_t length) : io_(io), fd_(fd), length_(length) {}
  Io* io() const { return io_; }

  // Gives the file its length: blocks then go in side by side, and holes are there already.
  Task<absl::Status> Begin();
  // bytes.data() must lie as far behind a multiple of 4096 as `offset` does; it must stay until
  // the Task ends.
  Task<absl::Status> Write(uint64_t offset, ByteSpan bytes);
  // A hole. Blocks that it fills whole are not touched.
  Task<absl::Status> Skip(uint64_t offset, uint64_t bytes);
  // Cuts off what the last block is too long, and flushes.
  Task<absl::Status> Finish();
  size_t shared_blocks() const { return shared_.size(); }  // not whole yet

 private:
  struct alignas(kDirectIoBytes) Block {
    std::array<std::byte, kDirectIoBytes> bytes{};
  };
  struct Shared {
    std::unique_ptr<Block> block = std::make_unique<Block>();
    uint64_t filled = 0;
  };
  Task<absl::Status> WriteShared(uint64_t offset, ByteSpan bytes, uint64_t count);
  Io* io_;
  Fd fd_;
  uint64_t length_;
  std::map<uint64_t, Shared> shared_;  // by block number
};

}  // namespace tidemark
#endif  // TIDEMARK_AGENT_RECOVER_RESTORED_FILE_H_
