#include "tests/replicator/golden.h"

#include <algorithm>
#include <cstdlib>
#include <fstream>

namespace tidemark {
namespace {

constexpr size_t kLineBytes = 48;

std::string PathOf(const std::string& name) {
  return std::string(TIDEMARK_SOURCE_DIR) + "/tests/golden/" + name + ".hex";
}

size_t ZerosAt(ByteSpan bytes, size_t at) {
  size_t end = at;
  while (end < bytes.size() && bytes[end] == std::byte{0}) ++end;
  return end - at;
}

void Write(const std::string& name, ByteSpan bytes) {
  std::ofstream out(PathOf(name));
  for (size_t at = 0; at < bytes.size();) {
    size_t zeros = ZerosAt(bytes, at);
    if (zeros >= kLineBytes) {
      out << "zero " << zeros << "\n";
      at += zeros;
      continue;
    }
    size_t size = std::min(kLineBytes, bytes.size() - at);
    for (size_t i = zeros; i < size; ++i) {
      if (ZerosAt(bytes, at + i) >= kLineBytes) size = i;
    }
    out << ToHex(bytes.subspan(at, size)) << "\n";
    at += size;
  }
}

}  // namespace

std::vector<std::byte> ReadGoldenBytes(const std::string& name) {
  std::ifstream in(PathOf(name));
  EXPECT_TRUE(in.good()) << PathOf(name) << " is missing";
  std::vector<std::byte> bytes;
  for (std::string line; std::getline(in, line);) {
    if (line.empty() || line[0] == '#') continue;
    if (line.rfind("zero ", 0) == 0) {
      bytes.resize(bytes.size() + std::stoul(line.substr(5)));
      continue;
    }
    std::vector<std::byte> part(line.size() / 2);
    EXPECT_TRUE(FromHex(line, part)) << PathOf(name) << ": " << line;
    bytes.insert(bytes.end(), part.begin(), part.end());
  }
  return bytes;
}

void ExpectGolden(const std::string& name, ByteSpan bytes) {
  if (std::getenv("TIDEMARK_WRITE_GOLDEN") != nullptr) Write(name, bytes);
  std::vector<std::byte> golden = ReadGoldenBytes(name);
  bool equal = std::equal(golden.begin(), golden.end(), bytes.begin(), bytes.end());
  EXPECT_TRUE(equal) << "tests/golden/" << name << ".hex differs; encoded now: " << ToHex(bytes);
}

}  // namespace tidemark
