// Goal: a kit comes back as it was, and a kit with any changed byte does not come back at all.
#include "agent/recover/kit.h"

#include <gtest/gtest.h>

#include "absl/strings/str_replace.h"
#include "tests/crypto/seeded_entropy.h"

namespace tidemark {
namespace {

RecoveryKit SomeKit() {
  SeededEntropy entropy(21);
  RecoveryKit kit;
  kit.kek = KeyEncryptionKey::Generate(&entropy);
  entropy.Fill(kit.agent_key.bytes);
  kit.identity.authority_pem = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
  kit.identity.own = {"-----BEGIN CERTIFICATE-----\nBBBB\n", "-----BEGIN PRIVATE KEY-----\nCC\n"};
  for (const char* name : {"a", "b", "w"}) {
    KitSite site = {name, name[0] == 'w' ? "witness" : "primary", "127.0.0.1:700", PublicKey()};
    entropy.Fill(site.key.bytes);
    kit.sites.push_back(site);
  }
  KitVault vault = {"de\"fault \xc3\xa4", VaultId::Random(&entropy), {}};
  kit.vaults.push_back(vault);
  vault.checkpoint.resize(77, std::byte{0x5a});
  kit.vaults.push_back(vault);
  return kit;
}

TEST(Kits, ComeBackAsTheyWere) {
  const RecoveryKit kit = SomeKit();
  absl::StatusOr<RecoveryKit> back = ParseKit(EncodeKit(kit));
  ASSERT_TRUE(back.ok()) << back.status();
  EXPECT_EQ(back->kek.id, kit.kek.id);
  EXPECT_TRUE(EqualInConstantTime(back->kek.key.view(), kit.kek.key.view()));
  EXPECT_EQ(back->agent_key, kit.agent_key);
  EXPECT_EQ(back->identity.authority_pem, kit.identity.authority_pem);
  EXPECT_EQ(back->identity.own.certificate_pem, kit.identity.own.certificate_pem);
  EXPECT_EQ(back->identity.own.private_key_pem, kit.identity.own.private_key_pem);
  ASSERT_EQ(back->sites.size(), 3u);
  EXPECT_EQ(back->sites[2].role, "witness");
  EXPECT_EQ(back->sites[1].address, "127.0.0.1:700");
  EXPECT_EQ(back->sites[1].key, kit.sites[1].key);
  ASSERT_EQ(back->vaults.size(), 2u);
  EXPECT_EQ(back->vaults[0].name, kit.vaults[0].name);
  EXPECT_EQ(back->vaults[1].checkpoint, kit.vaults[1].checkpoint);
  EXPECT_EQ(back->vaults[1].id, kit.vaults[1].id);
}

TEST(Kits, RefuseEveryFlippedBit) {
  const std::string text = EncodeKit(SomeKit());
  for (size_t i = 0; i < text.size(); ++i) {
    for (int bit = 0; bit < 8; ++bit) {
      std::string changed = text;
      changed[i] = static_cast<char>(changed[i] ^ (1 << bit));
      EXPECT_EQ(ParseKit(changed).status().code(), absl::StatusCode::kDataLoss) << i << " " << bit;
    }
  }
}

TEST(Kits, RefuseWhatIsCutShortOrLonger) {
  const std::string text = EncodeKit(SomeKit());
  for (size_t i = 0; i < text.size(); i += 13) {
    EXPECT_EQ(ParseKit(text.substr(0, i)).status().code(), absl::StatusCode::kDataLoss) << i;
  }
  EXPECT_EQ(ParseKit(text + " ").status().code(), absl::StatusCode::kDataLoss);
  EXPECT_EQ(ParseKit("").status().code(), absl::StatusCode::kDataLoss);
  EXPECT_EQ(ParseKit("[]").status().code(), absl::StatusCode::kDataLoss);
  EXPECT_EQ(ParseKit("{\"format\":\"tidemark-recovery-kit\"}").status().code(),
            absl::StatusCode::kDataLoss);
}

// Puts the right checksum on a changed kit.
std::string Resealed(std::string text) {
  const size_t at = text.rfind("\"checksum\": \"") + 13;
  text.replace(at, 64, std::string(64, '0'));
  const std::string digest = HashBytes(AsBytes(text)).hex();
  return text.replace(at, 64, digest);
}

TEST(Kits, SayWhenTheyAreNewer) {
  std::string text = EncodeKit(SomeKit());
  text = Resealed(absl::StrReplaceAll(text, {{"\"version\": 1", "\"version\": 2"}}));
  EXPECT_EQ(ParseKit(text).status().code(), absl::StatusCode::kUnimplemented);
}

TEST(Kits, NameTheFieldThatIsWrong) {
  const std::string text = EncodeKit(SomeKit());
  auto message_of = [&](const char* from, const char* to) {
    const absl::Status status =
        ParseKit(Resealed(absl::StrReplaceAll(text, {{from, to}}))).status();
    EXPECT_EQ(status.code(), absl::StatusCode::kDataLoss);
    return std::string(status.message());
  };
  EXPECT_NE(message_of("\"address\"", "\"adress\"").find("sites[0].address"), std::string::npos);
  EXPECT_NE(message_of("\"kek\"", "\"k\"").find("kek"), std::string::npos);
  EXPECT_NE(message_of("\"id\"", "\"di\"").find("id"), std::string::npos);
  EXPECT_NE(message_of("\"vaults\"", "\"vault\"").find("vaults"), std::string::npos);
}

TEST(Kits, PrintTheKeyInGroupsOfHex) {
  const RecoveryKit kit = SomeKit();
  const std::string page = PrintableKit(kit);
  const std::string hex = ToHex(kit.kek.key.view());
  EXPECT_NE(page.find(hex.substr(0, 4) + " " + hex.substr(4, 4) + " "), std::string::npos);
  EXPECT_NE(page.find(kit.vaults[0].id.hex()), std::string::npos);
  EXPECT_NE(page.find(kit.identity.own.private_key_pem), std::string::npos);
  EXPECT_NE(page.find("tidemark restore"), std::string::npos);
}

}  // namespace
}  // namespace tidemark
