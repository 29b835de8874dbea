// Goal: what people read is aligned, in decimal units, with unknown shown as unknown.
#include "agent/cli/output.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace tidemark {
namespace {

using ::testing::HasSubstr;

TEST(Output, BytesAreInDecimalUnits) {
  EXPECT_EQ(FormatBytes(0), "0 B");
  EXPECT_EQ(FormatBytes(999), "999 B");
  EXPECT_EQ(FormatBytes(1000), "1.0 kB");
  EXPECT_EQ(FormatBytes(999'960), "1.0 MB");
  EXPECT_EQ(FormatBytes(2e12), "2.0 TB");
}

TEST(Output, SecondsFitTheirSize) {
  EXPECT_EQ(FormatSeconds(std::nullopt), "-");
  EXPECT_EQ(FormatSeconds(0.0005), "500 us");
  EXPECT_EQ(FormatSeconds(0.012), "12 ms");
  EXPECT_EQ(FormatSeconds(41.0), "41 s");
  EXPECT_EQ(FormatSeconds(7200.0), "120 min");
}

TEST(Output, ColumnsAreAsWideAsTheirWidestCell) {
  EXPECT_EQ(Columns({{"A", "B"}, {"caf\xc3\xa9", "x"}}), "A     B\ncaf\xc3\xa9  x\n");
}

TEST(Output, VerifySaysWhatWasHealedAndWhatIsLost) {
  VerifyReport report;
  VerifyReport::Site site;
  site.name = "a";
  site.state = "damaged";
  site.found = 2;
  site.healed = 1;
  site.healed_places = {"record 2 head: x"};
  site.bad = {"record 3 block 1: y"};
  report.sites.push_back(site);
  report.bad = {"record 3 block 1 is needed by db@4"};
  const std::string text = VerifyText(report);
  EXPECT_THAT(text, HasSubstr("a: healed: record 2 head: x\n"));
  EXPECT_THAT(text, HasSubstr("a: record 3 block 1: y\n"));
  EXPECT_THAT(text, HasSubstr("lost: record 3 block 1 is needed by db@4\n"));
}

}  // namespace
}  // namespace tidemark
