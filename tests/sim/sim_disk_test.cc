// Goal: the simulated disk loses what a real one may lose and keeps what a real one keeps.
// Method: the same script over many seeds, power loss, and a look at all outcomes.
#include "tests/sim/sim_disk.h"

#include <gtest/gtest.h>

#include <cerrno>
#include <set>

#include "tests/sim/sim_random.h"

namespace tidemark {
namespace {

constexpr int kSeeds = 200;
constexpr uint32_t kNew = kOpenRead | kOpenWrite | kOpenCreate;

SimInodeRef OpenNew(SimDisk* disk, std::string_view path) {
  SimInodeRef inode;
  EXPECT_EQ(disk->Open(path, kNew, &inode), 0);
  return inode;
}

void Put(SimDisk* disk, SimInode* inode, uint64_t offset, std::string_view text) {
  EXPECT_EQ(disk->Write(inode, offset, AsBytes(text)), static_cast<int32_t>(text.size()));
}

void SyncAll(SimInode* inode) { inode->file.MakeDurable(inode->file.mark()); }

std::string Text(const SimDisk& disk, std::string_view path) {
  return disk.ReadFile(path).value_or("(absent)");
}

TEST(SimDisk, UnsyncedBytesAreOldOrNewSectorBySector) {
  const std::string before(2048, 'o'), after(2048, 'n');
  std::set<std::string> outcomes;
  for (int seed = 0; seed < kSeeds; ++seed) {
    SimDisk disk(seed);
    disk.WriteFile("/f", before);
    const SimInodeRef file = OpenNew(&disk, "/f");
    Put(&disk, file.get(), 0, after);
    EXPECT_EQ(Text(disk, "/f"), after);
    disk.LosePower(0);
    const std::string left = Text(disk, "/f");
    for (size_t at = 0; at < left.size(); at += kSectorBytes) {
      EXPECT_EQ(left.substr(at, kSectorBytes), std::string(kSectorBytes, left[at]));
    }
    outcomes.insert(left);
  }
  EXPECT_TRUE(outcomes.contains(before));
  EXPECT_TRUE(outcomes.contains(after));
  EXPECT_TRUE(outcomes.contains(std::string(512, 'n') + std::string(1536, 'o')));
  EXPECT_GE(outcomes.size(), 10u);
}

TEST(SimDisk, TornSectorsMayBeGarbage) {
  bool garbage = false;
  for (int seed = 0; seed < 50 && !garbage; ++seed) {
    SimDisk disk(seed);
    disk.WriteFile("/f", std::string(512, 'o'));
    const SimInodeRef file = OpenNew(&disk, "/f");
    Put(&disk, file.get(), 0, std::string(512, 'n'));
    disk.LosePower(/*garbage_ppm=*/500000);
    garbage = Text(disk, "/f").find_first_not_of("on") != std::string::npos;
  }
  EXPECT_TRUE(garbage);
}

TEST(SimDisk, AnAppendMayLoseItsSizeItsDataOrBoth) {
  std::set<std::string> outcomes;
  for (int seed = 0; seed < kSeeds; ++seed) {
    SimDisk disk(seed);
    disk.WriteFile("/f", "kept");
    const SimInodeRef file = OpenNew(&disk, "/f");
    Put(&disk, file.get(), 512, "tail");
    disk.LosePower(0);
    outcomes.insert(Text(disk, "/f"));
  }
  const std::string gap = "kept" + std::string(508, '\0');
  EXPECT_EQ(outcomes, (std::set<std::string>{"kept", gap + "tail", gap + std::string(4, '\0')}));
}

// Random writes and flushes against a model that knows, of each sector, what a flush has covered.
TEST(SimDisk, FlushedSectorsAreNeverLost) {
  constexpr uint64_t kSectors = 40;
  int lost = 0;
  for (int seed = 0; seed < 1000; ++seed) {
    SimRandom random(seed);
    SimDisk disk(seed);
    disk.WriteFile("/f", std::string(kSectors * kSectorBytes, '\0'));
    const SimInodeRef file = OpenNew(&disk, "/f");
    char flushed[kSectors] = {}, written[kSectors] = {};
    for (char version = 1; version < 30; ++version) {
      const uint64_t first = random.Below(kSectors), count = random.Between(1, kSectors - first);
      Put(&disk, file.get(), first * kSectorBytes, std::string(count * kSectorBytes, version));
      for (uint64_t at = first; at < first + count; ++at) written[at] = version;
      if (random.Below(4) != 0) continue;
      SyncAll(file.get());
      std::copy(written, written + kSectors, flushed);
    }
    disk.LosePower(0);
    const std::string left = Text(disk, "/f");
    ASSERT_EQ(left.size(), kSectors * kSectorBytes);
    for (uint64_t at = 0; at < kSectors; ++at) {
      const char found = left[at * kSectorBytes];
      EXPECT_GE(found, flushed[at]) << "seed " << seed;
      EXPECT_LE(found, written[at]) << "seed " << seed;
      lost += found < written[at];
    }
  }
  EXPECT_GT(lost, 0);
}

TEST(SimDisk, AFlushCoversOnlyItsMark) {
  bool lost = false, kept = false;
  for (int seed = 0; seed < kSeeds; ++seed) {
    SimDisk disk(seed);
    disk.WriteFile("/f", "00");
    const SimInodeRef file = OpenNew(&disk, "/f");
    Put(&disk, file.get(), 0, "1");
    const uint64_t mark = file->file.mark();
    Put(&disk, file.get(), 600, "2");
    file->file.MakeDurable(mark);
    disk.LosePower(0);
    const std::string left = Text(disk, "/f");
    EXPECT_EQ(left[0], '1');
    (left.size() == 601 ? kept : lost) = true;
  }
  EXPECT_TRUE(lost);
  EXPECT_TRUE(kept);
}

TEST(SimDisk, ANewFileNeedsItsDirectoryFlushed) {
  std::set<std::string> outcomes;
  for (int seed = 0; seed < kSeeds; ++seed) {
    SimDisk disk(seed);
    disk.MakeDirectories("/d");
    Put(&disk, OpenNew(&disk, "/d/unsynced").get(), 0, "text");
    const SimInodeRef file = OpenNew(&disk, "/d/f");
    Put(&disk, file.get(), 0, "text");
    SyncAll(file.get());
    const bool flushed = seed % 2 == 0;
    EXPECT_TRUE(!flushed || disk.SyncDirectory("/d", disk.mark()) == 0);
    disk.LosePower(0);
    EXPECT_TRUE(!flushed || Text(disk, "/d/f") == "text");
    outcomes.insert(Text(disk, "/d/f") + "|" + Text(disk, "/d/unsynced"));
  }
  EXPECT_TRUE(outcomes.contains("(absent)|(absent)"));
  EXPECT_TRUE(outcomes.contains("text|"));  // there, and empty
  EXPECT_TRUE(outcomes.contains("text|text"));
}

TEST(SimDisk, ARenameIsUndoneUnlessItsDirectoryIsFlushed) {
  std::set<std::string> outcomes;
  for (int seed = 0; seed < kSeeds; ++seed) {
    SimDisk disk(seed);
    disk.WriteFile("/d/new", "new");
    disk.WriteFile("/d/current", "old");
    EXPECT_EQ(disk.Rename("/d/new", "/d/current", true), 0);
    const bool flushed = seed % 2 == 0;
    EXPECT_TRUE(!flushed || disk.SyncDirectory("/d", disk.mark()) == 0);
    disk.LosePower(0);
    const std::string left = Text(disk, "/d/current") + "|" + Text(disk, "/d/new");
    EXPECT_TRUE(!flushed || left == "new|(absent)") << left;
    outcomes.insert(left);
  }
  EXPECT_EQ(outcomes, (std::set<std::string>{"new|(absent)", "old|new"}));
}

TEST(SimDisk, ChangesOfOneNameKeepTheirOrder) {
  for (int seed = 0; seed < kSeeds; ++seed) {
    SimDisk disk(seed);
    disk.WriteFile("/d/a", "precious");
    EXPECT_EQ(disk.Rename("/d/a", "/d/b", true), 0);
    const SimInodeRef file = OpenNew(&disk, "/d/a");
    Put(&disk, file.get(), 0, "fresh");
    SyncAll(file.get());
    disk.LosePower(0);
    EXPECT_TRUE(Text(disk, "/d/a") == "precious" || Text(disk, "/d/b") == "precious") << seed;
  }
}

TEST(SimDisk, AnUnlinkMayBeUndone) {
  std::set<std::string> outcomes;
  for (int seed = 0; seed < 50; ++seed) {
    SimDisk disk(seed);
    disk.WriteFile("/d/f", "text");
    EXPECT_EQ(disk.Unlink("/d/f"), 0);
    disk.LosePower(0);
    outcomes.insert(Text(disk, "/d/f"));
    EXPECT_EQ(disk.used_bytes(), disk.Exists("/d/f") ? kPageBytes : 0);
  }
  EXPECT_EQ(outcomes, (std::set<std::string>{"text", "(absent)"}));
}

TEST(SimDisk, AFailedFlushLosesWhatWasPendingForGood) {
  SimDisk disk(7);
  disk.WriteFile("/f", "old");
  const SimInodeRef file = OpenNew(&disk, "/f");
  Put(&disk, file.get(), 0, "new");
  file->file.LosePending();
  SyncAll(file.get());  // the retry that succeeds
  EXPECT_EQ(Text(disk, "/f"), "new") << "the page cache still has it";
  disk.LosePower(0);
  EXPECT_EQ(Text(disk, "/f"), "old");
}

TEST(SimDisk, WhatIsWrittenAfterAFailedFlushIsKept) {
  SimDisk disk(7);
  disk.WriteFile("/f", std::string(2 * kSectorBytes, '-'));
  const SimInodeRef file = OpenNew(&disk, "/f");
  Put(&disk, file.get(), 0, "lost");
  file->file.LosePending();
  Put(&disk, file.get(), kSectorBytes, "kept");
  SyncAll(file.get());
  disk.LosePower(0);
  EXPECT_EQ(Text(disk, "/f").substr(0, 4), "----");
  EXPECT_EQ(Text(disk, "/f").substr(kSectorBytes, 4), "kept");
}

TEST(SimDisk, AFullDiskTakesWhatFitsAndNoMore) {
  SimDisk disk(1);
  disk.set_capacity(4 * kPageBytes);
  const SimInodeRef file = OpenNew(&disk, "/f");
  const std::string three(3 * kPageBytes, 'x');
  Put(&disk, file.get(), 0, three);
  EXPECT_EQ(disk.Write(file.get(), 3 * kPageBytes, AsBytes(three)),
            static_cast<int32_t>(kPageBytes));
  EXPECT_EQ(disk.Write(file.get(), 4 * kPageBytes, AsBytes("x")), -ENOSPC);
  EXPECT_EQ(disk.Allocate(file.get(), 4 * kPageBytes, 1), -ENOSPC);
  Put(&disk, file.get(), 0, three);  // what is allocated can be overwritten
  EXPECT_EQ(disk.Punch(file.get(), 0, 2 * kPageBytes), 0);
  EXPECT_EQ(disk.used_bytes(), 2 * kPageBytes);
  EXPECT_EQ(disk.Allocate(file.get(), 4 * kPageBytes, kPageBytes), 0);
  EXPECT_EQ(disk.Unlink("/f"), 0);
  EXPECT_EQ(disk.used_bytes(), 3 * kPageBytes) << "still open";
  disk.Close(file.get());
  EXPECT_EQ(disk.used_bytes(), 0u);
}

TEST(SimDisk, AllocatedSpaceReadsAsZerosAndIsNoData) {
  SimDisk disk(1);
  const SimInodeRef file = OpenNew(&disk, "/f");
  EXPECT_EQ(disk.Allocate(file.get(), 0, 10 * kPageBytes), 0);
  Put(&disk, file.get(), 5 * kPageBytes, "x");
  EXPECT_EQ(file->file.allocated_pages(), 10u);
  EXPECT_EQ(Text(disk, "/f").find_first_not_of('\0'), 5 * kPageBytes);
  uint64_t begin = 0, end = 0;
  ASSERT_TRUE(file->file.NextData(0, &begin, &end));
  EXPECT_EQ(begin, 5 * kPageBytes);
  EXPECT_EQ(end, 6 * kPageBytes);
  EXPECT_FALSE(file->file.NextData(end, &begin, &end));
}

TEST(SimDisk, RotAndBadSectorsHitOneFile) {
  SimDisk disk(1);
  disk.WriteFile("/a", std::string(1024, 'a'));
  disk.WriteFile("/b", std::string(1024, 'a'));
  disk.FlipByte("/a", 700, 1);
  EXPECT_EQ(Text(disk, "/a")[700], 'a' ^ 1);
  EXPECT_EQ(Text(disk, "/b")[700], 'a');
  disk.LosePower(0);
  EXPECT_EQ(Text(disk, "/a")[700], 'a' ^ 1);

  disk.MakeUnreadable("/b", 600, 1);
  const SimInodeRef file = OpenNew(&disk, "/b");
  std::byte memory[512];
  EXPECT_EQ(disk.Read(file.get(), 512, memory), -EIO);
  EXPECT_EQ(disk.Read(file.get(), 0, memory), 512);
  Put(&disk, file.get(), 512, std::string(512, 'h'));
  EXPECT_EQ(disk.Read(file.get(), 512, memory), 512) << "rewriting heals a sector";
}

TEST(SimDisk, AnImageRollsTheDiskBack) {
  SimDisk disk(1);
  disk.WriteFile("/d/f", "then");
  const std::shared_ptr<const SimInode> image = disk.Snapshot();
  disk.WriteFile("/d/f", "now");
  disk.WriteFile("/d/g", "now");
  disk.Restore(image);
  EXPECT_EQ(disk.Files("/"), std::vector<std::string>{"/d/f"});
  EXPECT_EQ(Text(disk, "/d/f"), "then");
  disk.WriteFile("/d/f", "later");
  disk.Restore(image);
  EXPECT_EQ(Text(disk, "/d/f"), "then") << "an image can be used again";
}

TEST(SimDisk, ATreeIsCopiedToAnotherDisk) {
  SimDisk from(1), to(2);
  from.WriteFile("/store/x/1", "one");
  from.WriteFile("/store/2", "two");
  to.WriteFile("/store/old", "gone");
  to.CopyTree(from, "/store", "/store");
  EXPECT_EQ(to.Files("/store"), (std::vector<std::string>{"/store/2", "/store/x/1"}));
  to.WriteFile("/store/2", "changed");
  EXPECT_EQ(Text(from, "/store/2"), "two");
  to.RemoveTree("/store");
  EXPECT_EQ(to.used_bytes(), 0u);
}

}  // namespace
}  // namespace tidemark
