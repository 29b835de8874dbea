// Goal: every kernel cuts exactly where the plain reference does. Method: seeded differential test
// with keys so poor that candidates are everywhere, so that carries between vectors, group edges
// and the end of the bytes are all met; then large inputs with real keys.
#include "chunker/cut_kernel.h"

#include <gtest/gtest.h>

#include <array>
#include <vector>

#include "tests/chunker/cut_inputs.h"

namespace tidemark {
namespace {

constexpr std::array<CutKernel, 3> kKernels = {CutKernel::kPortable, CutKernel::kAvx2,
                                               CutKernel::kAvx512};

// Keys whose tables have few different values (1 to 8), so that many sums are zero.
CutKeys PoorKeys(FixedRandom* random) {
  CutKeys keys = PrototypeKeys();
  const uint64_t values = uint64_t{1} << random->Below(4);
  const std::byte mask{static_cast<uint8_t>(0xff << random->Below(8))};
  const uint64_t base = random->Next();
  for (std::byte& b : keys.low_nibble) {
    b = static_cast<std::byte>(Mix64(base + random->Below(values))) & mask;
  }
  for (std::byte& b : keys.high_nibble) {
    b = static_cast<std::byte>(Mix64(base + random->Below(values))) & mask;
  }
  return keys;
}

void ExpectSameCut(const CutLimits& limits, const CutKeys& keys, ByteSpan bytes) {
  bool reference_forced = false;
  const size_t expected = CutRule(limits, keys).FirstCutReference(bytes, &reference_forced);
  for (CutKernel kernel : kKernels) {
    if (!CutKernelRuns(kernel)) continue;
    bool forced = !reference_forced;
    const size_t cut = CutRule(limits, keys, kernel).FirstCut(bytes, &forced);
    ASSERT_EQ(cut, expected) << "kernel " << static_cast<int>(kernel) << ", " << bytes.size()
                             << " bytes, min " << limits.bytes_min;
    ASSERT_EQ(forced, reference_forced) << "kernel " << static_cast<int>(kernel);
  }
}

TEST(CutKernels, SomeKernelRunsAndTheFastestIsOneThatDoes) {
  EXPECT_TRUE(CutKernelRuns(CutKernel::kPortable));
  EXPECT_TRUE(CutKernelRuns(FastestCutKernel()));
}

TEST(CutKernels, CutSmallInputsAsTheReferenceDoes) {
  FixedRandom random(20241);
  constexpr size_t kPoolBytes = 1 << 18;
  std::vector<std::vector<std::byte>> pools;
  for (const char* kind : {"random", "text", "repetitive", "zeros"}) {
    pools.push_back(InputOfKind(kind, random.Next(), kPoolBytes));
  }
  int candidates_cut = 0;
  constexpr int kCases = 120'000;
  for (int i = 0; i < kCases; ++i) {
    // A smallest cut close under 4 KiB or 16 KiB reaches both sides of the average cheaply.
    CutLimits limits;
    limits.bytes_average = 16 * 1024;
    limits.bytes_min = static_cast<uint32_t>(random.Below(2) == 0 ? 4096 : 16 * 1024 - 256);
    limits.bytes_max = static_cast<uint32_t>(16 * 1024 + 64 * random.Below(12));
    const CutKeys keys = random.Below(8) == 0 ? PrototypeKeys() : PoorKeys(&random);
    const size_t size = limits.bytes_min - 70 + random.Below(1200);
    const std::vector<std::byte>& pool = pools[random.Below(pools.size())];
    const ByteSpan bytes = ByteSpan(pool).subspan(random.Below(kPoolBytes - size), size);
    ASSERT_NO_FATAL_FAILURE(ExpectSameCut(limits, keys, bytes)) << "case " << i;
    bool forced = false;
    const size_t cut = CutRule(limits, keys).FirstCut(bytes, &forced);
    if (!forced && cut < limits.bytes_max) ++candidates_cut;
  }
  // The test would prove little if the cases hardly ever cut at a candidate.
  EXPECT_GT(candidates_cut, kCases / 20);
}

TEST(CutKernels, FindTheSameCandidatesFromAnyStart) {
  FixedRandom random(77);
  const std::vector<std::byte> bytes = RandomInput(5, 4096);
  for (int i = 0; i < 20'000; ++i) {
    const CutKeys keys = PoorKeys(&random);
    const CutTables tables(keys.low_nibble, keys.high_nibble);
    const size_t begin = 64 + random.Below(2000);
    const size_t end = begin + random.Below(2000);
    const CandidateGroup expected = FindCandidatesPortable(tables, bytes.data(), begin, end);
    for (CutKernel kernel : kKernels) {
      if (!CutKernelRuns(kernel)) continue;
      const CandidateGroup found = FunctionOf(kernel)(tables, bytes.data(), begin, end);
      ASSERT_EQ(found.positions, expected.positions) << "case " << i;
      if (found.positions == 0) continue;
      ASSERT_EQ(found.begin, expected.begin) << "case " << i;
    }
  }
}

TEST(CutKernels, CutLargeInputsAsTheReferenceDoes) {
  constexpr size_t kBytes = 3'000'017;
  const CutLimits small{4096, 16 * 1024, 64 * 1024};
  for (const CutLimits& limits : {CutLimits{}, small, CutLimits{64 * 64, 65536, 1 << 20}}) {
    ASSERT_TRUE(CheckCutLimits(limits).ok());
    for (const CutKeys& keys : {PrototypeKeys(), CountingSecretKeys()}) {
      for (const char* kind : {"random", "text", "repetitive", "zeros"}) {
        const std::vector<std::byte> input = InputOfKind(kind, 11, kBytes);
        ByteSpan left = input;
        while (!left.empty()) {
          ASSERT_NO_FATAL_FAILURE(ExpectSameCut(limits, keys, left)) << kind;
          bool forced = false;
          left = left.subspan(CutRule(limits, keys).FirstCut(left, &forced));
        }
      }
    }
  }
}

}  // namespace
}  // namespace tidemark
