// Goal: the command line means what the contract says, and misuse exits 64. Method: a table.
#include "agent/cli/arguments.h"

#include <gtest/gtest.h>

#include <cstdlib>

#include "agent/failure.h"

namespace tidemark {
namespace {

std::optional<int> Parse(std::vector<const char*> words, Arguments* arguments) {
  words.insert(words.begin(), "tidemark");
  return ParseArguments(static_cast<int>(words.size()), words.data(), arguments);
}

TEST(Arguments, GlobalFlagsMayFollowTheVerb) {
  for (const std::vector<const char*>& words :
       {std::vector<const char*>{"--json", "--vault", "v", "list", "x"},
        std::vector<const char*>{"list", "x", "--vault", "v", "--json"}}) {
    Arguments arguments;
    ASSERT_FALSE(Parse(words, &arguments).has_value());
    EXPECT_EQ(arguments.verb, "list");
    EXPECT_TRUE(arguments.json);
    EXPECT_EQ(arguments.vault, "v");
    EXPECT_EQ(arguments.name, "x");
  }
}

TEST(Arguments, PushReadsItsOptions) {
  Arguments arguments;
  ASSERT_FALSE(Parse({"push", "--name", "n", "--timeout", "90s", "--wait", "all",
                      "--idempotency-key", "k", "--no-compression", "--no-resume", "-"},
                     &arguments)
                   .has_value());
  EXPECT_EQ(arguments.verb, "push");
  EXPECT_EQ(arguments.path, "-");
  EXPECT_EQ(arguments.timeout, absl::Seconds(90));
  EXPECT_TRUE(arguments.wait_all);
  EXPECT_FALSE(arguments.compress);
  EXPECT_FALSE(arguments.resume);
  Arguments seconds;
  ASSERT_FALSE(Parse({"push", "--timeout", "5", "f"}, &seconds).has_value());
  EXPECT_EQ(seconds.timeout, absl::Seconds(5));
  EXPECT_TRUE(seconds.compress);
  EXPECT_TRUE(seconds.resume);
}

TEST(Arguments, RestoreReadsItsOptions) {
  Arguments arguments;
  ASSERT_FALSE(
      Parse({"restore", "n@3", "-o", "out", "--offset", "10", "--length", "0", "--from", "w",
             "--before", "2026-11-21T00:00:00Z", "--overwrite", "--kit", "k", "--store", "s"},
            &arguments)
          .has_value());
  EXPECT_EQ(arguments.offset, 10u);
  EXPECT_EQ(arguments.length, 0u);
  EXPECT_TRUE(arguments.before.has_value());
  EXPECT_TRUE(arguments.overwrite);
  EXPECT_EQ(arguments.store, "s");
}

TEST(Arguments, NestedVerbsAreNamedWhole) {
  Arguments arguments;
  ASSERT_FALSE(Parse({"setup", "ca", "dir"}, &arguments).has_value());
  EXPECT_EQ(arguments.verb, "setup ca");
  Arguments kit;
  ASSERT_FALSE(Parse({"keys", "kit", "--ack", "--config", "c"}, &kit).has_value());
  EXPECT_EQ(kit.verb, "keys kit");
  EXPECT_TRUE(kit.acknowledge);
}

TEST(Arguments, TheSocketComesFromFlagThenEnvironmentThenDefault) {
  setenv("TIDEMARK_SOCKET", "/from/environment", 1);
  setenv("TIDEMARK_CONFIG", "/from/environment.toml", 1);
  Arguments flag, environment;
  ASSERT_FALSE(Parse({"status", "--socket", "/from/flag"}, &flag).has_value());
  EXPECT_EQ(flag.socket, "/from/flag");
  ASSERT_FALSE(Parse({"status"}, &environment).has_value());
  EXPECT_EQ(environment.socket, "/from/environment");
  EXPECT_EQ(environment.config_or_default, "/from/environment.toml");
  EXPECT_EQ(environment.config, "") << "the environment never switches the agent off";
  unsetenv("TIDEMARK_SOCKET");
  unsetenv("TIDEMARK_CONFIG");
  Arguments otherwise;
  ASSERT_FALSE(Parse({"status"}, &otherwise).has_value());
  EXPECT_EQ(otherwise.socket, "/run/tidemark/agent.sock");
}

TEST(Arguments, MisuseExits64) {
  const std::vector<std::vector<const char*>> kWrong = {
      {},
      {"fly"},
      {"push"},
      {"push", "a", "b"},
      {"push", "a", "--timeout", "soon"},
      {"push", "a", "--timeout", "-5s"},
      {"push", "a", "--timeout", "0"},
      {"push", "a", "--wait", "some"},
      {"push", "a", "--kit", "k"},
      {"restore", "n"},
      {"restore", "n", "-o", "x", "--offset", "-1"},
      {"restore", "n", "-o", "x", "--length", "many"},
      {"restore", "n", "-o", "x", "--before", "yesterday"},
      {"restore", "n", "-o", "x", "--store", "s"},
      {"restore", "n", "-o", "x", "--kit", "k", "--config", "c"},
      {"setup"},
      {"setup", "site"},
      {"agent"},
      {"status", "--loud"},
  };
  for (const std::vector<const char*>& words : kWrong) {
    Arguments arguments;
    std::string line;
    for (const char* word : words) line += std::string(word) + " ";
    EXPECT_EQ(Parse(words, &arguments), kExitUsage) << line;
  }
}

TEST(Arguments, HelpExits0) {
  Arguments arguments;
  EXPECT_EQ(Parse({"--help"}, &arguments), 0);
  EXPECT_EQ(Parse({"push", "--help"}, &arguments), 0);
}

}  // namespace
}  // namespace tidemark
