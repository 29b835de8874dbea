// Goal: what cannot be loaded is named, with the right exit. Method: certificates of the wrong
// role, name, key and authority, made for the purpose.
#include "agent/cli/load.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>

#include "absl/time/clock.h"
#include "agent/cli/files.h"
#include "agent/cli/setup.h"
#include "agent/failure.h"

namespace tidemark {
namespace {

using ::testing::HasSubstr;

class LoadTest : public ::testing::Test {
 protected:
  LoadTest() {
    std::string pattern =
        (std::filesystem::temp_directory_path() / "tidemark-load-XXXXXX").string();
    directory_ = mkdtemp(pattern.data());
    authority_ = MakeAuthority();
    paths_ = {directory_ + "/ca.pem", directory_ + "/own.pem", directory_ + "/own.key"};
  }
  ~LoadTest() override { std::filesystem::remove_all(directory_); }
  Credential MakeAuthority() {
    return *CreateAuthority("test", absl::Now(), absl::Hours(1), &entropy_);
  }
  Credential Make(const Credential& authority, Role role, const std::string& name) {
    return IssueIdentity(authority, role, name, absl::Hours(1), &entropy_)->credential;
  }
  void Write(const Credential& authority, const std::string& certificate, const std::string& key) {
    ASSERT_TRUE(ReplaceFile(paths_.authority, authority.certificate_pem, 0600).ok());
    ASSERT_TRUE(ReplaceFile(paths_.certificate, certificate, 0600).ok());
    ASSERT_TRUE(ReplaceFile(paths_.private_key, key, 0600).ok());
  }
  absl::Status Loaded(Role role, const std::string& name) {
    return LoadIdentity(paths_, role, name).status();
  }
  SystemEntropy entropy_;
  std::string directory_;
  Credential authority_;
  CredentialPaths paths_;
};

TEST_F(LoadTest, RoleAndNameMustFit) {
  const Credential own = Make(authority_, Role::kSite, "a");
  Write(authority_, own.certificate_pem, own.private_key_pem);
  EXPECT_TRUE(Loaded(Role::kSite, "a").ok());
  EXPECT_TRUE(Loaded(Role::kSite, "").ok());
  EXPECT_EQ(ExitOf(Loaded(Role::kSite, "b")), kExitPermission);
  EXPECT_EQ(ExitOf(Loaded(Role::kAgent, "a")), kExitPermission);
  EXPECT_THAT(std::string(Loaded(Role::kAgent, "a").message()), HasSubstr("of site 'a'"));
}

TEST_F(LoadTest, TheKeyMustBelongToTheCertificate) {
  const Credential own = Make(authority_, Role::kSite, "a");
  const Credential other = Make(authority_, Role::kSite, "a");
  Write(authority_, own.certificate_pem, other.private_key_pem);
  EXPECT_EQ(ExitOf(Loaded(Role::kSite, "a")), kExitPermission);
}

TEST_F(LoadTest, WhatIsMissingOrNoPemIsAConfigurationError) {
  EXPECT_EQ(ExitOf(Loaded(Role::kSite, "a")), kExitConfig);
  Write(authority_, "not pem", "not pem");
  EXPECT_EQ(ExitOf(Loaded(Role::kSite, "a")), kExitConfig);
}

TEST_F(LoadTest, AMissingConfigurationIsNamed) {
  const absl::Status status = LoadAgentConfig(directory_ + "/none.toml").status();
  EXPECT_EQ(ExitOf(status), kExitConfig);
  EXPECT_THAT(std::string(status.message()), HasSubstr("none.toml"));
}

TEST_F(LoadTest, ASealedKeyFileWithoutATerminalNeedsAPassphraseFile) {
  AgentConfig config;
  config.key_file = directory_ + "/kek.key";
  const KeyEncryptionKey kek = KeyEncryptionKey::Generate(&entropy_);
  ASSERT_TRUE(ReplaceFile(config.key_file, EncodeKeyFile(kek, "secret", &entropy_), 0600).ok());
  config.key_passphrase_file = directory_ + "/passphrase";
  EXPECT_EQ(ExitOf(LoadKey(config).status()), kExitNoInput) << "the passphrase file is missing";
  ASSERT_TRUE(ReplaceFile(config.key_passphrase_file, "secret\r\n", 0600).ok());
  EXPECT_TRUE(LoadKey(config).ok());
}

}  // namespace
}  // namespace tidemark
