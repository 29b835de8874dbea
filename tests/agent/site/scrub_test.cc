// The scrub reads everything within its period, goes on after a restart, and has healed what rots:
// any byte of any file of a store that holds something.
#include <cstdlib>

#include "replicator/placement.h"
#include "tests/agent/site/site_trio.h"

namespace tidemark {
namespace {

class ScrubTest : public ::testing::Test {
 public:
  Io* io() { return trio_.io(); }

 protected:
  void StartAll(int records, size_t payload) {
    log_ = MakeTestLog(records, payload);
    trio_.StartAll();
    trio_.Run(trio_.Fill(&log_));
    trio_.Run(TellPeers());
    whole_ = Read(SiteTrio::LogPath());
  }
  // Sites that start anew wait for an agent that says where the others are.
  Task<> TellPeers() {
    for (int site = 0; site < SiteTrio::kSites; ++site) {
      std::unique_ptr<TestAgent> agent = co_await trio_.Connect(site);
      co_await agent->Finish();
    }
  }
  Task<> ScrubInto(int site, wire::ScrubState* state) { *state = co_await trio_.Scrub(site); }
  wire::ScrubState Scrub(int site) {
    wire::ScrubState state;
    trio_.Run(ScrubInto(site, &state));
    return state;
  }
  std::string Read(const std::string& path) { return trio_.disk(0)->ReadFile(path).value_or(""); }

  static uint8_t Mask(uint64_t at) { return static_cast<uint8_t>(1 << at % 8); }
  // Byte `at` of the file's header, of each head and of each block, which all have 4 KiB.
  uint64_t FlipEverywhere(uint64_t at) {
    const uint64_t units = 1 + 2 * log_.size();
    for (uint64_t unit = 0; unit < units; ++unit) {
      trio_.disk(0)->FlipByte(SiteTrio::LogPath(), unit * 4096 + at, Mask(at));
    }
    return units;
  }
  // A head that was written anew may state another durable_upto: it is whole when it parses.
  bool LogIsWhole(uint64_t at) {
    const std::string now = Read(SiteTrio::LogPath());
    if (now[at] != whole_[at]) return false;
    for (size_t i = 0; i < log_.size(); ++i) {
      const uint64_t head = HeadOffset(log_, i);
      const ByteSpan bytes = AsBytes(now).subspan(head, 4096);
      if (!ParseRecordHead(bytes).ok()) return false;
      if (now[head + 4096 + at] != whole_[head + 4096 + at]) return false;
    }
    return true;
  }
  // Looking is dear: only now and then.
  bool HealedWithin(const std::function<bool()>& healed) {
    uint64_t events = 0;
    const bool done =
        trio_.world.Run([&] { return ++events % 512 == 0 && healed(); }, absl::Minutes(5));
    trio_.world.RunFor(absl::Milliseconds(20));  // what was rewritten is read again
    return done;
  }

