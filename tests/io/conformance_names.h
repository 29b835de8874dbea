// Part of conformance.h: directories, names, locks, small files.
#ifndef TIDEMARK_TESTS_IO_CONFORMANCE_NAMES_H_
#define TIDEMARK_TESTS_IO_CONFORMANCE_NAMES_H_

#include "tests/io/conformance_files.h"

namespace tidemark {

inline Task<> MakeAndClose(Io* io, std::string path, std::string_view content) {
  const Fd fd = co_await MakeFile(io, path, content);
  Op close = io->Close(fd);
  co_await close;
}

inline Task<> Renames(Io* io, std::string directory) {
  std::string a = directory + "/a";
  std::string b = directory + "/b";
  std::string c = directory + "/c";
  co_await MakeAndClose(io, a, "from a");
  co_await MakeAndClose(io, b, "from b");
  Op refused = io->RenameNew(a, b);
  int32_t result = co_await refused;
  EXPECT_EQ(result, -EEXIST);
  Op fresh = io->RenameNew(a, c);
  result = co_await fresh;
  EXPECT_EQ(result, 0);
  Op replacing = io->Rename(c, b);
  result = co_await replacing;
  EXPECT_EQ(result, 0);
  Op gone = io->Rename(a, b);
  result = co_await gone;
  EXPECT_EQ(result, -ENOENT);
  absl::StatusOr<std::string> content = co_await ReadSmallFile(io, b, 100);
  EXPECT_EQ(content.value_or(""), "from a");
  Op sync = io->SyncDirectory(directory);
  result = co_await sync;
  EXPECT_EQ(result, 0);
  Op unlink = io->Unlink(b);
  result = co_await unlink;
  EXPECT_EQ(result, 0);
  Op again = io->Unlink(b);
  result = co_await again;
  EXPECT_EQ(result, -ENOENT);
}

TEST_P(IoConformance, RenameReplacesAndRenameNewDoesNot) {
  Finish(io_, Renames(io_, world_->directory));
}

inline Task<> KeepsOpenFiles(Io* io, std::string path) {
  const Fd fd = co_await MakeFile(io, path, "still here");
  Op unlink = io->Unlink(path);
  const int32_t result = co_await unlink;
  EXPECT_EQ(result, 0);
  const std::string content = co_await ContentOf(io, fd);
  EXPECT_EQ(content, "still here");
  Op close = io->Close(fd);
  co_await close;
}

TEST_P(IoConformance, AnUnlinkedFileLivesWhileItIsOpen) {
  Finish(io_, KeepsOpenFiles(io_, Path("f")));
}

inline Task<> Lists(Io* io, std::string directory) {
  std::string inner = directory + "/m";
  Op make = io->MakeDirectory(inner);
  int32_t result = co_await make;
  EXPECT_EQ(result, 0);
  Op again = io->MakeDirectory(inner);
  result = co_await again;
  EXPECT_EQ(result, -EEXIST);
  std::string deep = directory + "/none/deep";
  Op orphan = io->MakeDirectory(deep);
  result = co_await orphan;
  EXPECT_EQ(result, -ENOENT);
  for (const char* name : {"z", "a", "k"}) {
    std::string path = directory + "/" + name;
    co_await MakeAndClose(io, path, name);
  }
  std::string within = inner + "/x";
  co_await MakeAndClose(io, within, "x");
  std::vector<DirectoryEntry> entries;
  Op list = io->List(directory, &entries);
  result = co_await list;
  EXPECT_EQ(result, 0);
  std::string names;
  for (const DirectoryEntry& entry : entries) names += entry.name + (entry.is_directory ? "/" : "");
  EXPECT_EQ(names, "akm/z");
  std::string missing = directory + "/none";
  Op nowhere = io->List(missing, &entries);
  result = co_await nowhere;
  EXPECT_EQ(result, -ENOENT);
}

TEST_P(IoConformance, ListIsSortedAndTellsDirectories) {
  Finish(io_, Lists(io_, world_->directory));
}

inline Task<> Stats(Io* io, std::string directory) {
  std::string path = directory + "/f";
  const Fd fd = co_await MakeFile(io, path, "12345");
  FileStat by_path;
  FileStat by_fd;
  Op first = io->Stat(path, &by_path);
  int32_t result = co_await first;
  EXPECT_EQ(result, 0);
  Op second = io->Stat(fd, &by_fd);
  result = co_await second;
  EXPECT_EQ(result, 0);
  EXPECT_EQ(by_path.size, 5u);
  EXPECT_TRUE(by_path.is_regular);
  EXPECT_FALSE(by_path.is_directory);
  EXPECT_EQ(by_path.inode, by_fd.inode);
  EXPECT_EQ(by_path.device, by_fd.device);
  EXPECT_GT(by_path.free_bytes, 0u);
  EXPECT_EQ(by_path.mode & 0777, 0600u);
  FileStat of_directory;
  Op third = io->Stat(directory, &of_directory);
  result = co_await third;
  EXPECT_EQ(result, 0);
  EXPECT_TRUE(of_directory.is_directory);
  std::string missing = directory + "/none";
  Op fourth = io->Stat(missing, &of_directory);
  result = co_await fourth;
  EXPECT_EQ(result, -ENOENT);
  Op close = io->Close(fd);
  co_await close;
}

TEST_P(IoConformance, StatTellsWhatIsThere) { Finish(io_, Stats(io_, world_->directory)); }

inline Task<> Locks(Io* io, std::string path) {
  const Fd first = co_await MakeFile(io, path, "");
  Op open = io->Open(path, kOpenRead | kOpenWrite);
  const Fd second = co_await open;
  Op take = io->Lock(first);
  int32_t result = co_await take;
  EXPECT_EQ(result, 0);
  Op refused = io->Lock(second);
  result = co_await refused;
  EXPECT_EQ(result, -EWOULDBLOCK);
  Op release = io->Close(first);
  co_await release;
  Op now = io->Lock(second);
  result = co_await now;
  EXPECT_EQ(result, 0);
  Op close = io->Close(second);
  co_await close;
}

TEST_P(IoConformance, ALockIsHeldByOneUntilItIsClosed) { Finish(io_, Locks(io_, Path("lock"))); }

}  // namespace tidemark
#endif  // TIDEMARK_TESTS_IO_CONFORMANCE_NAMES_H_
