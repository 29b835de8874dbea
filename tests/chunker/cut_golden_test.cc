// Goal: the cut rule never drifts. The golden cuts were made by the research prototype, a separate
// program; the reference and every kernel must give them.
#include <gtest/gtest.h>

#include <fstream>
#include <sstream>
#include <string>
#include <vector>

#include "tests/chunker/cut_inputs.h"

namespace tidemark {
namespace {

struct GoldenCase {
  std::string keys, kind;
  uint64_t seed = 0;
  size_t bytes = 0;
  CutLimits limits;
  std::vector<size_t> lengths;
};

std::vector<GoldenCase> ReadGolden() {
  std::ifstream file(std::string(TIDEMARK_SOURCE_DIR) + "/tests/golden/cut_rule.txt");
  std::vector<GoldenCase> cases;
  std::string line;
  while (std::getline(file, line)) {
    if (line.empty() || line[0] == '#') continue;
    std::istringstream words(line);
    GoldenCase golden;
    words >> golden.keys >> golden.kind >> golden.seed >> golden.bytes >> golden.limits.bytes_min >>
        golden.limits.bytes_average >> golden.limits.bytes_max;
    for (size_t length; words >> length;) golden.lengths.push_back(length);
    cases.push_back(golden);
  }
  return cases;
}

template <class Cut>
std::vector<size_t> LengthsBy(const Cut& cut, ByteSpan bytes) {
  std::vector<size_t> lengths;
  while (!bytes.empty()) {
    lengths.push_back(cut(bytes));
    bytes = bytes.subspan(lengths.back());
  }
  return lengths;
}

TEST(GoldenCuts, AreGivenByTheReferenceAndByEveryKernel) {
  const std::vector<GoldenCase> cases = ReadGolden();
  ASSERT_GE(cases.size(), 40u);
  for (const GoldenCase& golden : cases) {
    SCOPED_TRACE(golden.keys + " " + golden.kind + " " + std::to_string(golden.seed) + " " +
                 std::to_string(golden.bytes));
    ASSERT_TRUE(CheckCutLimits(golden.limits).ok());
    ASSERT_TRUE(golden.keys == "prototype" || golden.keys == "secret");
    const CutKeys keys = golden.keys == "secret" ? CountingSecretKeys() : PrototypeKeys();
    const std::vector<std::byte> input = InputOfKind(golden.kind, golden.seed, golden.bytes);
    bool forced = false;
    const CutRule rule(golden.limits, keys);
    const auto reference = [&](ByteSpan b) { return rule.FirstCutReference(b, &forced); };
    EXPECT_EQ(LengthsBy(reference, input), golden.lengths);
    for (CutKernel kernel : {CutKernel::kPortable, CutKernel::kAvx2, CutKernel::kAvx512}) {
      if (!CutKernelRuns(kernel)) continue;
      const CutRule with_kernel(golden.limits, keys, kernel);
      const auto cut = [&](ByteSpan b) { return with_kernel.FirstCut(b, &forced); };
      EXPECT_EQ(LengthsBy(cut, input), golden.lengths) << "kernel " << static_cast<int>(kernel);
    }
  }
}

}  // namespace
}  // namespace tidemark
