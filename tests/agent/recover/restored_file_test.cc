// Goal: whatever the pieces and their order, the file holds their bytes, its holes stay holes, and
// no block waits for ever.
// Method: random cuts of a random file into data and holes, written in random order, directly.
#include "agent/recover/restored_file.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <algorithm>
#include <fstream>
#include <random>
#include <sstream>

#include "agent/io/pool.h"
#include "tests/io/story.h"
#include "tests/io/uring_world.h"

namespace tidemark {
namespace {

struct Piece {
  uint64_t begin = 0, end = 0;
  bool is_hole = false;
};

class RestoredFiles : public testing::Test {
 protected:
  static Task<absl::Status> Make(Io* io, std::string path, uint64_t length,
                                 const std::vector<Piece>* pieces, const std::string* content,
                                 BufferPool* pool) {
    Op open = io->Open(path, kOpenRead | kOpenWrite | kOpenCreate | kOpenExclusive | kOpenDirect);
    const Fd fd = co_await open;
    RestoredFile file(io, fd, length);
    absl::Status result = co_await file.Begin();
    for (const Piece& piece : *pieces) {
      if (!result.ok()) break;
      if (piece.is_hole) {
        result = co_await file.Skip(piece.begin, piece.end - piece.begin);
        continue;
      }
      PooledBuffer buffer = co_await pool->Acquire();
      const MutableByteSpan to =
          buffer.span().subspan(piece.begin % kDirectIoBytes, piece.end - piece.begin);
      const ByteSpan from = AsBytes(*content).subspan(piece.begin, to.size());
      std::copy(from.begin(), from.end(), to.begin());
      result = co_await file.Write(piece.begin, to);
    }
    EXPECT_EQ(file.shared_blocks(), 0u);
    if (result.ok()) result = co_await file.Finish();
    Op close = io->Close(fd);
    const int32_t closed = co_await close;
    (void)closed;
    co_return result;
  }
  UringWorld world;
};

std::string ContentOf(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  std::stringstream content;
  content << file.rdbuf();
  return content.str();
}

TEST_F(RestoredFiles, HoldWhatWasWrittenInAnyOrder) {
  std::mt19937 chance(19);
  BufferPool pool(world.io, 2, 64 * 1024);
  for (int round = 0; round < 60; ++round) {
    const uint64_t length = 1 + chance() % 300'000;
    std::string content(length, '\0');
    std::vector<Piece> pieces;
    uint64_t largest_hole = 0;
    for (uint64_t at = 0; at < length;) {
      const uint64_t size_max = chance() % 4 == 0 ? 300 : 50'000;
      const uint64_t size = std::min(1 + chance() % size_max, length - at);
      pieces.push_back({at, at + size, chance() % 3 == 0});
      if (pieces.back().is_hole) largest_hole = std::max(largest_hole, size);
      for (uint64_t i = at; i < at + size && !pieces.back().is_hole; ++i)
        content[i] = static_cast<char>(chance());
      at += size;
    }
    std::shuffle(pieces.begin(), pieces.end(), chance);
    const std::string path = world.directory + "/file-" + std::to_string(round);
    const absl::Status written =
        Finish(world.io, Make(world.io, path, length, &pieces, &content, &pool));
    ASSERT_TRUE(written.ok()) << written;
    EXPECT_TRUE(ContentOf(path) == content) << "round " << round;
    struct stat found;
    ASSERT_EQ(stat(path.c_str(), &found), 0);
    // Of a hole at most the blocks at its ends are there.
    EXPECT_LE(static_cast<uint64_t>(found.st_blocks) * 512 + largest_hole,
              length + 4 * kDirectIoBytes);
  }
}

}  // namespace
}  // namespace tidemark
