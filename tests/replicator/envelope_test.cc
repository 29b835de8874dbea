#include "replicator/envelope.h"

#include <gtest/gtest.h>

#include "tests/replicator/golden.h"
#include "tests/replicator/mutations.h"
#include "tests/replicator/samples.h"

namespace tidemark {
namespace {

std::vector<std::byte> Encoded(const Envelope& envelope) {
  LayoutWriter out;
  EncodeEnvelope(envelope, &out);
  return out.Take();
}

TEST(Envelopes, AreTheirGoldenFile) {
  ExpectGolden("envelope", Encoded(SampleEnvelope()));
  std::vector<std::byte> golden = ReadGoldenBytes("envelope");
  LayoutReader in(golden);
  EXPECT_EQ(DecodeEnvelope(&in), SampleEnvelope());
  EXPECT_TRUE(in.ok());
  EXPECT_TRUE(in.at_end());
  EXPECT_EQ(EncodedEnvelopeBytes(SampleEnvelope()), golden.size());
}

TEST(Envelopes, OfTheLongestNameHaveTheLargestSize) {
  Envelope envelope = SampleEnvelope();
  envelope.name = std::string(kArchiveNameBytesMax, 'x');
  EXPECT_EQ(Encoded(envelope).size(), kEnvelopeBytesMax);
}

TEST(Envelopes, CutShortAreNotOk) {
  ForEachCut(Encoded(SampleEnvelope()), [](ByteSpan front) {
    LayoutReader in(front);
    DecodeEnvelope(&in);
    EXPECT_FALSE(in.ok());
  });
}

TEST(Envelopes, WithImpossibleFieldsAreNotOk) {
  Envelope unnamed = SampleEnvelope();
  unnamed.name.clear();
  Envelope version_zero = SampleEnvelope();
  version_zero.version = 0;
  Envelope at_sign = SampleEnvelope();
  at_sign.name = "a@1";
  for (const Envelope& envelope : {unnamed, version_zero, at_sign}) {
    std::vector<std::byte> bytes = Encoded(envelope);
    bytes.resize(bytes.size() + 10);
    LayoutReader in(bytes);
    DecodeEnvelope(&in);
    EXPECT_FALSE(in.ok());
  }
}

TEST(ArchiveNames, MayBeAnyShortUtf8) {
  for (std::string name :
       {"a", "db/2026-01-01.tar",
        "b\xc3\xbc"
        "cher",
        "\xe2\x82\xac", "\xf0\x9f\x8c\x8a", " ", "\xf4\x8f\xbf\xbf", "\xed\x9f\xbf"}) {
    EXPECT_TRUE(CheckArchiveName(name).ok()) << name << CheckArchiveName(name);
  }
  EXPECT_TRUE(CheckArchiveName(std::string(255, 'n')).ok());
}

TEST(ArchiveNames, AreRefusedWithAReason) {
  for (std::string name :
       {std::string(), std::string(256, 'n'), std::string("a\0b", 3), std::string("a@1"),
        std::string("a\nb"), std::string("a\x7f"), std::string("\xc2\x85")}) {
    absl::Status status = CheckArchiveName(name);
    EXPECT_TRUE(absl::IsInvalidArgument(status)) << name;
    EXPECT_NE(status.message().find("archive name"), absl::string_view::npos);
  }
}

TEST(ArchiveNames, AreRefusedWhenNotUtf8) {
  for (std::string name : {
           "\x80", "\xc3", "\xc3(", "\xc0\x80", "\xc1\xbf",  // lone, cut, overlong
           "\xe0\x80\x80", "\xe2\x82", "\xe2(\xa1", "\xf0\x80\x80\x80", "\xed\xa0\x80",
           "\xed\xbf\xbf",                                  // surrogates
           "\xf4\x90\x80\x80", "\xf5\x80\x80\x80", "\xff",  // above U+10FFFF
       }) {
    absl::Status status = CheckArchiveName(name);
    EXPECT_TRUE(absl::IsInvalidArgument(status)) << ToHex(AsBytes(name));
    EXPECT_NE(status.message().find("not UTF-8"), absl::string_view::npos) << status;
  }
}

}  // namespace
}  // namespace tidemark
