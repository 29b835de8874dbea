// What tests/fidelity found that real file systems do and the simulated disk did not, or did wrong.
#include <gtest/gtest.h>

#include <set>

#include "tests/sim/sim_disk.h"

namespace tidemark {
namespace {

constexpr int kSeeds = 300;
constexpr uint32_t kNew = kOpenRead | kOpenWrite | kOpenCreate;

// Sizes of /f over many power losses after `change` on 4 KiB that are flushed.
template <class Change>
std::set<uint64_t> SizesAfter(Change change) {
  std::set<uint64_t> sizes;
  for (int seed = 0; seed < kSeeds; ++seed) {
    SimDisk disk(seed);
    disk.WriteFile("/f", std::string(4096, 'o'));
    SimInodeRef file;
    EXPECT_EQ(disk.Open("/f", kNew, &file), 0);
    change(&disk, file.get());
    disk.LosePower(0);
    const std::string left = *disk.ReadFile("/f");
    EXPECT_EQ(left.substr(0, 4096), std::string(4096, 'o'));
    sizes.insert(left.size());
  }
  return sizes;
}

TEST(SimDiskLoss, AFlushedRenameTakesItsOldNameWithIt) {
  for (int seed = 0; seed < kSeeds; ++seed) {
    SimDisk disk(seed);
    disk.MakeDirectories("/d");
    disk.MakeDirectories("/e");
    SimInodeRef file;
    ASSERT_EQ(disk.Open("/e/old", kNew, &file), 0);
    ASSERT_EQ(disk.Rename("/e/old", "/d/new", true), 0);
    ASSERT_EQ(disk.SyncDirectory("/d", disk.mark()), 0);
    ASSERT_EQ(disk.SyncDirectory("/e", disk.mark()), 0);
    disk.LosePower(0);
    EXPECT_TRUE(disk.Exists("/d/new"));
    EXPECT_FALSE(disk.Exists("/e/old"));
  }
}

TEST(SimDiskLoss, NoTwoInodesHaveOneNumber) {
  SimDisk disk(1);
  disk.MakeDirectories("/d");
  FileStat root, directory;
  ASSERT_EQ(disk.Stat("/", &root), 0);
  ASSERT_EQ(disk.Stat("/d", &directory), 0);
  EXPECT_NE(root.inode, directory.inode);
}

// The journal has the allocation; the write before it was not written back.
TEST(SimDiskLoss, TheSizeOfAWriteMayComeAfterThatOfALaterAllocation) {
  const std::set<uint64_t> sizes = SizesAfter([](SimDisk* disk, SimInode* file) {
    const std::string text(100000, 'n');
    disk->Write(file, 100000, AsBytes(text));
    disk->Allocate(file, 4096, 4096);
  });
  EXPECT_TRUE(sizes.contains(4096));
  EXPECT_TRUE(sizes.contains(8192));
  EXPECT_TRUE(sizes.contains(200000));
}

TEST(SimDiskLoss, AWriteMayGrowTheFilePageByPage) {
  const std::set<uint64_t> sizes = SizesAfter([](SimDisk* disk, SimInode* file) {
    const std::string text(10000, 'n');
    disk->Write(file, 4096, AsBytes(text));
  });
  EXPECT_EQ(sizes, (std::set<uint64_t>{4096, 8192, 12288, 14096}));
}

TEST(SimDiskLoss, AHoleMayMoveTheSizeToItsEnd) {
  const std::set<uint64_t> sizes = SizesAfter([](SimDisk* disk, SimInode* file) {
    const std::string text(100, 'n');
    disk->Write(file, 50000, AsBytes(text));
    disk->Punch(file, 8192, 10000);
  });
  EXPECT_TRUE(sizes.contains(18192));
}

// Its whole pages are in the journal, its ends are data that was not written back.
TEST(SimDiskLoss, TheEndsOfAHoleMayStayWhatTheyWere) {
  std::set<std::string> ends;
  for (int seed = 0; seed < kSeeds; ++seed) {
    SimDisk disk(seed);
    disk.WriteFile("/f", std::string(12288, 'o'));
    SimInodeRef file;
    ASSERT_EQ(disk.Open("/f", kNew, &file), 0);
    disk.Punch(file.get(), 100, 12000);
    disk.LosePower(0);
    const std::string left = *disk.ReadFile("/f");
    ends.insert({left[200], left[5000], left[12050]});
  }
  EXPECT_TRUE(ends.contains(std::string("o\0o", 3)));
  EXPECT_TRUE(ends.contains(std::string("\0o\0", 3)));
  EXPECT_TRUE(ends.contains(std::string("\0\0\0", 3)));
  EXPECT_TRUE(ends.contains("ooo"));
}

// XFS zeroes the rest of the last page in its cache; a write far behind it may be journaled first.
TEST(SimDiskLoss, WhatWasCutOffMayComeBackWithinItsPage) {
  std::set<char> left_in_page, left_behind;
  for (int seed = 0; seed < kSeeds; ++seed) {
    SimDisk disk(seed);
    disk.WriteFile("/f", std::string(12288, 'o'));
    SimInodeRef file;
    ASSERT_EQ(disk.Open("/f", kNew, &file), 0);
    disk.Truncate(file.get(), 100);
    const std::string text(4096, 'n');
    disk.Write(file.get(), 12288, AsBytes(text));
    disk.LosePower(0);
    const std::string left = *disk.ReadFile("/f");
    if (left.size() <= 12288) continue;
    left_in_page.insert(left[2000]);
    left_behind.insert(left[5000]);
  }
  EXPECT_EQ(left_in_page, (std::set<char>{'\0', 'o'}));
  EXPECT_EQ(left_behind, (std::set<char>{'\0', 'o'})) << "o: the truncation itself was lost";
}

}  // namespace
}  // namespace tidemark
