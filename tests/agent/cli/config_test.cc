// Goal: what is not allowed is refused with file, line and what is; what is written reads back.
// Method: a right file, and a table of single changes to it.
#include "agent/config.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "absl/strings/str_replace.h"
#include "tests/agent/cli/config_sample.h"

namespace tidemark {
namespace {

using ::testing::HasSubstr;

const std::string kSite = R"(name = "a"
role = "primary"
store = "store"
listen = "0.0.0.0:7000"
data_listen = "0.0.0.0:0"
authority = "ca.pem"
certificate = "site.pem"
private_key = "site.key"
[limits]
sessions_max = 32
[scrub]
period_seconds = 86400
)";

TEST(AgentConfig, ReadsARightFile) {
  const absl::StatusOr<AgentConfig> config = ParseAgentConfig(kAgent, "/etc/tidemark/agent.toml");
  ASSERT_TRUE(config.ok()) << config.status();
  EXPECT_EQ(config->state, "/etc/tidemark/state");
  EXPECT_EQ(config->socket, "/etc/tidemark/agent.sock");
  EXPECT_EQ(config->key_file, "/etc/keys/kek.key");
  EXPECT_EQ(config->socket_mode, 0660u);
  EXPECT_EQ(config->record_buffers, 16u);
  EXPECT_EQ(config->span_buffers, 20u);
  EXPECT_EQ(config->log_level, LogLevel::kWarn);
  ASSERT_EQ(config->sites.size(), 3u);
  EXPECT_TRUE(config->sites[1].is_primary);
  EXPECT_FALSE(config->sites[2].is_primary);
  ASSERT_EQ(config->vaults.size(), 1u);
  EXPECT_FALSE(config->vaults[0].compression);
  EXPECT_EQ(config->vaults[0].id.hex(), "000102030405060708090a0b0c0d0e0f");
  EXPECT_EQ(config->vaults[0].rpo_target_seconds, 900u);
}

struct Change {
  const char* from;
  const char* to;
  const char* message;  // begins with the line
};

TEST(AgentConfig, RefusesWithLineAndWhatIsAllowed) {
  const Change kChanges[] = {
      {"socket = ", "sokcet = ", ":1: 'socket' is missing"},
      {"name = \"agent\"\n", "name = \"agent\"\nnaem = 1\n", ":2: unknown key 'naem'"},
      {"state = \"state\"", "state = 7", ":2: 'state' at the top level must be a string"},
      {"record_buffers = 16", "record_buffers = \"16\"", ":9: 'record_buffers' in [memory]"},
      {"record_buffers = 16", "record_buffers = 2", "from 8 to 4096"},
      {"record_buffers = 16", "buffers = 16", "allowed here: index_cache_bytes, record_buffers"},
      {"level = \"warn\"", "level = \"loud\"", ":11: 'level' in [log] must be error, warn"},
      {"role = \"witness\"", "role = \"primary\"", "two primaries and one witness"},
      {"role = \"witness\"", "role = \"leader\"", "must be \"primary\" or \"witness\""},
      {"10.0.0.2:7000", "10.0.0.2", ":19: 'address' in [[sites]]"},
      {"10.0.0.2:7000", "10.0.0.2:0", "\"host:port\""},
      {"10.0.0.2:7000", "10.0.0.2:70000", "\"host:port\""},
      {"10.0.0.2:7000", "10.0.0.1:7000", "have the same address"},
      {"name = \"b\"", "name = \"a\"", "two sites are named 'a'"},
      {"id = \"0001", "id = \"001", ":26: 'id' in [[vaults]] must be 32 hex digits"},
      {"compression = false", "compression = \"no\"", "must be true or false"},
      {"compression = false", "ack = \"none\"", "must be \"strict\" or \"quorum\""},
      {"compression = false", "quorum_after_seconds = 0", "quorum_after_seconds"},
      {"compression = false", "segment_bytes = 3000000000000", "to 2000000000000"},
      {"compression = false", "chunk_bytes_average = 65537", "average"},
      {"socket = \"agent.sock\"", "socket = \"agent.sock\"\nsocket_mode = \"0990\"",
       ":4: 'socket_mode' at the top level must be an octal mode"},
      {"[log]", "[log", "not TOML"},
  };
  for (const Change& change : kChanges) {
    const std::string text = absl::StrReplaceAll(kAgent, {{change.from, change.to}});
    ASSERT_NE(text, kAgent) << change.from;
    const absl::StatusOr<AgentConfig> config = ParseAgentConfig(text, "/c/agent.toml");
    ASSERT_FALSE(config.ok()) << change.to;
    EXPECT_EQ(config.status().code(), absl::StatusCode::kFailedPrecondition);
    const std::string message(config.status().message());
    EXPECT_THAT(message, HasSubstr("/c/agent.toml:"));
    EXPECT_THAT(message, HasSubstr(change.message)) << change.to;
  }
}

TEST(AgentConfig, RefusesASocketPathThatDoesNotFit) {
  const std::string text = absl::StrReplaceAll(kAgent, {{"agent.sock", std::string(120, 's')}});
  const absl::StatusOr<AgentConfig> config = ParseAgentConfig(text, "/c/agent.toml");
  EXPECT_THAT(std::string(config.status().message()), HasSubstr("at most 107"));
}

TEST(AgentConfig, WhatIsWrittenReadsBackTheSame) {
  const absl::StatusOr<AgentConfig> config = ParseAgentConfig(kAgent, "/c/agent.toml");
  ASSERT_TRUE(config.ok());
  AgentConfig changed = *config;
  changed.name = "quote \" backslash \\ tab \t";
  changed.reader = {changed.identity.authority, "/c/reader.pem", "/c/reader.key"};
  changed.sites[0].key = std::string(64, 'a');
  const std::string text = WriteConfig(changed);
  const absl::StatusOr<AgentConfig> again = ParseAgentConfig(text, "/c/agent.toml");
  ASSERT_TRUE(again.ok()) << again.status() << text;
  EXPECT_EQ(WriteConfig(*again), text);
  EXPECT_EQ(again->name, changed.name);
}

TEST(AgentConfig, AVaultHasTheTargetOfItsClass) {
  for (const auto& [data_class, target] :
       {std::pair("general", 900), {"database", 900}, {"media", 3600}, {"wal", 60}}) {
    const std::string text =
        kAgent + "class = \"" + data_class + "\"\ntier = \"S2\"\ntier_enforced = true\n";
    const absl::StatusOr<AgentConfig> config = ParseAgentConfig(text, "/c/agent.toml");
    ASSERT_TRUE(config.ok()) << config.status();
    EXPECT_EQ(config->vaults[0].rpo_target_seconds, static_cast<uint64_t>(target));
    EXPECT_EQ(config->vaults[0].tier, "S2");
  }
}

TEST(AgentConfig, AVaultHasTheChunksOfItsClassUnlessItSaysOthers) {
  const CutLimits small{4 * 1024, 16 * 1024, 64 * 1024};
  struct Said {
    std::string added;
    CutLimits meant;
  };
  const Said table[] = {
      {"", CutLimits()},
      {"class = \"general\"\n", CutLimits()},
      {"class = \"media\"\n", CutLimits()},
      {"class = \"wal\"\n", CutLimits()},
      {"class = \"database\"\n", small},
      {"chunk_bytes_average = 131072\nclass = \"database\"\nchunk_bytes_max = 262144\n",
       {4 * 1024, 128 * 1024, 256 * 1024}},
  };
  for (const Said& said : table) {
    const absl::StatusOr<AgentConfig> config = ParseAgentConfig(kAgent + said.added, "/c/a.toml");
    ASSERT_TRUE(config.ok()) << config.status();
    EXPECT_EQ(config->vaults[0].cut, said.meant) << said.added;
    const AgentConfig again = *ParseAgentConfig(WriteConfig(*config), "/c/a.toml");
    EXPECT_EQ(again.vaults[0].cut, said.meant) << said.added;
  }
}

// So that another word for the class is enough, in what setup wrote.
TEST(AgentConfig, ChunksOfTheClassAreWrittenAsComments) {
  const absl::StatusOr<AgentConfig> config = ParseAgentConfig(kAgent, "/c/agent.toml");
  ASSERT_TRUE(config.ok());
  const std::string text =
      absl::StrReplaceAll(WriteConfig(*config), {{"class = \"general\"", "class = \"database\""}});
  const absl::StatusOr<AgentConfig> changed = ParseAgentConfig(text, "/c/agent.toml");
  EXPECT_EQ(changed.value().vaults[0].cut.bytes_average, 16u * 1024);
}

TEST(AgentConfig, ASiteMayHaveRatesByTheHour) {
  const std::string address = "address = \"[fd00::3]:7000\"\n";
  const auto parse = [&address](const std::string& added) {
    return ParseAgentConfig(absl::StrReplaceAll(kAgent, {{address, address + added}}), "/c/a.toml");
  };
  const absl::StatusOr<AgentConfig> config = parse(
      "rate_limit = \"100MB/s\"\nrate_schedule = [\"Mon-Fri 08:00-18:00 20MB/s\", "
      "\"22:00-06:00 none\"]\nrate_zone = \"Europe/Paris\"\n");
  ASSERT_TRUE(config.ok()) << config.status();
  EXPECT_EQ(config->sites[0].rate, RateSchedule());
  EXPECT_EQ(config->sites[2].rate.bytes_per_second, 100'000'000u);
  ASSERT_EQ(config->sites[2].rate.windows.size(), 2u);
  EXPECT_EQ(config->sites[2].rate.windows[0].bytes_per_second, 20'000'000u);
  const AgentConfig again = *ParseAgentConfig(WriteConfig(*config), "/c/a.toml");
  EXPECT_EQ(again.sites[2].rate, config->sites[2].rate);
  const std::pair<std::string, std::string> wrong[] = {
      {"rate_limit = \"fast\"\n", "'rate_limit' in [[sites]] must be a rate such as"},
      {"rate_limit = 100\n", "a string in quotes"},
      {"rate_schedule = \"08:00-18:00 1MB/s\"\n", "a list of texts"},
      {"rate_schedule = [\"08:00-18:00 1MB/s\", \"at night\"]\n", "hours and a rate such as"},
      {"rate_zone = \"Paris/Europe\"\n", "a time zone such as"},
  };
  for (const auto& [added, says] : wrong) {
    EXPECT_THAT(std::string(parse(added).status().message()), HasSubstr(says)) << added;
    EXPECT_THAT(std::string(parse(added).status().message()), HasSubstr(":24: ")) << added;
  }
}

TEST(AgentConfig, ReadsAlertsMaintenanceAndPrices) {
  const absl::StatusOr<AgentConfig> config = ParseAgentConfig(kAgent + R"(
[sla]
raise_after_seconds = 5
[prices]
overage_per_gb_month = 0.5
egress_included_bytes = 1000000000
credit_percent = 5
credit_step_seconds = 600
credit_rto_seconds = 900
[[alerts]]
name = "noc"
type = "slack"
url_file = "noc.url"
least = "danger"
escalate_after_seconds = 900
hours = "Mon-Fri 09:00-18:30"
zone = "Europe/Paris"
[[alerts]]
name = "internal"
url = "https://internal/hook"
event = "bjlg_sla_alert"
[[maintenance]]
begins = "2026-12-01T20:00:00Z"
ends = "2026-12-01T23:00:00Z"
)",
                                                              "/c/agent.toml");
  ASSERT_TRUE(config.ok()) << config.status();
  EXPECT_EQ(config->sla.timing.raise_after, absl::Seconds(5));
  EXPECT_EQ(config->sla.prices.overage_per_gb_month, 0.5);
  EXPECT_EQ(config->sla.prices.egress_included_bytes, 1e9);
  EXPECT_EQ(config->sla.prices.credit_percent, 5);
  EXPECT_EQ(config->sla.prices.credit_step, absl::Minutes(10));
  EXPECT_EQ(config->sla.prices.credit_rto, absl::Minutes(15));
  ASSERT_EQ(config->sla.channels.size(), 2u);
  EXPECT_EQ(config->sla.channels[0].event, "sla_alert");
  EXPECT_EQ(config->sla.channels[1].event, "bjlg_sla_alert");
  const AlertChannel& channel = config->sla.channels[0];
  EXPECT_EQ(channel.url_file, "/c/noc.url");
  EXPECT_EQ(channel.least, SlaLevel::kDanger);
  EXPECT_EQ(channel.escalate_after, absl::Minutes(15));
  EXPECT_EQ(channel.hours.days, 0x1f);
  EXPECT_EQ(channel.hours.to_minute, 18 * 60 + 30);
  ASSERT_EQ(config->sla.maintenance.size(), 1u);
}

