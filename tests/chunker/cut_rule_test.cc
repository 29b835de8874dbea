// Goal: what callers of the cut rule rely on: limits, forced cuts, locality, resynchronisation.
#include "chunker/cut_rule.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <set>
#include <string>
#include <vector>

#include "tests/chunker/cut_inputs.h"

namespace tidemark {
namespace {

std::vector<size_t> Lengths(const CutRule& rule, ByteSpan bytes) {
  std::vector<size_t> lengths;
  while (!bytes.empty()) {
    bool forced = false;
    lengths.push_back(rule.FirstCut(bytes, &forced));
    bytes = bytes.subspan(lengths.back());
  }
  return lengths;
}

TEST(CutLimits, AcceptTheDefaultsAndTheExtremes) {
  EXPECT_TRUE(CheckCutLimits({}).ok());
  EXPECT_TRUE(CheckCutLimits({4096, 16384, 16384}).ok());
  EXPECT_TRUE(CheckCutLimits({16384, 16384, 16384}).ok());
  EXPECT_TRUE(CheckCutLimits({4096, 1 << 20, 1 << 20}).ok());
  EXPECT_TRUE(CheckCutLimits({4096 + 64, 65536, 65536 + 64}).ok());
}

TEST(CutLimits, RefuseWhatTheRuleIsNotDefinedFor) {
  const std::vector<CutLimits> refused = {
      {4032, 16384, 65536},       {4096, 8192, 65536},           {4096, 65536, 32768},
      {131072, 65536, 262144},    {4096, 65536, (1 << 20) + 64}, {4097, 65536, 262144},
      {4096, 65536 + 64, 262144}, {4096, 65536, 262145},         {0, 0, 0},
      {4096, 2 << 20, 2 << 20}};
  for (const CutLimits& limits : refused) {
    EXPECT_EQ(CheckCutLimits(limits).code(), absl::StatusCode::kInvalidArgument)
        << limits.bytes_min << " " << limits.bytes_average << " " << limits.bytes_max;
  }
}

TEST(CutRule, ChunksStayWithinTheirLimits) {
  const CutLimits limits;
  const CutRule rule(limits, PrototypeKeys());
  const std::vector<std::byte> input = RandomInput(1, 20'000'000);
  const std::vector<size_t> lengths = Lengths(rule, input);
  for (size_t i = 0; i + 1 < lengths.size(); ++i) {
    EXPECT_GT(lengths[i], limits.bytes_min);
    EXPECT_LE(lengths[i], limits.bytes_max);
  }
  // 20 MB in chunks of about 80 KB: far from all smallest and from all largest.
  EXPECT_GT(lengths.size(), 150u);
  EXPECT_LT(lengths.size(), 450u);
}

TEST(CutRule, SaysWhenOnlyTheEndOfTheBytesCut) {
  const CutLimits limits;
  const CutRule rule(limits, PrototypeKeys());
  const std::vector<std::byte> zeros(limits.bytes_max + 1, std::byte{0});
  for (const size_t size : {size_t{0}, size_t{1}, size_t{limits.bytes_min}, size_t{200'000},
                            size_t{limits.bytes_max - 1}}) {
    bool forced = false;
    EXPECT_EQ(rule.FirstCut(ByteSpan(zeros).first(size), &forced), size);
    EXPECT_TRUE(forced) << size;
  }
  for (const size_t size : {size_t{limits.bytes_max}, size_t{limits.bytes_max + 1}}) {
    bool forced = true;
    EXPECT_EQ(rule.FirstCut(ByteSpan(zeros).first(size), &forced), limits.bytes_max);
    EXPECT_FALSE(forced) << "the largest chunk is the rule's own cut";
  }
}

TEST(CutRule, ACutDoesNotDependOnWhatFollows) {
  const CutRule rule({}, PrototypeKeys());
  const std::vector<std::byte> input = RandomInput(2, 2'000'000);
  ByteSpan left = input;
  while (true) {
    bool forced = false;
    const size_t cut = rule.FirstCut(left, &forced);
    if (forced) break;
    // With just the bytes up to the end of the cut's group of 64, the cut is the same.
    const size_t group_end = std::min<size_t>((cut + 63) / 64 * 64, left.size());
    bool short_forced = true;
    EXPECT_EQ(rule.FirstCut(left.first(group_end), &short_forced), cut);
    EXPECT_FALSE(short_forced);
    left = left.subspan(cut);
  }
}

TEST(CutRule, FindsTheOldCutsAgainAfterAnInsertion) {
  const CutRule rule({}, PrototypeKeys());
  std::vector<std::byte> input = RandomInput(3, 4'000'000);
  std::set<size_t> old_ends;
  size_t end = 0;
  for (size_t length : Lengths(rule, input)) old_ends.insert(end += length);
  input.insert(input.begin() + 1'000'000, 3, std::byte{0x55});
  size_t found = 0, now = 0;
  for (size_t length : Lengths(rule, input)) {
    now += length;
    if (now > 1'000'003) found += old_ends.count(now - 3);
  }
  const size_t after =
      static_cast<size_t>(std::distance(old_ends.upper_bound(1'000'000), old_ends.end()));
  EXPECT_GE(found + 5, after);
}

TEST(CutRule, AnotherKeyCutsElsewhere) {
  const std::vector<std::byte> input = RandomInput(4, 4'000'000);
  EXPECT_NE(Lengths(CutRule({}, PrototypeKeys()), input),
            Lengths(CutRule({}, CountingSecretKeys()), input));
}

TEST(CutKeys, TablesAndPrfComeFromDifferentLabels) {
  const CutKeys keys = CountingSecretKeys();
  EXPECT_NE(keys.low_nibble, keys.high_nibble);
  std::array<std::byte, 64> window{};
  EXPECT_NE(keys.prf(window.data()), CutPrf(keys.low_nibble)(window.data()));
}

TEST(CutRuleDeathTest, RefusesLimitsThatWereNotChecked) {
  EXPECT_DEATH(CutRule({1, 2, 3}, PrototypeKeys()), "CheckCutLimits");
}

}  // namespace
}  // namespace tidemark
