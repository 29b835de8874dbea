// Goal: JSON has exactly the contract's fields and types, and reads back. Method: samples; the
// library's parser is the judge.
#include "agent/report_json.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "agent/failure.h"

namespace tidemark {
namespace {

using Json = nlohmann::json;
using ::testing::ElementsAre;
using ::testing::IsSupersetOf;

const absl::Time kThen = absl::FromUnixMillis(1795221271123);

std::vector<std::string> KeysOf(const Json& json) {
  std::vector<std::string> keys;
  for (const auto& [key, value] : json.items()) keys.push_back(key);
  return keys;
}

PushReport SamplePush() {
  PushReport report;
  report.archive = "db/main";
  report.vault = "default";
  report.ack_mode = "strict";
  report.version = 3;
  report.sequence = 1ull << 60;
  report.committed_at = kThen;
  report.source_bytes = 5'000'000'000'000;
  report.chunks = 7;
  return report;
}

StatusReport SampleStatus() {
  StatusReport report;
  report.status = "warn";
  report.codes = {{"SITE_DOWN", "warn", "witness w: connection refused", "start it"}};
  SiteStatus site;
  site.name = "w";
  site.role = "witness";
  site.state = "down";
  site.replication_lag_seconds = 41.5;
  site.last_error = "connection refused";
  report.sites.push_back(site);
  VaultStatus vault;
  vault.name = "default";
  vault.state = "open";
  vault.archives = 2;
  report.vaults.push_back(vault);
  report.agent = "agent";
  report.software = "tidemark 0.1.0";
  report.at = kThen;
  return report;
}

TEST(ReportJson, PushHasTheContractsFieldsAsNumbersAndTimes) {
  const Json json = Json::parse(ToJson(SamplePush()));
  EXPECT_THAT(KeysOf(json),
              IsSupersetOf({"archive", "version", "vault", "sequence", "committed_at", "ack_mode",
                            "source_bytes", "data_bytes", "new_bytes", "stored_bytes", "chunks",
                            "new_chunks", "segments", "resumed_at_bytes"}));
  EXPECT_EQ(json["sequence"].get<uint64_t>(), 1ull << 60);
  EXPECT_TRUE(json["source_bytes"].is_number());
  absl::Time time;
  std::string error;
  EXPECT_TRUE(
      absl::ParseTime(absl::RFC3339_full, json["committed_at"].get<std::string>(), &time, &error));
  EXPECT_EQ(time, kThen);
}

TEST(ReportJson, PushReadsBack) {
  const absl::StatusOr<PushReport> report = ParsePushReport(ToJson(SamplePush()));
  ASSERT_TRUE(report.ok()) << report.status();
  EXPECT_EQ(ToJson(*report), ToJson(SamplePush()));
}

TEST(ReportJson, UnknownIsNullInStatus) {
  const Json json = Json::parse(ToJson(SampleStatus()));
  EXPECT_EQ(json["health"]["status"], "warn");
  EXPECT_EQ(json["health"]["codes"][0]["code"], "SITE_DOWN");
  const Json& site = json["sites"][0];
  EXPECT_THAT(KeysOf(site),
              IsSupersetOf({"name", "role", "state", "durable_sequence", "replication_lag_seconds",
                            "rpo_actual_seconds", "rpo_target_seconds", "pending_bytes", "iops",
                            "commits_per_second", "bytes_per_second", "ack_p50_seconds",
                            "ack_p99_seconds", "clock_skew_seconds", "last_error"}));
  EXPECT_TRUE(site["durable_sequence"].is_null());
  EXPECT_EQ(site["replication_lag_seconds"].get<double>(), 41.5);
  EXPECT_THAT(KeysOf(json["vaults"][0]),
              IsSupersetOf({"name", "committed_sequence", "source_bytes", "stored_bytes",
                            "dedup_ratio", "commit_p50_seconds", "archives"}));
}

TEST(ReportJson, AnOlderAgentsStatusIsRead) {
  StatusReport sample = SampleStatus();
  sample.vaults[0].sites.emplace_back().state = "streaming";
  Json json = Json::parse(ToJson(sample));
  EXPECT_EQ(ParseStatusReport(json.dump())->vaults[0].sites[0].state, "streaming");
  json["vaults"][0]["sites"][0].erase("state");
  const absl::StatusOr<StatusReport> report = ParseStatusReport(json.dump());
  ASSERT_TRUE(report.ok()) << report.status();
  EXPECT_EQ(report->vaults[0].sites[0].state, "");
}

TEST(ReportJson, StatusReadsBack) {
  StatusReport sample = SampleStatus();
  for (const bool scrubbed : {false, true}) {
    const absl::StatusOr<StatusReport> report = ParseStatusReport(ToJson(sample));
    ASSERT_TRUE(report.ok()) << report.status();
    EXPECT_EQ(ToJson(*report), ToJson(sample));
    EXPECT_EQ(report->sites[0].scrub.has_value(), scrubbed);
    ScrubStatus scrub;
    scrub.covered_share = 0.25;
    scrub.last_full_pass = kThen;
    scrub.bad = 1;
    scrub.worst = "record 3 block 0: no other site gives it";
    sample.sites[0].scrub = scrub;
  }
}

TEST(ReportJson, ListIsAnArrayAndReadsBack) {
  ListedVersion version;
  version.archive = "caf\xc3\xa9";
  version.vault = "default";
  version.version = 2;
  version.captured_at = kThen;
  version.committed_at = kThen + absl::Seconds(1);
  version.complete = false;
  const std::string text = ToJson(std::vector<ListedVersion>{version});
  const Json json = Json::parse(text);
  ASSERT_TRUE(json.is_array());
  EXPECT_THAT(KeysOf(json[0]), ElementsAre("archive", "captured_at", "committed_at", "complete",
                                           "sequence", "source_bytes", "vault", "version"));
  EXPECT_EQ(json[0]["complete"], false);
  const absl::StatusOr<std::vector<ListedVersion>> again = ParseVersions(text);
  ASSERT_TRUE(again.ok());
  EXPECT_EQ(ToJson(*again), text);
  EXPECT_EQ(ToJson(std::vector<ListedVersion>{}), "[]");
}

TEST(ReportJson, RestoreAndVerifyReadBack) {
  RestoreReport restored;
  restored.archive = "x";
  restored.restored_bytes = 12;
  restored.mtime_nanos = 1795221271123456789;
  const absl::StatusOr<RestoreReport> again = ParseRestoreReport(ToJson(restored));
  ASSERT_TRUE(again.ok());
  EXPECT_EQ(again->mtime_nanos, restored.mtime_nanos);
  VerifyReport verified;
  verified.versions_checked = 4;
  VerifyReport::Site damaged;
  damaged.name = "a";
  damaged.state = "damaged";
  damaged.found = 3;
  damaged.healed = 2;
  damaged.bad = {"record 17 block 3: no other site gives it"};
  damaged.healed_places = {"record 2 head: x", "record 9 block 0: y"};
  verified.sites.push_back(damaged);
  verified.bad = {"record 17 block 3 is needed by archive@1"};
  const absl::StatusOr<VerifyReport> read = ParseVerifyReport(ToJson(verified));
  ASSERT_TRUE(read.ok()) << read.status();
  EXPECT_EQ(ToJson(*read), ToJson(verified));
  EXPECT_EQ(read->sites[0].healed, 2u);
  ReplaceReport replaced;
  replaced.site = "b";
  replaced.new_store = "ff";
  const absl::StatusOr<ReplaceReport> told = ParseReplaceReport(ToJson(replaced));
  ASSERT_TRUE(told.ok()) << told.status();
  EXPECT_EQ(ToJson(*told), ToJson(replaced));
}

TEST(ReportJson, AnErrorHasItsFourFields) {
  const Json json = Json::parse(
      ErrorJson(WithHint(absl::UnavailableError("no agent at \xff"), "start it")))["error"];
  EXPECT_THAT(KeysOf(json), ElementsAre("code", "exit", "hint", "message"));
  EXPECT_EQ(json["code"], "unreachable");
  EXPECT_EQ(json["exit"], 69);
  EXPECT_TRUE(Json::parse(ErrorJson(absl::InternalError("x")))["error"]["hint"].is_null());
}

TEST(ReportJson, WhatIsNoReportIsRefused) {
  for (const char* text : {"", "[]", "{}", "null", "{\"archive\":1}", "{\"health\":3}"}) {
    EXPECT_FALSE(ParsePushReport(text).ok()) << text;
    EXPECT_FALSE(ParseStatusReport(text).ok()) << text;
    EXPECT_FALSE(ParseVerifyReport(text).ok()) << text;
  }
  EXPECT_FALSE(ParseVersions("{}").ok());
  EXPECT_FALSE(ParseVersions("[1]").ok());
}

TEST(ReportJson, TimesAreRfc3339) {
  EXPECT_TRUE(ParseRfc3339("2026-11-21T08:30:00+01:00").ok());
  EXPECT_FALSE(ParseRfc3339("yesterday").ok());
  EXPECT_EQ(*ParseRfc3339(FormatRfc3339(kThen)), kThen);
}

}  // namespace
}  // namespace tidemark
