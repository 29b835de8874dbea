// The key file: a wrong passphrase and a damaged file are two different answers.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "crypto/keys.h"
#include "tests/crypto/hex.h"
#include "tests/crypto/seeded_entropy.h"

namespace tidemark {
namespace {

using ::testing::HasSubstr;

struct KeyFileTest : testing::Test {
  SeededEntropy entropy{44};
  KeyEncryptionKey kek = KeyEncryptionKey::Generate(&entropy);
  std::string text = EncodeKeyFile(kek, "correct horse", &entropy);
};
using KeyFile = KeyFileTest;

// With the checksum made right again, so that only what it covers is wrong.
std::string Rechecked(std::string text) {
  text.resize(text.rfind("checksum "));
  return text + "checksum " + HashBytes(AsBytes(text)).hex() + "\n";
}
std::string Replaced(std::string text, const std::string& from, const std::string& to) {
  const size_t at = text.find(from);
  EXPECT_NE(at, std::string::npos);
  return text.replace(at, from.size(), to);
}

TEST_F(KeyFile, OpensWithItsPassphrase) {
  const absl::StatusOr<KeyEncryptionKey> decoded = DecodeKeyFile(text, "correct horse");
  ASSERT_TRUE(decoded.ok()) << decoded.status();
  EXPECT_EQ(decoded->id, kek.id);
  EXPECT_EQ(ToHex(decoded->key.view()), ToHex(kek.key.view()));
}

TEST_F(KeyFile, MatchesTheGoldenFile) { EXPECT_EQ(text, ReadGolden("key_file.txt")); }

TEST_F(KeyFile, NeverHoldsTheKeyItself) {
  EXPECT_EQ(text.find(ToHex(kek.key.view())), std::string::npos);
  const std::string open = EncodeKeyFile(kek, "", &entropy);
  EXPECT_THAT(open, HasSubstr("passphrase none\n"));
  EXPECT_EQ(open.find(ToHex(kek.key.view())), std::string::npos);
}

TEST_F(KeyFile, AWrongOrMissingPassphraseIsDenied) {
  EXPECT_EQ(DecodeKeyFile(text, "wrong horse").status().code(),
            absl::StatusCode::kPermissionDenied);
  EXPECT_EQ(DecodeKeyFile(text, "").status().code(), absl::StatusCode::kPermissionDenied);
}

TEST_F(KeyFile, WithoutPassphraseOpensWhateverIsGiven) {
  const std::string open = EncodeKeyFile(kek, "", &entropy);
  EXPECT_TRUE(DecodeKeyFile(open, "").ok());
  EXPECT_TRUE(DecodeKeyFile(open, "left over").ok());
}

TEST_F(KeyFile, EveryChangedCharacterIsFound) {
  for (size_t i = 0; i < text.size(); ++i) {
    std::string changed = text;
    changed[i] = changed[i] == 'x' ? 'y' : 'x';
    const absl::StatusCode code = DecodeKeyFile(changed, "correct horse").status().code();
    const bool found = code == absl::StatusCode::kDataLoss ||
                       (i < 13 && code == absl::StatusCode::kInvalidArgument);
    EXPECT_TRUE(found) << i << " gave " << absl::StatusCodeToString(code);
  }
}

TEST_F(KeyFile, EveryTruncationIsFound) {
  for (size_t size = 0; size < text.size(); ++size) {
    EXPECT_FALSE(DecodeKeyFile(std::string_view(text).substr(0, size), "correct horse").ok())
        << size;
  }
}

TEST_F(KeyFile, ANewerVersionIsNamed) {
  const absl::Status status =
      DecodeKeyFile(Replaced(text, "key-1\n", "key-2\n"), "correct horse").status();
  EXPECT_EQ(status.code(), absl::StatusCode::kUnimplemented);
  EXPECT_THAT(std::string(status.message()), HasSubstr("version 2"));
}

TEST_F(KeyFile, AnotherFileIsCalledSo) {
  EXPECT_EQ(DecodeKeyFile("-----BEGIN PRIVATE KEY-----\n", "").status().code(),
            absl::StatusCode::kInvalidArgument);
}

TEST_F(KeyFile, AKeyUnderAnotherIdDoesNotOpen) {
  std::array<std::byte, 16> other = kek.id;
  other[0] ^= std::byte{1};
  const std::string renamed = Rechecked(Replaced(text, ToHex(kek.id), ToHex(other)));
  EXPECT_EQ(DecodeKeyFile(renamed, "correct horse").status().code(),
            absl::StatusCode::kPermissionDenied);
}

TEST_F(KeyFile, OtherParametersAreMalformed) {
  const std::string weaker = Rechecked(Replaced(text, "N=32768", "N=2"));
  EXPECT_EQ(DecodeKeyFile(weaker, "correct horse").status().code(),
            absl::StatusCode::kInvalidArgument);
  const std::string unsure = Rechecked(Replaced(text, "passphrase yes", "passphrase may"));
  EXPECT_EQ(DecodeKeyFile(unsure, "correct horse").status().code(),
            absl::StatusCode::kInvalidArgument);
}

}  // namespace
}  // namespace tidemark
