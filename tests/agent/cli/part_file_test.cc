// Goal: PATH appears only whole, existing files are kept, nothing is left behind by a failure.
#include "agent/cli/part_file.h"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "agent/failure.h"

namespace tidemark {
namespace {

class PartFileTest : public ::testing::Test {
 protected:
  PartFileTest() {
    std::string pattern =
        (std::filesystem::temp_directory_path() / "tidemark-part-XXXXXX").string();
    directory_ = mkdtemp(pattern.data());
    path_ = directory_ + "/archive";
  }
  ~PartFileTest() override { std::filesystem::remove_all(directory_); }
  size_t Entries() const {
    return static_cast<size_t>(std::distance(std::filesystem::directory_iterator(directory_), {}));
  }
  static std::string ContentOf(const std::string& path) {
    std::ifstream file(path);
    return {std::istreambuf_iterator<char>(file), {}};
  }
  std::string directory_, path_;
};

TEST_F(PartFileTest, PublishesContentModeAndTime) {
  absl::StatusOr<PartFile> part = PartFile::Open(path_, false);
  ASSERT_TRUE(part.ok()) << part.status();
  ASSERT_EQ(write(part->fd(), "whole", 5), 5);
  EXPECT_FALSE(Exists(path_));
  ASSERT_TRUE(part->Publish(0640, 1'500'000'000'123'456'789).ok());
  struct stat found;
  ASSERT_EQ(stat(path_.c_str(), &found), 0);
  EXPECT_EQ(found.st_mode & 07777, 0640u);
  EXPECT_EQ(found.st_mtim.tv_sec, 1'500'000'000);
  EXPECT_EQ(found.st_mtim.tv_nsec, 123'456'789);
  EXPECT_EQ(ContentOf(path_), "whole");
  EXPECT_EQ(Entries(), 1u);
}

TEST_F(PartFileTest, AFailedRestoreLeavesNothing) {
  {
    absl::StatusOr<PartFile> part = PartFile::Open(path_, false);
    ASSERT_TRUE(part.ok());
    ASSERT_EQ(write(part->fd(), "half", 4), 4);
  }
  EXPECT_EQ(Entries(), 0u);
}

TEST_F(PartFileTest, AnExistingFileIsRefusedUnlessOverwritten) {
  std::ofstream(path_) << "old";
  const absl::Status refused = PartFile::Open(path_, false).status();
  EXPECT_EQ(ExitOf(refused), kExitExists);
  EXPECT_EQ(Entries(), 1u);
  absl::StatusOr<PartFile> part = PartFile::Open(path_, true);
  ASSERT_TRUE(part.ok());
  ASSERT_EQ(write(part->fd(), "new", 3), 3);
  EXPECT_EQ(ContentOf(path_), "old") << "until it is published";
  ASSERT_TRUE(part->Publish(0, 0).ok());
  EXPECT_EQ(ContentOf(path_), "new");
}

TEST_F(PartFileTest, AFileThatAppearedMeanwhileIsNotReplaced) {
  absl::StatusOr<PartFile> part = PartFile::Open(path_, false);
  ASSERT_TRUE(part.ok());
  std::ofstream(path_) << "somebody else's";
  EXPECT_EQ(ExitOf(part->Publish(0644, 0)), kExitExists);
  EXPECT_EQ(ContentOf(path_), "somebody else's");
}

TEST_F(PartFileTest, ASecondRestoreOfTheSamePathIsRefused) {
  const absl::StatusOr<PartFile> first = PartFile::Open(path_, false);
  ASSERT_TRUE(first.ok());
  EXPECT_EQ(ExitOf(PartFile::Open(path_, false).status()), kExitExists);
}

TEST_F(PartFileTest, WhatADeadRestoreLeftIsWrittenAnew) {
  std::ofstream(path_ + ".tidemark-part") << "left by a killed process";
  absl::StatusOr<PartFile> part = PartFile::Open(path_, false);
  ASSERT_TRUE(part.ok()) << part.status();
  ASSERT_EQ(write(part->fd(), "new", 3), 3);
  ASSERT_TRUE(part->Publish(0600, 0).ok());
  EXPECT_EQ(ContentOf(path_), "new");
}

TEST_F(PartFileTest, ADirectoryIsRefused) {
  std::filesystem::create_directory(path_);
  EXPECT_EQ(ExitOf(PartFile::Open(path_, false).status()), kExitExists);
  EXPECT_EQ(ExitOf(PartFile::Open(path_, true).status()), kExitUsage);
  EXPECT_EQ(ExitOf(PartFile::Open(directory_ + "/none/x", false).status()), kExitNoInput);
}

TEST_F(PartFileTest, SourcesAreOpenedOrRefusedWithTheRightExit) {
  EXPECT_EQ(ExitOf(OpenSource(path_).status()), kExitNoInput);
  const absl::Status directory = OpenSource(directory_).status();
  EXPECT_EQ(ExitOf(directory), kExitUsage);
  EXPECT_NE(HintOf(directory).find("tar -c"), std::string::npos);
  std::ofstream(path_) << "x";
  const absl::StatusOr<OpenedSource> source = OpenSource(path_);
  ASSERT_TRUE(source.ok());
  EXPECT_FALSE(source->is_stream);
  EXPECT_TRUE(OpenSource("/dev/null")->is_stream);
}

}  // namespace
}  // namespace tidemark
