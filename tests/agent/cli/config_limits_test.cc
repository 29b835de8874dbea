// Goal: what an operator says of pushes near the RPO target, and of the agent's own share of its
// machine, is read, checked and written back.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "absl/strings/str_format.h"
#include "agent/config.h"
#include "tests/agent/cli/config_sample.h"

namespace tidemark {
namespace {

using ::testing::HasSubstr;

TEST(AgentConfig, APolicyNearTheTargetIsOneOfThree) {
  const auto parse = [](const std::string& added) {
    return ParseAgentConfig(kAgent + added, "/c/agent.toml");
  };
  EXPECT_EQ(parse("")->vaults[0].rpo_policy, "alert");
  for (const char* policy : {"alert", "throttle", "refuse"}) {
    const auto config = parse(absl::StrFormat("rpo_policy = \"%s\"\n", policy));
    ASSERT_TRUE(config.ok()) << config.status();
    EXPECT_EQ(config->vaults[0].rpo_policy, policy);
    EXPECT_THAT(WriteConfig(*config), HasSubstr(absl::StrFormat("rpo_policy = \"%s\"", policy)));
  }
  EXPECT_THAT(std::string(parse("rpo_policy = \"wait\"\n").status().message()),
              HasSubstr("'rpo_policy'"));
}

TEST(AgentConfig, ReadsItsOwnLimitsAndWritesThemBack) {
  const auto config = ParseAgentConfig(
      kAgent + "[limits]\nworkers = 4\ncpu_percent = 50\nmemory_percent = 10\n", "/c/agent.toml");
  ASSERT_TRUE(config.ok()) << config.status();
  EXPECT_EQ(config->workers, 4u);
  const auto again = ParseAgentConfig(WriteConfig(*config), "/c/agent.toml");
  ASSERT_TRUE(again.ok()) << again.status();
  EXPECT_EQ(again->workers, 4u);
  EXPECT_EQ(again->cpu_percent, 50u);
  EXPECT_EQ(again->memory_percent, 10u);
}

}  // namespace
}  // namespace tidemark
