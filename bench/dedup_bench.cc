// How much of a second version is new, by the cut rule and by FastCDC at the same mean length.
//   dedup_bench FIRST SECOND [AVERAGE]   prints one line of JSON; AVERAGE is 65536 unless said
// Without prediction: what is cut from the bytes alone.
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <functional>
#include <set>
#include <string>
#include <vector>

#include "bench/fastcdc.h"
#include "crypto/digest.h"

namespace tidemark {
namespace {

using Cut = std::function<size_t(ByteSpan)>;
struct Found {
  double mean_chunk_bytes = 0, new_share = 0;
};

// The shape of the defaults around another average.
CutLimits LimitsAround(uint32_t average) { return {average / 4, average, 4 * average}; }

std::vector<std::byte> ReadFile(const char* path) {
  std::ifstream file(path, std::ios::binary | std::ios::ate);
  std::vector<std::byte> bytes(file ? static_cast<size_t>(file.tellg()) : 0);
  file.seekg(0);
  file.read(reinterpret_cast<char*>(bytes.data()), static_cast<std::streamsize>(bytes.size()));
  return bytes;
}

Found Compare(ByteSpan first, ByteSpan second, const Cut& cut) {
  std::set<Digest> known;
  size_t chunks = 0, new_bytes = 0;
  for (ByteSpan left = first; !left.empty(); ++chunks) {
    const size_t length = cut(left);
    known.insert(HashBytes(left.first(length)));
    left = left.subspan(length);
  }
  for (ByteSpan left = second; !left.empty(); ++chunks) {
    const size_t length = cut(left);
    if (known.insert(HashBytes(left.first(length))).second) new_bytes += length;
    left = left.subspan(length);
  }
  Found found;
  found.mean_chunk_bytes =
      static_cast<double>(first.size() + second.size()) / static_cast<double>(chunks);
  found.new_share = static_cast<double>(new_bytes) / static_cast<double>(second.size());
  return found;
}

// Several keys: one table's luck moves the result by a tenth.
Found CompareOurs(ByteSpan first, ByteSpan second, const CutLimits& limits, int keys) {
  Found sum;
  for (int key = 0; key < keys; ++key) {
    Secret32 secret;
    secret.mutable_view()[0] = static_cast<std::byte>(key + 1);
    const CutRule rule(limits, CutKeys::FromSecret(secret));
    const Found found = Compare(first, second, [&rule](ByteSpan bytes) {
      bool forced = false;
      return rule.FirstCut(bytes, &forced);
    });
    sum.mean_chunk_bytes += found.mean_chunk_bytes / keys;
    sum.new_share += found.new_share / keys;
  }
  return sum;
}

// Its average is moved until its mean length is ours within a hundredth.
Found CompareFastCdc(ByteSpan first, ByteSpan second, CutLimits limits, double mean_bytes) {
  Found found;
  double average = limits.bytes_average;
  for (int attempt = 0; attempt < 8; ++attempt) {
    limits.bytes_average = static_cast<uint32_t>(average);
    const FastCdc rule(limits);
    found = Compare(first, second, [&rule](ByteSpan bytes) { return rule.FirstCut(bytes); });
    const double off = mean_bytes - found.mean_chunk_bytes;
    if (std::abs(off) < mean_bytes / 100) break;
    average = std::max(average + off, static_cast<double>(limits.bytes_min) + 1);
  }
  return found;
}

}  // namespace
}  // namespace tidemark

int main(int argc, char** argv) {
  using namespace tidemark;
  if (argc != 3 && argc != 4) return 64;
  const CutLimits limits =
      argc == 4 ? LimitsAround(static_cast<uint32_t>(std::strtoul(argv[3], nullptr, 10)))
                : CutLimits();
  if (!CheckCutLimits(limits).ok()) return 64;
  const std::vector<std::byte> first = ReadFile(argv[1]), second = ReadFile(argv[2]);
  if (first.empty() || second.empty()) return 66;
  const Found ours = CompareOurs(first, second, limits, 3);
  const Found theirs = CompareFastCdc(first, second, limits, ours.mean_chunk_bytes);
  std::printf(
      "{\"ours\":{\"mean_chunk_bytes\":%.0f,\"new_share\":%.5f},"
      "\"fastcdc\":{\"mean_chunk_bytes\":%.0f,\"new_share\":%.5f}}\n",
      ours.mean_chunk_bytes, ours.new_share, theirs.mean_chunk_bytes, theirs.new_share);
  return 0;
}
