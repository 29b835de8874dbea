// Part of conformance.h: small files, read whole and replaced whole.
#ifndef TIDEMARK_TESTS_IO_CONFORMANCE_SMALL_FILES_H_
#define TIDEMARK_TESTS_IO_CONFORMANCE_SMALL_FILES_H_

#include <string>
#include <vector>

#include "agent/io/transfer.h"
#include "tests/io/conformance.h"

namespace tidemark {

inline Task<> KeepsSmallFiles(Io* io, std::string directory) {
  std::string path = directory + "/small";
  absl::StatusOr<std::string> content = co_await ReadSmallFile(io, path, 10);
  EXPECT_EQ(content.status().code(), absl::StatusCode::kNotFound);
  for (const char* text : {"first", "second"}) {
    std::string wanted = text;
    absl::Status written = co_await WriteSmallFileDurably(io, path, wanted);
    EXPECT_TRUE(written.ok()) << written;
    content = co_await ReadSmallFile(io, path, 10);
    EXPECT_EQ(content.value_or(""), wanted);
  }
  content = co_await ReadSmallFile(io, path, 5);
  EXPECT_EQ(content.status().code(), absl::StatusCode::kInvalidArgument);
  std::vector<DirectoryEntry> entries;
  Op list = io->List(directory, &entries);
  co_await list;
  EXPECT_EQ(entries.size(), 1u) << "the temporary name is gone";
}

TEST_P(IoConformance, SmallFilesAreReplacedWhole) {
  Finish(io_, KeepsSmallFiles(io_, world_->directory));
}

inline Task<> ReadsUpToALimit(Io* io, std::string path) {
  constexpr size_t kLimit = 40000;
  for (const size_t bytes : {0, 1, 4095, 4096, 4097, 36863, 36864, 36865, 40000, 40001}) {
    std::string content(bytes, 'x');
    for (size_t i = 0; i < bytes; ++i) content[i] = static_cast<char>('a' + i % 23);
    std::string to = path, from = path, written = content;
    absl::Status put = co_await WriteSmallFileDurably(io, std::move(to), std::move(written));
    EXPECT_TRUE(put.ok()) << put;
    absl::StatusOr<std::string> got = co_await ReadSmallFile(io, std::move(from), kLimit);
    EXPECT_EQ(got.ok(), bytes <= kLimit) << bytes << ": " << got.status();
    if (got.ok()) {
      EXPECT_TRUE(*got == content) << bytes;
    }
  }
}

TEST_P(IoConformance, SmallFilesAreReadWholeOrRefused) {
  Finish(io_, ReadsUpToALimit(io_, Path("f")));
}

}  // namespace tidemark
#endif  // TIDEMARK_TESTS_IO_CONFORMANCE_SMALL_FILES_H_
