// Test vectors and golden files are hexadecimal text.
#ifndef TIDEMARK_TESTS_CRYPTO_HEX_H_
#define TIDEMARK_TESTS_CRYPTO_HEX_H_

#include <gtest/gtest.h>

#include <array>
#include <fstream>
#include <sstream>
#include <vector>

#include "crypto/bytes.h"

namespace tidemark {

inline std::vector<std::byte> Unhex(std::string_view text) {
  std::vector<std::byte> bytes(text.size() / 2);
  EXPECT_TRUE(FromHex(text, bytes)) << text;
  return bytes;
}
inline Secret32 Unhex32(std::string_view text) {
  const std::vector<std::byte> bytes = Unhex(text);
  EXPECT_EQ(bytes.size(), 32u);
  return Secret32(std::span<const std::byte, 32>(bytes.data(), 32));
}
inline std::string ReadGolden(const std::string& name) {
  std::ifstream file(std::string(TIDEMARK_SOURCE_DIR) + "/tests/golden/" + name);
  EXPECT_TRUE(file.good()) << "tests/golden/" << name << " is missing";
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}

}  // namespace tidemark
#endif  // TIDEMARK_TESTS_CRYPTO_HEX_H_
