// Goal: setup makes what the daemons load, with secrets kept, and replaces nothing. Method: a whole
// set of three sites and an agent in a temporary directory.
#include "agent/cli/setup.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <filesystem>
#include <fstream>

#include "agent/cli/files.h"
#include "agent/cli/load.h"
#include "agent/cli/verbs.h"
#include "agent/failure.h"

namespace tidemark {
namespace {

class SetupTest : public ::testing::Test {
 protected:
  SetupTest() {
    std::string pattern =
        (std::filesystem::temp_directory_path() / "tidemark-setup-XXXXXX").string();
    directory_ = mkdtemp(pattern.data());
    arguments_.authority_directory = directory_ + "/ca";
  }
  ~SetupTest() override { std::filesystem::remove_all(directory_); }

  Arguments Site(const std::string& name, const std::string& role) const {
    Arguments site = arguments_;
    site.name = name;
    site.role = role;
    site.listen = "127.0.0.1:7000";
    site.data_listen = "127.0.0.1:7001";
    site.setup_store = directory_ + "/" + name + "/store";
    site.out_directory = directory_ + "/" + name;
    return site;
  }
  Arguments Agent() const {
    Arguments agent = arguments_;
    agent.name = "agent";
    agent.sites = {"a=primary=127.0.0.1:7000", "b=primary=127.0.0.1:7002",
                   "w=witness=127.0.0.1:7004"};
    agent.state_directory = directory_ + "/agent";
    agent.setup_socket = directory_ + "/agent.sock";
    agent.out_directory = directory_ + "/agent";
    return agent;
  }
  void MakeSites() const {
    ASSERT_EQ(RunSetupAuthority(arguments_), 0);
    ASSERT_EQ(RunSetupSite(Site("a", "primary")), 0);
    ASSERT_EQ(RunSetupSite(Site("b", "primary")), 0);
    ASSERT_EQ(RunSetupSite(Site("w", "witness")), 0);
  }
  static mode_t ModeOf(const std::string& path) {
    struct stat found{};
    EXPECT_EQ(stat(path.c_str(), &found), 0) << path;
    return found.st_mode & 0777;
  }
  std::string directory_;
  Arguments arguments_;
};

TEST_F(SetupTest, MakesWhatTheDaemonsLoad) {
  MakeSites();
  ASSERT_EQ(RunSetupAgent(Agent()), 0);
  const absl::StatusOr<SiteConfig> site = LoadSiteConfig(directory_ + "/w/site.toml");
  ASSERT_TRUE(site.ok()) << site.status();
  EXPECT_FALSE(site->options.is_primary);
  EXPECT_TRUE(LoadIdentity(site->identity, Role::kSite, "w").ok());
  const absl::StatusOr<AgentConfig> agent = LoadAgentConfig(directory_ + "/agent/agent.toml");
  ASSERT_TRUE(agent.ok()) << agent.status();
  EXPECT_TRUE(LoadIdentity(agent->identity, Role::kAgent, "agent").ok());
  EXPECT_TRUE(LoadKey(*agent).ok());
}

TEST_F(SetupTest, TheKitHoldsKeySitesAndReader) {
  MakeSites();
  ASSERT_EQ(RunSetupAgent(Agent()), 0);
  const absl::StatusOr<AgentConfig> config = LoadAgentConfig(directory_ + "/agent/agent.toml");
  ASSERT_TRUE(config.ok());
  const absl::StatusOr<std::string> text = ReadWholeFile(directory_ + "/agent/recovery-kit.json");
  ASSERT_TRUE(text.ok());
  const absl::StatusOr<RecoveryKit> kit = ParseKit(*text);
  ASSERT_TRUE(kit.ok()) << kit.status();
  const absl::StatusOr<KeyEncryptionKey> kek = LoadKey(*config);
  ASSERT_TRUE(kek.ok());
  EXPECT_EQ(kit->kek.id, kek->id);
  ASSERT_EQ(kit->sites.size(), 3u);
  EXPECT_EQ(kit->sites[2].role, "witness");
  const absl::StatusOr<std::string> certificate = ReadWholeFile(directory_ + "/w/site.pem");
  ASSERT_TRUE(certificate.ok());
  EXPECT_EQ(kit->sites[2].key, ReadCertificate(*certificate)->key);
  ASSERT_EQ(kit->vaults.size(), 1u);
  EXPECT_EQ(kit->vaults[0].name, "default");
  EXPECT_EQ(kit->vaults[0].id, config->vaults[0].id);
  EXPECT_EQ(ReadCertificate(kit->identity.own.certificate_pem)->role, Role::kReader);
}

TEST_F(SetupTest, SecretsAreTheOwnersAlone) {
  MakeSites();
  ASSERT_EQ(RunSetupAgent(Agent()), 0);
  for (const char* secret :
       {"ca/authority.key", "a/site.key", "agent/agent.key", "agent/reader.key", "agent/kek.key",
        "agent/recovery-kit.json", "agent/recovery-kit.txt"}) {
    EXPECT_EQ(ModeOf(directory_ + "/" + secret), 0600u) << secret;
  }
}

TEST_F(SetupTest, ReplacesNothing) {
  MakeSites();
  ASSERT_EQ(RunSetupAgent(Agent()), 0);
  const absl::StatusOr<std::string> before = ReadWholeFile(directory_ + "/agent/kek.key");
  EXPECT_EQ(RunSetupAuthority(arguments_), kExitExists);
  EXPECT_EQ(RunSetupSite(Site("a", "primary")), kExitExists);
  EXPECT_EQ(RunSetupAgent(Agent()), kExitExists);
  EXPECT_EQ(*ReadWholeFile(directory_ + "/agent/kek.key"), *before);
}

TEST_F(SetupTest, WrongInputSaysSoAndMakesNothing) {
  MakeSites();
  EXPECT_EQ(RunSetupSite(Site("x", "leader")), kExitUsage);
  Arguments two = Agent();
  two.sites.pop_back();
  EXPECT_EQ(RunSetupAgent(two), kExitUsage);
  Arguments unknown = Agent();
  unknown.sites[2] = "v=witness=127.0.0.1:7004";
  EXPECT_EQ(RunSetupAgent(unknown), kExitConfig);
  Arguments garbled = Agent();
  garbled.sites[2] = "w:witness:127.0.0.1:7004";
  EXPECT_EQ(RunSetupAgent(garbled), kExitUsage);
  EXPECT_FALSE(Exists(directory_ + "/agent/kek.key"));
}

TEST_F(SetupTest, APassphraseFileSealsTheKeyFile) {
  MakeSites();
  Arguments agent = Agent();
  agent.passphrase_file = directory_ + "/passphrase";
  std::ofstream(agent.passphrase_file) << "correct horse\n";
  ASSERT_EQ(RunSetupAgent(agent), 0);
  absl::StatusOr<AgentConfig> config = LoadAgentConfig(directory_ + "/agent/agent.toml");
  ASSERT_TRUE(config.ok());
  EXPECT_TRUE(LoadKey(*config).ok());
  std::ofstream(agent.passphrase_file) << "wrong horse\n";
  EXPECT_EQ(ExitOf(LoadKey(*config).status()), kExitPermission);
}

}  // namespace
}  // namespace tidemark
