// Goal: each cause has its code, each code its hint and its line in the manual; what an operator
// accepted is no alarm.
#include "agent/report/health.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <functional>
#include <map>
#include <set>
#include <sstream>

namespace tidemark {
namespace {

using ::testing::HasSubstr;

SiteStatus Sound(const std::string& name, bool is_primary) {
  SiteStatus site;
  site.name = name;
  site.role = is_primary ? "primary" : "witness";
  site.state = "streaming";
  site.connected = true;
  site.replication_lag_seconds = site.rpo_actual_seconds = 0.1;
  site.rpo_target_seconds = 900;
  site.store_bytes = 1e9;
  site.store_free_bytes = 500e9;
  site.store_disk_bytes = 1000e9;
  site.clock_skew_seconds = 0.01;
  return site;
}

StatusReport Well() {
  StatusReport report;
  report.sites = {Sound("a", true), Sound("b", true), Sound("w", false)};
  VaultStatus vault;
  vault.name = "default";
  vault.state = "open";
  vault.rpo_target_seconds = 900;
  for (const SiteStatus& site : report.sites) {
    VaultSiteStatus row;
    row.name = site.name;
    row.rpo_actual_seconds = 0.1;
    vault.sites.push_back(row);
  }
  report.vaults.push_back(vault);
  return report;
}

struct Cause {
  const char* code;
  const char* severity;
  std::function<void(StatusReport*)> happen;
};

const std::vector<Cause>& Causes() {
  static const std::vector<Cause> causes = {
      {"PRIMARY_DOWN", "error", [](StatusReport* r) { r->sites[0].state = "down"; }},
      {"PRIMARY_DOWN", "error",
       [](StatusReport* r) {
         r->sites[1].state = "connecting";
         r->sites[1].connected = false;
       }},
      {"WITNESS_DOWN", "warn", [](StatusReport* r) { r->sites[2].state = "down"; }},
      {"SITE_DAMAGED", "error", [](StatusReport* r) { r->sites[2].state = "damaged"; }},
      {"SITE_BAD_BLOCKS", "error", [](StatusReport* r) { r->sites[0].scrub.emplace().bad = 1; }},
      {"SITE_FULL", "error", [](StatusReport* r) { r->sites[0].state = "full"; }},
      {"SITE_FULL", "warn", [](StatusReport* r) { r->sites[2].state = "full"; }},
      {"SITE_NEARLY_FULL", "warn", [](StatusReport* r) { r->sites[0].store_free_bytes = 99e9; }},
      {"SITE_NEARLY_FULL", "warn",
       [](StatusReport* r) { r->sites[0].store_full_in_seconds = 3600; }},
      {"SITE_CATCHING_UP", "warn", [](StatusReport* r) { r->sites[2].state = "catching_up"; }},
      {"FENCED", "error", [](StatusReport* r) { r->sites[0].state = "fenced"; }},
      {"RPO_MISSED", "error",
       [](StatusReport* r) { r->vaults[0].sites[2].rpo_actual_seconds = 901; }},
      {"RPO_AT_RISK", "warn",
       [](StatusReport* r) {
         r->vaults[0].sites[2].rpo_actual_seconds = 601;
         r->vaults[0].sites[2].breach_in_seconds = 299;
       }},
      {"RPO_AT_RISK", "warn",
       [](StatusReport* r) { r->vaults[0].sites[2].rpo_actual_seconds = 800; }},
      {"PUSHES_THROTTLED", "warn", [](StatusReport* r) { r->vaults[0].admission = "throttled"; }},
      {"PUSHES_REFUSED", "error", [](StatusReport* r) { r->vaults[0].admission = "refused"; }},
      {"RPO_UNKNOWN", "warn",
       [](StatusReport* r) { r->vaults[0].sites[2].rpo_actual_seconds.reset(); }},
      {"CLOCK_SKEW", "warn", [](StatusReport* r) { r->sites[1].clock_skew_seconds = -2.5; }},
      {"SITES_SHARE_HOST", "error", [](StatusReport* r) { r->sites[0].shares_host_with = {"b"}; }},
      {"VAULT_OPENING", "warn", [](StatusReport* r) { r->vaults[0].state = "opening"; }},
      {"ACK_QUORUM", "warn", [](StatusReport* r) { r->vaults[0].ack_mode = "quorum"; }},
      {"VAULT_FENCED", "error", [](StatusReport* r) { r->vaults[0].state = "fenced"; }},
      {"VAULT_FAILED", "error", [](StatusReport* r) { r->vaults[0].state = "failed"; }},
      {"INDEX_TROUBLE", "warn", [](StatusReport* r) { r->vaults[0].index_trouble = "I/O error"; }},
      {"TIER_EXCEEDED", "warn",
       [](StatusReport* r) {
         r->vaults[0].tier = "S1";
         r->vaults[0].sites[0].rates.write_iops = 1501;
       }},
      {"TIER_EXCEEDED", "warn",
       [](StatusReport* r) {
         r->vaults[0].tier = "S1";
         r->vaults[0].stored_bytes = 1'000'000'000'001;
       }},
      {"AGENT_CPU_HIGH", "warn", [](StatusReport* r) { r->load.cpu_share = 0.81; }},
      {"AGENT_MEMORY_HIGH", "warn", [](StatusReport* r) { r->load.memory_share = 0.86; }},
      {"LOOP_STALLED", "info", [](StatusReport* r) { r->longest_stall_seconds = 1.5; }},
      {"STATUS_PORT", "warn", [](StatusReport* r) { r->status_trouble = "in use"; }},
  };
  return causes;
}

TEST(Health, AWellAgentHasNoCodes) {
  StatusReport report = Well();
  JudgeHealth(&report);
  EXPECT_EQ(report.status, "ok");
  EXPECT_TRUE(report.codes.empty()) << report.codes[0].code;
  EXPECT_TRUE(NotReadyReasons(report).empty());
}

TEST(Health, EachCauseHasItsCodeItsSeverityAndItsHint) {
  for (const Cause& cause : Causes()) {
    StatusReport report = Well();
    cause.happen(&report);
    JudgeHealth(&report);
    ASSERT_EQ(report.codes.size(), 1u) << cause.code;
    EXPECT_EQ(report.codes[0].code, cause.code);
    EXPECT_EQ(report.codes[0].severity, cause.severity) << cause.code;
    EXPECT_NE(report.codes[0].hint, "") << cause.code;
    EXPECT_EQ(report.status, cause.severity == std::string("info") ? "ok" : cause.severity);
  }
}

TEST(Health, EveryCodeOfTheTableHasACause) {
  std::set<std::string> caused, listed;
  for (const Cause& cause : Causes()) caused.insert(cause.code);
  for (const HealthRow& row : HealthTable()) EXPECT_TRUE(listed.insert(row.code).second);
  EXPECT_EQ(caused, listed);
}

TEST(Health, TheManualSaysTheSame) {
  std::ifstream file(TIDEMARK_SOURCE_DIR "/docs/status.md");
  std::stringstream text;
  text << file.rdbuf();
  for (const HealthRow& row : HealthTable()) {
    const std::string line = std::string("| `") + row.code + "` | " + row.severity + " | " +
                             row.cause + " | " + row.hint + " |\n";
    EXPECT_THAT(text.str(), HasSubstr(line));
  }
}

TEST(Health, WhatIsWorstStandsFirst) {
  StatusReport report = Well();
  report.sites[2].state = "catching_up";
  report.vaults[0].state = "failed";
  report.sites[0].shares_host_with = {"b"};
  report.same_host_allowed = true;
  JudgeHealth(&report);
  ASSERT_EQ(report.codes.size(), 3u);
  EXPECT_EQ(report.codes[0].code, "VAULT_FAILED");
  EXPECT_EQ(report.codes[1].code, "SITE_CATCHING_UP");
  EXPECT_EQ(report.codes[2].severity, "info");
  EXPECT_EQ(report.status, "error");
}

TEST(Health, ASiteThatIsAwayIsNotCalledUnknownToo) {
  StatusReport report = Well();
  report.sites[2].state = "down";
  report.sites[2].connected = false;
  report.vaults[0].sites[2].rpo_actual_seconds.reset();
  JudgeHealth(&report);
  ASSERT_EQ(report.codes.size(), 1u);
  EXPECT_EQ(report.codes[0].code, "WITNESS_DOWN");
}

TEST(Health, TwoOfThreeSitesServePushesWithoutAPrimary) {
  StatusReport report = Well();
  report.sites[0].state = "down";
  JudgeHealth(&report);
  EXPECT_FALSE(NotReadyReasons(report).empty());
  report.vaults[0].ack_mode = "quorum";
  JudgeHealth(&report);
  EXPECT_EQ(report.status, "error") << "it is told all the same";
  EXPECT_TRUE(NotReadyReasons(report).empty());
}

// One that is damaged promises nothing: pushes wait for it as for one that is down.
TEST(Health, ADamagedPrimaryBlocksPushesADamagedWitnessDoesNot) {
  for (size_t site = 0; site < 3; ++site) {
    StatusReport report = Well();
    report.sites[site].state = "damaged";
    JudgeHealth(&report);
    EXPECT_EQ(NotReadyReasons(report).empty(), site == 2) << site;
    report.vaults[0].ack_mode = "quorum";
    JudgeHealth(&report);
    EXPECT_TRUE(NotReadyReasons(report).empty()) << site;
  }
}

TEST(Health, ReadinessNamesWhatBlocksPushesOnly) {
  const std::map<std::string, bool> blocks = {{"PRIMARY_DOWN", true},  {"WITNESS_DOWN", false},
                                              {"VAULT_OPENING", true}, {"VAULT_FENCED", true},
                                              {"RPO_MISSED", false},   {"STATUS_PORT", false}};
  for (const Cause& cause : Causes()) {
    const auto expected = blocks.find(cause.code);
    if (expected == blocks.end()) continue;
    StatusReport report = Well();
    cause.happen(&report);
    JudgeHealth(&report);
    EXPECT_EQ(!NotReadyReasons(report).empty(), expected->second) << cause.code;
  }
}

}  // namespace
}  // namespace tidemark
