// Goal: the judges of the fidelity runs can be trusted. Method: whatever the model itself loses it
// must allow, and what no power cut can do it must not; the recorded disk keeps what was flushed
// and tears what was not.
#include "tests/fidelity/fidelity.h"

#include <gtest/gtest.h>

#include <cstring>
#include <set>

#include "tests/sim/sim_world.h"

namespace tidemark {
namespace {

constexpr uint64_t kScripts = 150;

struct Quiet : ScriptWatcher {
  void Before(size_t, Fd) override {}
  void After(size_t, int32_t) override {}
};

// Steps, and what a power loss then leaves, drawn from `chance`.
class ModelLoss {
 public:
  ModelLoss(std::vector<Step> script, uint64_t chance) : script_(std::move(script)) {
    FaultOptions faults;
    faults.short_transfer_ppm = 0;
    world_ = std::make_unique<SimWorld>(chance, faults);
    node_ = world_->AddNode("a");
    for (const char* directory : kScriptDirectories) disk()->MakeDirectories(directory);
    Task<> story = PlayScript(world_->io(node_), "", &script_, &quiet_);
    story.Start();
    EXPECT_TRUE(world_->Run([&story] { return story.done(); }));
  }
  SimDisk* disk() { return world_->disk(node_); }
  FoundTree Left() {
    disk()->LosePower(0);
    return TreeOf(*disk());
  }

 private:
  std::vector<Step> script_;
  Quiet quiet_;
  std::unique_ptr<SimWorld> world_;
  int node_ = 0;
};

TEST(DiskAllows, WhateverItLosesItself) {
  uint64_t lost = 0;
  for (uint64_t seed = 1; seed <= kScripts; ++seed) {
    std::vector<Step> script = DrawScript(seed);
    script.resize(1 + seed % script.size());
    ModelLoss asked(script, 1);
    for (uint64_t chance = 2; chance < 6; ++chance) {
      ModelLoss other(script, chance);
      const FoundTree before = TreeOf(*other.disk());
      const FoundTree left = other.Left();
      std::string why;
      EXPECT_TRUE(asked.disk()->Allows(left, &why)) << "script " << seed << ": " << why;
      lost += left != before ? 1 : 0;
    }
  }
  EXPECT_GT(lost, kScripts);
}

// A flipped byte, a longer file, a name too many, a name too few: never, where all is flushed.
TEST(DiskAllows, NothingElseOnceAllIsFlushed) {
  for (uint64_t seed = 1; seed <= kScripts; ++seed) {
    ModelLoss settled(DrawScript(seed), seed);
    const FoundTree truth = settled.Left();
    std::string why;
    ASSERT_TRUE(settled.disk()->Allows(truth, &why)) << why;
    for (const auto& [path, content] : truth) {
      FoundTree wrong = truth;
      wrong.erase(path);
      EXPECT_FALSE(settled.disk()->Allows(wrong, &why)) << path;
      wrong = truth;
      wrong[path + "x"] = content;
      EXPECT_FALSE(settled.disk()->Allows(wrong, &why)) << path;
      if (!content.has_value()) continue;
      wrong = truth;
      *wrong[path] += 'x';
      EXPECT_FALSE(settled.disk()->Allows(wrong, &why)) << path;
      if (content->empty()) continue;
      wrong = truth;
      (*wrong[path])[seed % content->size()] ^= 1;
      EXPECT_FALSE(settled.disk()->Allows(wrong, &why)) << path;
      EXPECT_EQ(why.rfind(path, 0), 0u) << why;
    }
  }
}

struct Disk {
  explicit Disk(size_t pages) : base(pages * RecordedDisk::kPageBytes), disk(base) {}
  void Write(uint64_t sector, char byte, uint64_t sectors) {
    const std::string text(sectors * RecordedDisk::kSectorBytes, byte);
    disk.Write(sector * RecordedDisk::kSectorBytes, AsBytes(text));
  }
  // One letter for each sector, or '?' for one that is torn.
  std::string Sectors() const {
    std::string letters;
    std::vector<std::byte> sector(RecordedDisk::kSectorBytes);
    for (uint64_t at = 0; at < disk.size(); at += sector.size()) {
      disk.Read(at, sector);
      const auto first = static_cast<char>(sector[0]);
      const std::string whole(sector.size(), first);
      letters += AsText(sector) == whole ? (first == 0 ? '.' : first) : '?';
    }
    return letters;
  }
  std::vector<std::byte> base;
  RecordedDisk disk;
};

TEST(RecordedDisk, KeepsWhatWasFlushedAndTearsTheRest) {
  Disk disk(4);
  disk.Write(8, 'a', 8);
  disk.disk.Flush();
  const uint64_t flushed = disk.disk.moment();
  disk.Write(12, 'b', 8);
  disk.Write(8, 'c', 2);
  const uint64_t end = disk.disk.moment();
  EXPECT_EQ(disk.Sectors(), "........ccaabbbbbbbb............");
  std::set<std::string> outcomes;
  for (uint64_t seed = 0; seed < 300; ++seed) {
    SimRandom random(seed);
    disk.disk.CutPower(end, &random, false);
    const std::string left = disk.Sectors();
    for (size_t i = 0; i < left.size(); ++i) {
      const std::string may = i < 8 || i >= 20 ? "."
                              : i < 10         ? "ac"
                              : i < 12         ? "a"
                              : i < 16         ? "ab"
                                               : "b.";
      EXPECT_NE(may.find(left[i]), std::string::npos) << left;
    }
    outcomes.insert(left);
    disk.disk.CutPower(flushed, &random, false);
    EXPECT_EQ(disk.Sectors(), "........aaaaaaaa................");
  }
  EXPECT_TRUE(outcomes.contains("........ccaabbbbbbbb............"));
  EXPECT_TRUE(outcomes.contains("........aaaaaaaa................"));
  EXPECT_TRUE(outcomes.contains("........ccaaaaaa................")) << "out of order";
  EXPECT_GE(outcomes.size(), 20u);
}

TEST(RecordedDisk, ALyingOneLosesWhatWasFlushed) {
  Disk disk(2);
  disk.Write(8, 'a', 8);
  disk.disk.Flush();
  bool lost = false;
  for (uint64_t seed = 0; seed < 20; ++seed) {
    SimRandom random(seed);
    disk.disk.CutPower(disk.disk.moment(), &random, true);
    lost = lost || disk.Sectors() != "........aaaaaaaa";
  }
  EXPECT_TRUE(lost);
  disk.disk.Reset();
  EXPECT_EQ(disk.Sectors(), std::string(16, '.'));
  EXPECT_EQ(disk.disk.moment(), 0u);
}

}  // namespace
}  // namespace tidemark
