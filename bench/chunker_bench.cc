// How fast the cut rule cuts, beside what it is measured against: scalar FastCDC with the same
// limits, and the rate at which the memory can be read at all.
//   chunker_bench --benchmark_enable_random_interleaving=true --benchmark_repetitions=7
// Inputs: 256 MiB (memory) and 8 MiB (cache) of random bytes, text, or zeros.
#include <benchmark/benchmark.h>

#include <algorithm>
#include <cstring>
#include <functional>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "bench/fastcdc.h"
#include "chunker/cut_rule.h"

namespace tidemark {
namespace {

constexpr size_t kMemoryBytes = size_t{256} << 20;
constexpr size_t kCacheBytes = size_t{8} << 20;
const CutLimits kLimits;

enum class Data { kRandom, kText, kZeros };

std::vector<std::byte> Make(Data data, size_t size) {
  std::vector<std::byte> bytes(size);
  if (data == Data::kRandom) {
    for (size_t i = 0; i + 8 <= size; i += 8) {
      const uint64_t word = Mix64(i);
      std::memcpy(&bytes[i], &word, 8);
    }
  } else if (data == Data::kText) {
    std::string line;
    for (size_t at = 0, row = 0; at < size; at += line.size(), ++row) {
      line = std::to_string(row) + "\torder\t" + std::to_string(Mix64(row) % 1000000) +
             "\t2024-01-" + std::to_string(Mix64(row + 7) % 28) + "\tshipped to customer\n";
      line.resize(std::min(line.size(), size - at));
      std::memcpy(&bytes[at], line.data(), line.size());
    }
  }
  return bytes;
}

ByteSpan Input(Data data, size_t size) {
  static std::map<std::pair<Data, size_t>, std::vector<std::byte>> made;
  std::vector<std::byte>& bytes = made[{data, size}];
  if (bytes.empty()) bytes = Make(data, size);
  return bytes;
}

CutKeys BenchKeys() {
  Secret32 secret;
  secret.mutable_view()[0] = std::byte{1};
  return CutKeys::FromSecret(secret);
}

// XORs all bytes together with loads as wide as the compiler makes them.
typedef uint64_t Wide __attribute__((vector_size(64), aligned(1), may_alias));
uint64_t ReadAll(ByteSpan bytes) {
  Wide sums[4] = {};
  for (size_t at = 0; at + sizeof(sums) <= bytes.size(); at += sizeof(sums)) {
    const auto* words = reinterpret_cast<const Wide*>(bytes.data() + at);
    for (size_t i = 0; i < 4; ++i) sums[i] ^= words[i];
  }
  uint64_t all = 0;
  for (size_t i = 0; i < 8; ++i) all ^= sums[0][i] ^ sums[1][i] ^ sums[2][i] ^ sums[3][i];
  return all;
}

void ReportRate(benchmark::State& state, size_t bytes, size_t chunks) {
  state.SetBytesProcessed(static_cast<int64_t>(state.iterations() * bytes));
  state.counters["GB/s"] = benchmark::Counter(static_cast<double>(state.iterations() * bytes) / 1e9,
                                              benchmark::Counter::kIsRate);
  if (chunks != 0) state.counters["mean_chunk"] = static_cast<double>(bytes / chunks);
}

template <class Cut>
void CutAll(benchmark::State& state, ByteSpan input, const Cut& cut) {
  size_t chunks = 0;
  for (auto _ : state) {
    chunks = 0;
    for (ByteSpan left = input; !left.empty(); ++chunks) left = left.subspan(cut(left));
  }
  benchmark::DoNotOptimize(chunks);
  ReportRate(state, input.size(), chunks);
}

using Measure = std::function<void(benchmark::State&, ByteSpan)>;

Measure MeasureKernel(CutKernel kernel) {
  return [rule = CutRule(kLimits, BenchKeys(), kernel)](benchmark::State& state, ByteSpan input) {
    CutAll(state, input, [&rule](ByteSpan bytes) {
      bool forced = false;
      return rule.FirstCut(bytes, &forced);
    });
  };
}

void MeasureReference(benchmark::State& state, ByteSpan input) {
  const CutRule rule(kLimits, BenchKeys());
  CutAll(state, input, [&rule](ByteSpan bytes) {
    bool forced = false;
    return rule.FirstCutReference(bytes, &forced);
  });
}

void MeasureFastCdc(benchmark::State& state, ByteSpan input) {
  const FastCdc rule(kLimits);
  CutAll(state, input, [&rule](ByteSpan bytes) { return rule.FirstCut(bytes); });
}

void MeasureRead(benchmark::State& state, ByteSpan input) {
  for (auto _ : state) benchmark::DoNotOptimize(ReadAll(input));
  ReportRate(state, input.size(), 0);
}

// Keys that make every zero a candidate, one key in 256: the slowest input the rule knows.
void MeasureWorstZeros(benchmark::State& state, ByteSpan input) {
  CutKeys keys = BenchKeys();
  keys.high_nibble[0] = keys.low_nibble[0];
  const CutRule rule(kLimits, keys);
  CutAll(state, input, [&rule](ByteSpan bytes) {
    bool forced = false;
    return rule.FirstCut(bytes, &forced);
  });
}

void Register() {
  std::vector<std::pair<std::string, Measure>> measures = {
      {"read", MeasureRead}, {"fastcdc_nc2", MeasureFastCdc}, {"kx_reference", MeasureReference}};
  const std::pair<std::string, CutKernel> kernels[] = {{"kx_portable", CutKernel::kPortable},
                                                       {"kx_avx2", CutKernel::kAvx2},
                                                       {"kx_avx512", CutKernel::kAvx512}};
  for (const auto& [name, kernel] : kernels) {
    if (CutKernelRuns(kernel)) measures.emplace_back(name, MeasureKernel(kernel));
  }
  const std::pair<std::string, Data> datas[] = {
      {"random", Data::kRandom}, {"text", Data::kText}, {"zeros", Data::kZeros}};
  const auto add = [](const std::string& name, const Measure& measure, Data data, size_t size) {
    benchmark::RegisterBenchmark(name.c_str(), [measure, data, size](benchmark::State& state) {
      measure(state, Input(data, size));
    })->Unit(benchmark::kMillisecond);
  };
  for (const auto& [data_name, data] : datas) {
    for (const auto& [name, measure] : measures) {
      if (name != "kx_reference")
        add(name + "/" + data_name + "/memory", measure, data, kMemoryBytes);
      add(name + "/" + data_name + "/cache", measure, data, kCacheBytes);
    }
  }
  add("kx_fastest_worst_keys/zeros/memory", MeasureWorstZeros, Data::kZeros, kMemoryBytes);
}

}  // namespace
}  // namespace tidemark

int main(int argc, char** argv) {
  tidemark::Register();
  benchmark::Initialize(&argc, argv);
  if (benchmark::ReportUnrecognizedArguments(argc, argv)) return 1;
  benchmark::RunSpecifiedBenchmarks();
  return 0;
}
