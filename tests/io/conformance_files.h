// Part of conformance.h: opening, reading, writing, space.
#ifndef TIDEMARK_TESTS_IO_CONFORMANCE_FILES_H_
#define TIDEMARK_TESTS_IO_CONFORMANCE_FILES_H_

#include <errno.h>

#include <cstring>
#include <vector>

#include "agent/io/pool.h"
#include "agent/io/transfer.h"
#include "tests/io/conformance.h"

namespace tidemark {

inline constexpr uint32_t kOpenNew = kOpenRead | kOpenWrite | kOpenCreate;

// Makes a file with this content (which outlives the call) and leaves it open.
inline Task<Fd> MakeFile(Io* io, std::string path, std::string_view content) {
  Op open = io->Open(path, kOpenNew | kOpenTruncate);
  const Fd fd = co_await open;
  EXPECT_GE(fd, 0);
  const ByteSpan from = AsBytes(content);
  absl::Status written = co_await WriteFully(io, fd, from, 0);
  EXPECT_TRUE(written.ok()) << written;
  co_return fd;
}

inline Task<std::string> ContentOf(Io* io, Fd fd) {
  std::vector<std::byte> memory(1 << 16);
  const MutableByteSpan into(memory);
  absl::StatusOr<size_t> got = co_await ReadUpTo(io, fd, into, 0);
  EXPECT_TRUE(got.ok()) << got.status();
  if (!got.ok()) co_return std::string();
  co_return std::string(AsText(ByteSpan(memory).first(*got)));
}

inline Task<int32_t> OpenOnce(Io* io, std::string path, uint32_t flags) {
  Op open = io->Open(path, flags);
  const int32_t result = co_await open;
  if (result >= 0) {
    Op close = io->Close(result);
    const int32_t closed = co_await close;
    EXPECT_EQ(closed, 0);
  }
  co_return result;
}

inline Task<> OpensByFlags(Io* io, std::string path) {
  int32_t result = co_await OpenOnce(io, path, kOpenRead);
  EXPECT_EQ(result, -ENOENT);
  result = co_await OpenOnce(io, path, kOpenNew | kOpenExclusive);
  EXPECT_GE(result, 0);
  result = co_await OpenOnce(io, path, kOpenNew | kOpenExclusive);
  EXPECT_EQ(result, -EEXIST);
  result = co_await OpenOnce(io, path, kOpenNew);
  EXPECT_GE(result, 0);
  result = co_await OpenOnce(io, path, kOpenRead);
  EXPECT_GE(result, 0);
}

TEST_P(IoConformance, OpenSaysWhetherAFileMayBeThere) { Finish(io_, OpensByFlags(io_, Path("f"))); }

inline Task<> HonoursAccess(Io* io, std::string path) {
  const Fd made = co_await MakeFile(io, path, "text");
  Op read_only = io->Open(path, kOpenRead);
  const Fd reader = co_await read_only;
  std::byte memory[4] = {};
  const MutableByteSpan span(memory);
  Op write = io->Write(reader, span, 0);
  int32_t result = co_await write;
  EXPECT_EQ(result, -EBADF);
  Op write_only = io->Open(path, kOpenWrite);
  const Fd writer = co_await write_only;
  Op read = io->Read(writer, span, 0);
  result = co_await read;
  EXPECT_EQ(result, -EBADF);
  Op truncating = io->Open(path, kOpenWrite | kOpenTruncate);
  const Fd truncated = co_await truncating;
  const std::string content = co_await ContentOf(io, made);
  EXPECT_EQ(content, "");
  for (const Fd fd : {made, reader, writer, truncated}) {
    Op close = io->Close(fd);
    result = co_await close;
    EXPECT_EQ(result, 0);
  }
  Op again = io->Close(made);
  result = co_await again;
  EXPECT_EQ(result, -EBADF);
}

TEST_P(IoConformance, OpenFlagsLimitWhatMayBeDone) { Finish(io_, HonoursAccess(io_, Path("f"))); }

inline Task<> ReadsAtTheEnd(Io* io, std::string path) {
  const Fd fd = co_await MakeFile(io, path, "0123456789");
  std::byte memory[16] = {};
  const MutableByteSpan into(memory);
  absl::StatusOr<size_t> got = co_await ReadUpTo(io, fd, into, 4);
  EXPECT_EQ(got.value_or(0), 6u);
  EXPECT_EQ(AsText(into.first(6)), "456789");
  Op beyond = io->Read(fd, into, 10);
  int32_t result = co_await beyond;
  EXPECT_EQ(result, 0);
  Op far_beyond = io->Read(fd, into, 1 << 20);
  result = co_await far_beyond;
  EXPECT_EQ(result, 0);
  absl::Status fully = co_await ReadFully(io, fd, into, 0);
  EXPECT_EQ(fully.code(), absl::StatusCode::kOutOfRange);
  // A write past the end leaves zeros between.
  const ByteSpan late = AsBytes("late");
  absl::Status written = co_await WriteFully(io, fd, late, 12);
  EXPECT_TRUE(written.ok()) << written;
  const std::string content = co_await ContentOf(io, fd);
  EXPECT_EQ(content, std::string("0123456789\0\0late", 16));
  Op close = io->Close(fd);
  co_await close;
}

TEST_P(IoConformance, ReadsEndWhereTheFileEnds) { Finish(io_, ReadsAtTheEnd(io_, Path("f"))); }

inline Task<> ReadsAsAStream(Io* io, std::string path) {
  const Fd made = co_await MakeFile(io, path, "abcdef");
  Op open = io->Open(path, kOpenRead);
  const Fd fd = co_await open;
  std::byte memory[4] = {};
  const MutableByteSpan into(memory);
  absl::StatusOr<size_t> got = co_await ReadUpTo(io, fd, into, kNoOffset);
  EXPECT_EQ(got.value_or(0), 4u);
  got = co_await ReadUpTo(io, fd, into, kNoOffset);
  EXPECT_EQ(got.value_or(0), 2u);
  EXPECT_EQ(AsText(into.first(2)), "ef");
  for (const Fd each : {made, fd}) {
    Op close = io->Close(each);
    co_await close;
  }
}

TEST_P(IoConformance, AStreamRemembersItsPlace) { Finish(io_, ReadsAsAStream(io_, Path("f"))); }

inline Task<> WritesDirectly(Io* io, std::string path) {
  BufferPool pool(io, 2, 2 * kDirectIoBytes);
  PooledBuffer out = co_await pool.Acquire();
  PooledBuffer back = co_await pool.Acquire();
  std::memset(out.span().data(), 'd', out.span().size());
  Op open = io->Open(path, kOpenNew | kOpenDirect);
  const Fd fd = co_await open;
  EXPECT_GE(fd, 0);
  const ByteSpan from = out.span();
  absl::Status written = co_await WriteFully(io, fd, from, kDirectIoBytes);
  EXPECT_TRUE(written.ok()) << written;
  Op sync = io->Sync(fd);
  int32_t result = co_await sync;
  EXPECT_EQ(result, 0);
  const MutableByteSpan into = back.span();
  absl::Status read = co_await ReadFully(io, fd, into, kDirectIoBytes);
  EXPECT_TRUE(read.ok()) << read;
  EXPECT_EQ(std::memcmp(from.data(), into.data(), into.size()), 0);
  // A file that ends off the grid is read to its end all the same.
  Op truncate = io->Truncate(fd, kDirectIoBytes + 100);
  result = co_await truncate;
  EXPECT_EQ(result, 0);
  absl::StatusOr<size_t> got = co_await ReadUpTo(io, fd, into, kDirectIoBytes);
  EXPECT_EQ(got.value_or(0), 100u);
  Op close = io->Close(fd);
  co_await close;
}

TEST_P(IoConformance, DirectWritesAreReadBack) { Finish(io_, WritesDirectly(io_, Path("f"))); }

inline Task<> ShapesSpace(Io* io, std::string path) {
  const Fd fd = co_await MakeFile(io, path, "0123456789");
  Op shorten = io->Truncate(fd, 4);
  int32_t result = co_await shorten;
  EXPECT_EQ(result, 0);
  Op lengthen = io->Truncate(fd, 6);
  result = co_await lengthen;
  EXPECT_EQ(result, 0);
  const std::string content = co_await ContentOf(io, fd);
  EXPECT_EQ(content, std::string("0123\0\0", 6));
  Op allocate = io->Allocate(fd, 0, 1 << 20);
  result = co_await allocate;
  EXPECT_EQ(result, 0);
  FileStat stat;
  Op look = io->Stat(fd, &stat);
  result = co_await look;
  EXPECT_EQ(result, 0);
  EXPECT_EQ(stat.size, uint64_t{1} << 20);
  EXPECT_GE(stat.allocated_bytes, uint64_t{1} << 20);
  Op close = io->Close(fd);
  co_await close;
}

TEST_P(IoConformance, TruncateAndAllocateSetTheSize) { Finish(io_, ShapesSpace(io_, Path("f"))); }

inline Task<> PunchesAHole(Io* io, std::string path) {
  std::string ones(1 << 18, '1');
  const Fd fd = co_await MakeFile(io, path, ones);
  Op sync = io->Sync(fd);
  int32_t result = co_await sync;
  EXPECT_EQ(result, 0);
  Op punch = io->Punch(fd, 1 << 16, 1 << 16);
  result = co_await punch;
  EXPECT_EQ(result, 0);
  std::vector<std::byte> memory(ones.size());
  const MutableByteSpan into(memory);
  absl::Status read = co_await ReadFully(io, fd, into, 0);
  EXPECT_TRUE(read.ok()) << read;
  std::string expected = ones;
  std::memset(expected.data() + (1 << 16), 0, 1 << 16);
  EXPECT_TRUE(AsText(into) == expected);
  Op close = io->Close(fd);
  co_await close;
}

TEST_P(IoConformance, APunchedRangeReadsAsZeros) { Finish(io_, PunchesAHole(io_, Path("f"))); }

inline Task<> FindsData(Io* io, std::string path, bool has_holes) {
  const uint64_t far = uint64_t{1} << 20;
  Op open = io->Open(path, kOpenNew);
  const Fd fd = co_await open;
  const ByteSpan text = AsBytes("data");
  absl::Status written = co_await WriteFully(io, fd, text, far);
  EXPECT_TRUE(written.ok()) << written;
  Op lengthen = io->Truncate(fd, 2 * far);
  int32_t result = co_await lengthen;
  EXPECT_EQ(result, 0);
  // Whatever the granularity: data is never reported as a hole.
  uint64_t begin = 0;
  uint64_t end = 0;
  Op first = io->NextData(fd, 0, &begin, &end);
  result = co_await first;
  EXPECT_EQ(result, 0);
  EXPECT_LE(begin, far);
  EXPECT_GE(end, far + 4);
  if (has_holes) {
    EXPECT_GT(begin, 0u);
    EXPECT_LT(end, 2 * far);
    Op after = io->NextData(fd, end, &begin, &end);
    result = co_await after;
    EXPECT_EQ(result, -ENXIO);
  }
  Op beyond = io->NextData(fd, 2 * far, &begin, &end);
  result = co_await beyond;
  EXPECT_EQ(result, -ENXIO);
  Op close = io->Close(fd);
  co_await close;
}

TEST_P(IoConformance, NextDataSkipsHoles) {
  Finish(io_, FindsData(io_, Path("f"), world_->has_holes));
}

}  // namespace tidemark
#endif  // TIDEMARK_TESTS_IO_CONFORMANCE_FILES_H_
