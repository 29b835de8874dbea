// Goal: each cause has its code, each code its hint and its line in the manual; what an operator
// accepted is no alarm.
#include "agent/report/health.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <functional>
#include <regex>
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
      {"SITE_EQUIVOCATES", "error",
       [](StatusReport* r) { r->sites[2].conviction = "signed another history in receipt 7"; }},
      {"PROOF_NOT_KEPT", "warn", [](StatusReport* r) { r->proof_trouble = "no space"; }},
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

// An upper-case word in quotes is a code, variables of the environment apart.
std::set<std::string> CodesIn(const std::string& text) {
  static const std::regex word("\"([A-Z]+(_[A-Z]+)+)\"");
  std::set<std::string> codes;
  for (std::sregex_iterator it(text.begin(), text.end(), word), end; it != end; ++it) {
    const std::string code = (*it)[1];
    if (code != "NO_COLOR" && !code.starts_with("TIDEMARK_")) codes.insert(code);
  }
  return codes;
}

TEST(Health, EveryCodeThatTheAgentUsesIsInTheTable) {
  std::set<std::string> listed, used;
  for (const HealthRow& row : HealthTable()) listed.insert(row.code);
  for (const auto& entry :
       std::filesystem::recursive_directory_iterator(TIDEMARK_SOURCE_DIR "/agent")) {
    const std::string extension = entry.path().extension();
    if (extension != ".cc" && extension != ".h") continue;
    std::stringstream text;
    text << std::ifstream(entry.path()).rdbuf();
    for (const std::string& code : CodesIn(text.str())) {
      used.insert(code);
      EXPECT_TRUE(listed.contains(code)) << code << " in " << entry.path();
    }
  }
  EXPECT_TRUE(used.contains("PRIMARY_DOWN")) << "the sources were not found";
}

}  // namespace
}  // namespace tidemark