TEST(AgentConfig, RefusesWhatAnOperatorShouldNotMean) {
  struct Wrong {
    std::string added, says;
  };
  const Wrong table[] = {
      {"[status]\nlisten = \"0.0.0.0:9740\"\n", "not on loopback: set token_file"},
      {"[status]\nlisten = \"9740\"\n", "host:port"},
      {"[status]\nclient_authority = \"x.pem\"\n", "certificate and private_key"},
      {"[[alerts]]\nname = \"x\"\n", "one of url and url_file"},
      {"[[alerts]]\nname = \"x\"\ntype = \"sms\"\nurl = \"http://x\"\n", "'type'"},
      {"[[alerts]]\nname = \"x\"\ntype = \"email\"\nurl = \"smtp://x\"\n", "from and to"},
      {"[[alerts]]\nname = \"x\"\nurl = \"http://x\"\nhours = \"Fri-Mon 09:00-18:00\"\n",
       "Mon-Fri 09:00-18:00"},
      {"[[maintenance]]\nbegins = \"2026-12-02T00:00:00Z\"\nends = \"2026-12-01T00:00:00Z\"\n",
       "in this order"},
      {"[prices]\negress_per_gb = -1\n", "0 or more"},
      {"[prices]\ncredit_percent = 101\n", "'credit_percent' in [prices] must be a number from 0"},
      {"[prices]\ncredit_step_seconds = 0\n", "from 60 to 2678400"},
      {"[prices]\ncredit_step_seconds = 29.5\n", "a whole number"},
      {"[prices]\ncredit_rto_seconds = -1\n", "from 0 to 2678400"},
      {"[[alerts]]\nname = \"x\"\nurl = \"http://x\"\nevent = \"a b\"\n", "letters, digits"},
      {"[[alerts]]\nname = \"x\"\nurl = \"http://x\"\ntype = \"slack\"\nevent = \"y\"\n",
       "for type generic only"},
      {"[limits]\ncpu_percent = 0\n", "from 1 to 100"},
      {"[limits]\nmemory = 5\n", "memory"},
  };
  for (const Wrong& wrong : table) {
    const absl::Status status = ParseAgentConfig(kAgent + wrong.added, "/c/agent.toml").status();
    EXPECT_THAT(std::string(status.message()), HasSubstr(wrong.says)) << wrong.added;
  }
  EXPECT_TRUE(ParseAgentConfig(kAgent + "[status]\nlisten = \"\"\n", "/c/agent.toml").ok());
}

