// Goal: an operator sees at a glance what is wrong and what to do; unknown never looks like a
// figure.
#include "agent/cli/status_text.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace tidemark {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

StatusReport Sample() {
  StatusReport report;
  report.status = "error";
  report.agent = "agent";
  report.software = "tidemark 0.1.0";
  report.codes = {{"PRIMARY_DOWN", "error", "primary b: connection refused", "start it"},
                  {"SITES_SHARE_HOST", "info", "a and b", "one failure takes both"}};
  SiteStatus site;
  site.name = "b";
  site.role = "primary";
  site.state = "down";
  site.last_error = "connection refused";
  report.sites.push_back(site);
  VaultStatus vault;
  vault.name = "default";
  vault.state = "open";
  vault.copies_expected = 3;
  vault.copies_available = 2;
  vault.rpo_target_seconds = 900;
  vault.sites.push_back({});
  vault.sites[0].name = "b";
  report.vaults.push_back(vault);
  return report;
}

TEST(StatusText, StartsWithWhatIsWrongAndWhatToDo) {
  const std::string text = StatusText(Sample());
  EXPECT_THAT(text, StartsWith("health  ERROR\n        error PRIMARY_DOWN: primary b: connection "
                               "refused\n              hint: start it\n"));
  EXPECT_THAT(text, HasSubstr("2 of 3"));
  EXPECT_THAT(text, HasSubstr("b: connection refused\n"));
  EXPECT_THAT(text, Not(HasSubstr("\033"))) << "no colour unless it is asked for";
}

TEST(StatusText, UnknownIsNoNumber) {
  const std::string text = StatusText(Sample());
  EXPECT_THAT(text, HasSubstr("unknown / 15 min"));
  EXPECT_THAT(text, HasSubstr("b     primary  down   -        -    -"));
  EXPECT_THAT(text, HasSubstr("SCRUB  COVERED  LAST FULL PASS  PERIOD  RATE  BAD  HEALED"));
}

TEST(StatusText, SaysWhenATargetWillBeMissed) {
  StatusReport report = Sample();
  report.vaults[0].sites[0].rpo_actual_seconds = 660;
  report.vaults[0].sites[0].breach_in_seconds = 240;
  EXPECT_THAT(StatusText(report), HasSubstr("11 min / 15 min at b, breaches in 240 s"));
}

TEST(StatusText, AVaultWithATierShowsItsShareOfIt) {
  StatusReport report = Sample();
  report.vaults[0].tier = "S2";
  report.vaults[0].sites[0].rates = {1200.0, 34.0, 1e6, 1e6};
  EXPECT_THAT(StatusText(report), HasSubstr("1234 of 3500, S2"));
}

TEST(StatusText, SeveralVaultsAreToldApartBySite) {
  StatusReport report = Sample();
  EXPECT_THAT(StatusText(report), Not(HasSubstr("WRITE IOPS")));
  report.vaults.push_back(report.vaults[0]);
  report.vaults[1].name = "media";
  EXPECT_THAT(StatusText(report), HasSubstr("WRITE IOPS"));
}

TEST(StatusText, ShowsTheScrub) {
  StatusReport report = Sample();
  ScrubStatus scrub;
  scrub.covered_share = 0.125;
  scrub.period_seconds = 14 * 86400;
  scrub.bytes_per_second = 65536;
  scrub.bad = 2;
  scrub.healed = 41;
  report.sites[0].scrub = scrub;
  EXPECT_THAT(StatusText(report),
              HasSubstr("b      12.5 %   never           336h    65.5 kB/s  2    41"));
}

TEST(StatusText, TheNewestEventsComeLast) {
  StatusReport report = Sample();
  for (int i = 0; i < 9; ++i)
    report.events.push_back({absl::FromUnixSeconds(1000 - i), "site b", std::to_string(i)});
  const std::string text = StatusText(report);
  EXPECT_THAT(text, HasSubstr("recent 1970-01-01T00:16:40.000Z  site b: 0\n"));
  EXPECT_THAT(text, Not(HasSubstr("site b: 5")));
}

TEST(StatusCheck, IsOneLineAndSaysWhatIsKnown) {
  StatusReport report = Sample();
  std::string text = CheckText(report);
  EXPECT_EQ(text.find('\n'), text.size() - 1);
  EXPECT_THAT(text, StartsWith("TIDEMARK ERROR PRIMARY_DOWN"));
  EXPECT_THAT(text, Not(HasSubstr("lag_b"))) << "unknown is no number";
  EXPECT_THAT(text, Not(HasSubstr("SITES_SHARE_HOST"))) << "what was accepted is no alarm";
  report.sites[0].rpo_actual_seconds = 1.5;
  report.sites[0].rpo_target_seconds = 900;
  EXPECT_THAT(CheckText(report), HasSubstr("rpo_b=1.500s;;900"));
}

TEST(StatusCheck, ExitsAsNagiosDoes) {
  StatusReport report;
  for (const auto& [status, exit] : {std::pair("ok", 0), {"warn", 1}, {"error", 2}}) {
    report.status = status;
    EXPECT_EQ(CheckExit(report), exit);
  }
}

}  // namespace
}  // namespace tidemark
