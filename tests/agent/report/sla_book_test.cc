// Goal: what was proved against a site is told at once, and stands until the site is gone.
#include "agent/report/sla_book.h"

#include <gtest/gtest.h>

namespace tidemark {
namespace {

StatusReport WithSite(const std::string& name, const std::string& conviction) {
  StatusReport report;
  SiteStatus site;
  site.name = name;
  site.role = "witness";
  site.state = "streaming";
  site.connected = true;
  site.conviction = conviction;
  report.sites.push_back(site);
  return report;
}

struct World {
  SlaBook book{SlaTiming{}};
  absl::Duration now;
  void Live(const StatusReport& report, int seconds) {
    for (int i = 0; i < seconds; ++i, now += absl::Seconds(1)) {
      std::vector<SlaFact> facts = FactsOf(report);
      const std::vector<SlaFact> gone = FactsOfGone(report, book.states());
      facts.insert(facts.end(), gone.begin(), gone.end());
      book.Note(absl::UnixEpoch() + now, now, facts);
    }
  }
  SlaLevel Level(const std::string& alert, const std::string& site) {
    const auto found = book.states().find({alert, "", site});
    return found == book.states().end() ? SlaLevel::kInfo : found->second.level;
  }
};

constexpr const char* kAlert = "TidemarkEquivocation";

TEST(SlaBook, AConvictionIsDangerAtOnceAndDoesNotClearByItself) {
  World world;
  world.Live(WithSite("w", ""), 5);
  EXPECT_EQ(world.Level(kAlert, "w"), SlaLevel::kInfo);
  world.Live(WithSite("w", "signed another history in receipt 7"), 1);
  EXPECT_EQ(world.Level(kAlert, "w"), SlaLevel::kDanger);
  EXPECT_EQ(world.book.worst(), SlaLevel::kDanger);
  // An agent that starts has not read its evidence yet, or has lost it.
  world.Live(WithSite("w", ""), 3600);
  EXPECT_EQ(world.Level(kAlert, "w"), SlaLevel::kDanger);
}

TEST(SlaBook, WhatStandsAgainstASiteEndsWithTheSite) {
  World world;
  world.Live(WithSite("w", "signed another history in receipt 7"), 1);
  world.Live(WithSite("x", ""), 30);
  EXPECT_EQ(world.Level(kAlert, "w"), SlaLevel::kDanger) << "not before clear_after";
  world.Live(WithSite("x", ""), 60);
  EXPECT_EQ(world.book.worst(), SlaLevel::kInfo);
}

}  // namespace
}  // namespace tidemark