TEST(SiteConfig, ReadsARightFileAndWritesItBack) {
  const absl::StatusOr<SiteConfig> config = ParseSiteConfig(kSite, "/c/site.toml");
  ASSERT_TRUE(config.ok()) << config.status();
  EXPECT_EQ(config->options.store_path, "/c/store");
  EXPECT_EQ(config->options.data_listen, "0.0.0.0:0");
  EXPECT_EQ(config->options.sessions_max, 32u);
  EXPECT_EQ(config->options.scrub_period_seconds, 86400u);
  EXPECT_EQ(config->options.scrub_bytes_per_second_max, kScrubBytesPerSecondMax);
  const std::string text = WriteConfig(*config);
  const absl::StatusOr<SiteConfig> again = ParseSiteConfig(text, "/c/site.toml");
  ASSERT_TRUE(again.ok()) << again.status();
  EXPECT_EQ(WriteConfig(*again), text);
}

TEST(SiteConfig, RefusesWhatAnAgentHas) {
  const absl::StatusOr<SiteConfig> config =
      ParseSiteConfig(kSite + "[[vaults]]\nname = \"x\"\n", "/c/site.toml");
  EXPECT_THAT(std::string(config.status().message()), HasSubstr("unknown key 'vaults'"));
}

TEST(SiteConfig, IsToldFromAnAgents) {
  EXPECT_TRUE(LooksLikeSiteConfig(kSite));
  EXPECT_FALSE(LooksLikeSiteConfig(kAgent));
  EXPECT_FALSE(LooksLikeSiteConfig("not toml ["));
}

}  // namespace
}  // namespace tidemark