  SiteTrio trio_{5};
  std::string whole_;
  std::vector<TestRecord> log_;
};

TEST_F(ScrubTest, ReadsEverythingWithinHalfItsPeriodAndNoFaster) {
  trio_.tweak = [](SiteOptions* options) {
    options->scrub_period_seconds = (2) * 3600;
    options->scrub_rest = absl::Seconds(1);
  };
  StartAll(20, 300000);
  const wire::ScrubState before = Scrub(0);
  trio_.world.RunFor(absl::Minutes(30));
  const wire::ScrubState half = Scrub(0);
  const double read =
      static_cast<double>(half.covered_bytes()) + static_cast<double>(half.passes()) * 6e6;
  EXPECT_GT(read / static_cast<double>(half.store_bytes()), 0.35);
  EXPECT_LT(read / static_cast<double>(half.store_bytes()), 0.75);
  trio_.world.RunFor(absl::Minutes(45));
  const wire::ScrubState after = Scrub(0);
  EXPECT_EQ(after.passes(), before.passes() + 1);
  EXPECT_GT(after.last_full_pass_nanos(), after.began_nanos() - 2'000'000'000);
}

TEST_F(ScrubTest, GoesOnWhereItWasAfterARestart) {
  trio_.tweak = [](SiteOptions* options) { options->scrub_period_seconds = (2) * 3600; };
  StartAll(20, 300000);
  trio_.world.RunFor(absl::Minutes(30));
  const wire::ScrubState before = Scrub(0);
  trio_.Stop(0);
  trio_.Start(0);
  const wire::ScrubState after = Scrub(0);
  EXPECT_EQ(after.began_nanos(), before.began_nanos());
  // What was read in the last minutes may have to be read again.
  EXPECT_GT(after.covered_bytes(), before.covered_bytes() / 2);
}

TEST_F(ScrubTest, HealsWhatItFindsAndHurries) {
  trio_.tweak = [](SiteOptions* options) {
    options->scrub_period_seconds = (2) * 3600;
    options->scrub_rest = absl::Seconds(1);
  };
  StartAll(14, 300000);
  const uint64_t slow = Scrub(0).bytes_per_second();
  for (const size_t record : {3, 9, 13}) {
    trio_.disk(0)->FlipByte(SiteTrio::LogPath(), HeadOffset(log_, record) + 4096 + 70000);
  }
  trio_.world.RunFor(absl::Minutes(40));
  const wire::ScrubState state = Scrub(0);
  EXPECT_EQ(state.found(), 3u);
  EXPECT_EQ(state.healed(), 3u);
  EXPECT_EQ(state.bad(), 0u);
  EXPECT_GE(state.bytes_per_second(), 5 * slow);
  EXPECT_TRUE(Read(SiteTrio::LogPath()) == whole_);
}

TEST_F(ScrubTest, SaysWhatNobodyCanGive) {
  trio_.tweak = [](SiteOptions* options) { options->scrub_period_seconds = 100; };
  StartAll(5, 300000);
  for (int site = 0; site < SiteTrio::kSites; ++site) {
    trio_.disk(site)->FlipByte(SiteTrio::LogPath(), HeadOffset(log_, 2) + 4096 + 10);
  }
  trio_.world.RunFor(absl::Minutes(10));
  const wire::ScrubState state = Scrub(0);
  EXPECT_EQ(state.bad(), 1u);
  EXPECT_EQ(state.healed(), 0u);
  EXPECT_EQ(state.worst().substr(0, 17), "record 3 block 0:");
}

// Every byte of a MiB of log, or every SCRUB_STRIDE-th of each 4 KiB (1: all; then it takes
// minutes): one byte of each head and of each block at the same time, so that each step needs one
// pass only. Then the bytes of what is kept beside the log.
TEST_F(ScrubTest, FindsAndHealsAFlipOfAnyByte) {
  const char* stride_text = std::getenv("SCRUB_STRIDE");
  const uint64_t stride = stride_text == nullptr ? 1021 : std::strtoull(stride_text, nullptr, 10);
  trio_.tweak = [](SiteOptions* options) {
    // As fast as it can, a pass after the other.
    options->scrub_bytes_per_second_min = options->scrub_bytes_per_second_max = 1ull << 40;
    options->scrub_rest = absl::Microseconds(1);
  };
  StartAll(128, 4000);
  uint64_t flipped = 0;
  for (uint64_t at = 0; at < 4096; at += stride) {
    flipped += FlipEverywhere(at);
    ASSERT_TRUE(HealedWithin([&] { return LogIsWhole(at); })) << "byte " << at << " of something";
  }
  const uint64_t in_the_log = flipped;
  EXPECT_TRUE(stride > 1 || in_the_log > 1'000'000);
  const std::string vault = absl::StrCat("/store/vaults/", TestVault().hex());
  for (const std::string& path :
       {vault + "/promise.0", vault + "/promise.1", std::string("/store/superblock.0"),
        std::string("/store/superblock.1"), std::string("/store/receipts-00000001")}) {
    const std::string whole = Read(path);
    const uint64_t end = std::min<uint64_t>(whole.size(), 200);  // of a receipt, its first part
    for (uint64_t at = 0; at < end; at += std::min<uint64_t>(stride, 41)) {
      trio_.disk(0)->FlipByte(path, at, Mask(at));
      ASSERT_TRUE(HealedWithin([&] { return Read(path)[at] == whole[at]; })) << path << " " << at;
      ++flipped;
    }
  }
  const wire::ScrubState state = Scrub(0);
  EXPECT_GE(state.healed(), flipped);
  EXPECT_EQ(state.bad(), 0u);
  std::printf("%llu bytes flipped, each found and healed (%llu in the log)\n",
              static_cast<unsigned long long>(flipped),
              static_cast<unsigned long long>(in_the_log));
}

}  // namespace
}  // namespace tidemark
