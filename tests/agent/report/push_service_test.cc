// Goal: whether pushes are served is what commits can do with the sites that there are; readiness,
// the SLA and the day book say the same.
#include "agent/report/push_service.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "agent/report/sla_book.h"

namespace tidemark {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

StatusReport Well(const std::string& ack_mode) {
  StatusReport report;
  VaultStatus vault;
  vault.name = "db";
  vault.state = "open";
  vault.ack_mode = ack_mode;
  vault.copies_available = vault.copies_expected = 3;
  for (const char* name : {"a", "b", "w"}) {
    SiteStatus site;
    site.name = name;
    site.role = *name == 'w' ? "witness" : "primary";
    site.state = "streaming";
    site.connected = true;
    report.sites.push_back(site);
    VaultSiteStatus row;
    row.name = name;
    row.state = "streaming";
    vault.sites.push_back(row);
  }
  report.vaults.push_back(vault);
  return report;
}

void SetState(StatusReport* report, size_t site, const std::string& state) {
  report->sites[site].state = state;
  report->sites[site].connected = state != "down";
  for (VaultStatus& vault : report->vaults) vault.sites[site].state = state;
}

std::vector<std::string> Codes(const StatusReport& report) {
  std::vector<std::string> codes;
  for (const PushBlock& block : PushBlocks(report, report.vaults[0])) codes.push_back(block.code);
  return codes;
}

SlaLevel Writable(const StatusReport& report) {
  for (const SlaFact& fact : FactsOf(report)) {
    if (fact.subject.alert == "TidemarkWritable") return fact.level;
  }
  ADD_FAILURE() << "not judged";
  return SlaLevel::kInfo;
}

TEST(PushService, SoundSitesServe) {
  for (const char* mode : {"strict", "quorum"}) {
    EXPECT_THAT(Codes(Well(mode)), IsEmpty()) << mode;
    EXPECT_THAT(NotReadyReasons(Well(mode)), IsEmpty()) << mode;
    EXPECT_EQ(Writable(Well(mode)), SlaLevel::kInfo) << mode;
  }
}

TEST(PushService, StrictNeedsBothPrimariesQuorumAnyTwo) {
  for (const char* state : {"down", "damaged", "fenced", "full", "catching_up", "connecting"}) {
    for (size_t first = 0; first < 3; ++first) {
      StatusReport strict = Well("strict"), quorum = Well("quorum");
      SetState(&strict, first, state);
      SetState(&quorum, first, state);
      EXPECT_EQ(Codes(strict).empty(), first == 2) << state << " at " << first;
      EXPECT_THAT(Codes(quorum), IsEmpty()) << state << " at " << first;
      for (size_t second = 0; second < 3; ++second) {
        if (second == first) continue;
        StatusReport both = quorum;
        SetState(&both, second, "down");
        EXPECT_EQ(Codes(both).size(), 2u) << state << " at " << first << ", down at " << second;
      }
    }
  }
}

TEST(PushService, OnePrimaryWithoutTheWitnessIsNeitherReadyNorWritable) {
  StatusReport report = Well("quorum");
  SetState(&report, 1, "down");
  EXPECT_EQ(Writable(report), SlaLevel::kInfo);
  SetState(&report, 2, "down");
  EXPECT_EQ(Writable(report), SlaLevel::kDanger);
  EXPECT_THAT(NotReadyReasons(report), ElementsAre("PRIMARY_DOWN: primary b is not connected",
                                                   "WITNESS_DOWN: witness w is not connected"));
}

// A disk that hangs behind a living connection commits nothing.
TEST(PushService, ALatePrimaryCountsAsAway) {
  StatusReport report = Well("quorum");
  report.vaults[0].sites[1].is_late = true;
  EXPECT_THAT(Codes(report), IsEmpty());
  SetState(&report, 2, "down");
  EXPECT_THAT(Codes(report), ElementsAre("ACK_QUORUM", "WITNESS_DOWN"));
  report.vaults[0].ack_mode = "strict";
  EXPECT_THAT(Codes(report), ElementsAre("ACK_QUORUM"));
}

TEST(PushService, ASiteThatCatchesUpWithAnotherVaultServesThisOne) {
  StatusReport report = Well("strict");
  report.vaults.push_back(report.vaults[0]);
  report.vaults[1].name = "media";
  report.sites[0].state = "catching_up";
  report.vaults[1].sites[0].state = "catching_up";
  EXPECT_THAT(PushBlocks(report, report.vaults[0]), IsEmpty());
  EXPECT_EQ(PushBlocks(report, report.vaults[1]).size(), 1u);
  EXPECT_EQ(NotReadyReasons(report).size(), 1u);
  // A full disk is full for all of them.
  report.sites[0].state = "full";
  EXPECT_EQ(PushBlocks(report, report.vaults[0]).size(), 1u);
  EXPECT_EQ(NotReadyReasons(report).size(), 1u) << "each reason once";
}

TEST(PushService, WhatTheVaultIsCounts) {
  StatusReport report = Well("strict");
  report.vaults[0].admission = "throttled";
  EXPECT_THAT(Codes(report), IsEmpty());
  report.vaults[0].admission = "refused";
  EXPECT_THAT(Codes(report), ElementsAre("PUSHES_REFUSED"));
  EXPECT_EQ(Writable(report), SlaLevel::kDanger);
  report.vaults[0].admission = "open";
  report.vaults[0].state = "opening";
  EXPECT_THAT(Codes(report), ElementsAre("VAULT_OPENING"));
  EXPECT_EQ(Writable(report), SlaLevel::kWarning);
  for (const char* state : {"fenced", "failed"}) {
    report.vaults[0].state = state;
    EXPECT_EQ(Codes(report).size(), 1u);
    EXPECT_EQ(Writable(report), SlaLevel::kDanger);
  }
}

}  // namespace
}  // namespace tidemark
