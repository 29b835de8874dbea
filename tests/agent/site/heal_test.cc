// What rots at one site comes back from another; what is gone everywhere is said to be.
#include "tests/agent/site/site_trio.h"

namespace tidemark {
namespace {

constexpr int kRecords = 12;
constexpr size_t kPayload = 200000;  // padded to four blocks

class HealTest : public ::testing::Test {
 public:
  Io* io() { return trio_.io(); }

 protected:
  void SetUp() override {
    log_ = MakeTestLog(kRecords, kPayload);
    trio_.StartAll();
    trio_.Run(trio_.Fill(&log_));
    for (int i = 0; i < SiteTrio::kSites; ++i) {
      whole_[i] = *trio_.disk(i)->ReadFile(SiteTrio::LogPath());
    }
  }
  Task<> VerifyInto(int site, wire::VerifyReport* report) { *report = co_await trio_.Verify(site); }
  Task<> ReadBad() {
    std::unique_ptr<TestAgent> agent = co_await trio_.Connect(0);
    VaultId vault = TestVault();
    absl::StatusOr<TestRecord> read = co_await agent->Read(vault, 6);
    EXPECT_FALSE(read.ok());
    Op sleep = io()->Sleep(absl::Seconds(4));
    const int32_t slept = co_await sleep;
    (void)slept;
    co_await agent->Finish();
  }
  wire::VerifyReport Verify(int site) {
    wire::VerifyReport report;
    trio_.Run(VerifyInto(site, &report));
    return report;
  }
  void Flip(int site, uint64_t offset) { trio_.disk(site)->FlipByte(SiteTrio::LogPath(), offset); }
  uint64_t Block(size_t record, size_t block) const {
    return HeadOffset(log_, record - 1) + kRecordHeaderBytes + block * kBlockBytes;
  }
  uint64_t Head(size_t record) const { return HeadOffset(log_, record - 1); }
  // As long as no head was rewritten, a healed file is what it was, byte for byte.
  void ExpectWhole(int site) {
    EXPECT_TRUE(*trio_.disk(site)->ReadFile(SiteTrio::LogPath()) == whole_[site]) << site;
  }

  SiteTrio trio_{11};
  std::vector<TestRecord> log_;
  std::string whole_[SiteTrio::kSites];
};

TEST_F(HealTest, ABadBlockComesBackFromAnotherSite) {
  for (int site = 0; site < SiteTrio::kSites; ++site) {
    Flip(site, Block(3 + site, 1) + 4711);
    Flip(site, Block(7 + site, 3));
    const wire::VerifyReport report = Verify(site);
    EXPECT_EQ(report.records(), uint64_t{kRecords});
    EXPECT_EQ(report.found(), 2u);
    EXPECT_EQ(report.healed(), 2u);
    ASSERT_EQ(report.bad_size(), 2);
    EXPECT_TRUE(report.bad(0).healed());
    EXPECT_EQ(report.bad(0).place(), absl::StrCat("record ", 3 + site, " block 1"));
    ExpectWhole(site);
    EXPECT_EQ(Verify(site).found(), 0u);
  }
}

TEST_F(HealTest, ASectorThatCannotBeReadIsWrittenAgain) {
  trio_.disk(1)->MakeUnreadable(SiteTrio::LogPath(), Block(5, 2) + 8192, 4096);
  const wire::VerifyReport report = Verify(1);
  EXPECT_EQ(report.found(), 1u);
  EXPECT_EQ(report.healed(), 1u);
  ExpectWhole(1);
  EXPECT_EQ(Verify(1).found(), 0u);
}

TEST_F(HealTest, RottenHeadsComeBackWithTheChainAsTheirWitness) {
  // A run of them, the newest one, and the header of the file.
  for (const size_t record : {4, 5, 6, kRecords}) Flip(0, Head(record) + 130);
  Flip(0, 60);
  const wire::VerifyReport report = Verify(0);
  EXPECT_EQ(report.found(), 3u);  // the run is healed from its end, at once
  EXPECT_EQ(report.healed(), 3u);
  EXPECT_EQ(Verify(0).found(), 0u);
  // A start finds the log whole too, with nothing but it to go by.
  trio_.Stop(0);
  trio_.Start(0);
  const wire::VerifyReport again = Verify(0);
  EXPECT_EQ(again.records(), uint64_t{kRecords});
  EXPECT_EQ(again.found(), 0u);
}

TEST_F(HealTest, AHeadAndItsBlocksRotTogether) {
  Flip(1, Head(8) + 3700);
  Flip(1, Block(8, 0) + 9);
  Flip(1, Block(8, 3) + 9);
  // The head first: without it nobody knows what the blocks should be.
  EXPECT_EQ(Verify(1).healed(), 3u);
  EXPECT_EQ(Verify(1).found(), 0u);
}

TEST_F(HealTest, HealsFromTheThirdWhenTwoHaveTheSameDamage) {
  for (const int site : {0, 1}) Flip(site, Block(2, 2) + 5);
  EXPECT_EQ(Verify(0).healed(), 1u);
  EXPECT_EQ(Verify(1).healed(), 1u);
  ExpectWhole(0);
  ExpectWhole(1);
}

TEST_F(HealTest, WhatIsGoneEverywhereIsNamed) {
  for (int site = 0; site < SiteTrio::kSites; ++site) Flip(site, Block(9, 1) + 5);
  Flip(0, Block(2, 0));
  const wire::VerifyReport report = Verify(0);
  EXPECT_EQ(report.found(), 2u);
  EXPECT_EQ(report.healed(), 1u);
  ASSERT_EQ(report.bad_size(), 2);
  EXPECT_FALSE(report.bad(1).healed());
  EXPECT_EQ(report.bad(1).place(), "record 9 block 1");
  EXPECT_NE(report.bad(1).why().find("no other site gives it"), std::string::npos);
}

TEST_F(HealTest, WaitsForAPeerThatIsAwayAndThenHealsByItself) {
  trio_.Stop(1);
  trio_.Stop(2);
  Flip(0, Block(3, 0) + 1);
  EXPECT_EQ(Verify(0).healed(), 0u);
  trio_.Start(2);
  trio_.world.RunFor(absl::Seconds(40));
  ExpectWhole(0);
  EXPECT_EQ(Verify(0).found(), 0u);
}

TEST_F(HealTest, ABlockThatARestoreFoundBadIsHealedInTheBackground) {
  Flip(0, Block(6, 2) + 77);
  trio_.Run(ReadBad());
  ExpectWhole(0);
}

}  // namespace
}  // namespace tidemark
