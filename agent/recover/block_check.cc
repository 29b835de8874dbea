#include "agent/recover/block_check.h"

#include "absl/strings/str_format.h"
#include "agent/io/transfer.h"

namespace tidemark {
namespace {

constexpr uint32_t kBlocksInline = 1;  // a worker's wake-up costs about as much

struct BlockCheck {
  const CanonicalHeader* header = nullptr;
  uint32_t first = 0, count = 0;
  ByteSpan bytes;
  absl::Status result;

  static void Run(void* self) {
    BlockCheck* check = static_cast<BlockCheck*>(self);
    for (uint32_t i = 0; i < check->count && check->result.ok(); ++i) {
      const uint32_t index = check->first + i;
      const ByteSpan block =
          check->bytes.subspan(size_t{i} * kBlockBytes, check->header->BlockBytes(index));
      check->result = CheckBlock(*check->header, index, block);
    }
  }
};

}  // namespace

absl::StatusOr<size_t> BytesOfBlocks(const CanonicalHeader& header, uint32_t first,
                                     uint32_t count) {
  const size_t blocks = header.blocks.size();
  if (count == 0 || first >= blocks || count > blocks - first) {
    return absl::InvalidArgumentError(absl::StrFormat(
        "record %d has %d blocks, not %d from block %d on", header.sequence, blocks, count, first));
  }
  return size_t{count - 1} * kBlockBytes + header.BlockBytes(first + count - 1);
}

Task<absl::Status> CheckBlocksOnWorker(Io* io, const CanonicalHeader* header, uint32_t first,
                                       uint32_t count, ByteSpan bytes) {
  BlockCheck check;
  check.header = header;
  check.first = first;
  check.count = count;
  check.bytes = bytes;
  if (count <= kBlocksInline) {
    BlockCheck::Run(&check);
    co_return check.result;
  }
  Op compute = io->Compute(&BlockCheck::Run, &check);
  const int32_t ran = co_await compute;
  if (ran < 0) co_return ErrnoStatus(ran, "checking blocks");
  co_return check.result;
}

}  // namespace tidemark
