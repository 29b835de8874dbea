#include "crypto/certificate.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/crypto/seeded_entropy.h"

namespace tidemark {
namespace {

using ::testing::HasSubstr;

struct CertificateTest : testing::Test {
  SeededEntropy entropy{1};
  const absl::Time now = absl::FromUnixSeconds(1'800'000'000);
  const absl::Duration year = absl::Hours(24 * 365);
  const Credential authority = CreateAuthority("test-ca", now, 10 * year, &entropy).value();
  const SigningKey key = SigningKey::Generate(&entropy);
};
using Certificate = CertificateTest;

TEST_F(Certificate, CarriesRoleNameAndKey) {
  for (Role role : {Role::kAgent, Role::kSite, Role::kPeer, Role::kReader, Role::kAdmin}) {
    const absl::StatusOr<Credential> issued =
        IssueCertificate(authority, role, "node-1.b_C", key, now, year, &entropy);
    ASSERT_TRUE(issued.ok()) << issued.status();
    const absl::StatusOr<PartyName> party = ReadCertificate(issued->certificate_pem);
    ASSERT_TRUE(party.ok()) << party.status();
    EXPECT_EQ(party->role, role);
    EXPECT_EQ(party->name, "node-1.b_C");
    EXPECT_EQ(party->key, key.public_key());
    EXPECT_EQ(SigningKey::FromPem(issued->private_key_pem)->public_key(), key.public_key());
  }
}

TEST_F(Certificate, RefusesNamesThatCouldForgeAnotherSan) {
  for (const std::string& name :
       {std::string(), std::string("a/b"), std::string("a b"), std::string("a,URI:x"),
        std::string("a\nb"), std::string("a\0b", 3), std::string("é"), std::string(65, 'a')}) {
    EXPECT_EQ(
        IssueCertificate(authority, Role::kSite, name, key, now, year, &entropy).status().code(),
        absl::StatusCode::kInvalidArgument)
        << name;
    EXPECT_EQ(CreateAuthority(name, now, year, &entropy).status().code(),
              absl::StatusCode::kInvalidArgument)
        << name;
  }
  EXPECT_TRUE(
      IssueCertificate(authority, Role::kSite, std::string(64, 'a'), key, now, year, &entropy)
          .ok());
}

TEST_F(Certificate, RefusesALifetimeThatIsNotPositive) {
  EXPECT_EQ(IssueCertificate(authority, Role::kSite, "a", key, now, absl::ZeroDuration(), &entropy)
                .status()
                .code(),
            absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(CreateAuthority("ca", now, -year, &entropy).status().code(),
            absl::StatusCode::kInvalidArgument);
}

TEST_F(Certificate, AnEndlessLifetimeIsCutToWhatX509CanSay) {
  EXPECT_TRUE(CreateAuthority("ca", now, absl::InfiniteDuration(), &entropy).ok());
}

TEST_F(Certificate, TheAuthorityMustBeWhole) {
  const Credential other = CreateAuthority("test-ca", now, year, &entropy).value();
  const auto issue = [&](const Credential& from) {
    return IssueCertificate(from, Role::kSite, "a", key, now, year, &entropy).status();
  };
  EXPECT_THAT(std::string(issue({authority.certificate_pem, other.private_key_pem}).message()),
              HasSubstr("do not belong together"));
  EXPECT_THAT(std::string(issue({"", authority.private_key_pem}).message()),
              HasSubstr("CA certificate"));
  EXPECT_THAT(std::string(issue({authority.certificate_pem, "junk"}).message()),
              HasSubstr("CA key"));
  const Credential leaf =
      IssueCertificate(authority, Role::kSite, "a", key, now, year, &entropy).value();
  EXPECT_THAT(std::string(issue(leaf).message()), HasSubstr("not a CA"));
}

TEST_F(Certificate, AnExpiredAuthorityIssuesNothing) {
  EXPECT_EQ(IssueCertificate(authority, Role::kSite, "a", key, now + 11 * year, year, &entropy)
                .status()
                .code(),
            absl::StatusCode::kFailedPrecondition);
}

TEST_F(Certificate, SerialsDiffer) {
  const auto fingerprint = [&] {
    const Credential issued =
        IssueCertificate(authority, Role::kSite, "a", key, now, year, &entropy).value();
    return CertificateFingerprint(issued.certificate_pem).value();
  };
  const std::string first = fingerprint();
  EXPECT_EQ(first.size(), 64u);
  EXPECT_NE(first, fingerprint());
}

TEST_F(Certificate, ReadingRefusesWhatNamesNoParty) {
  EXPECT_EQ(ReadCertificate("junk").status().code(), absl::StatusCode::kDataLoss);
  EXPECT_EQ(ReadCertificate(authority.certificate_pem).status().code(),
            absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(CertificateFingerprint("junk").status().code(), absl::StatusCode::kDataLoss);
}

TEST(RoleWords, GoThereAndBack) {
  for (Role role : {Role::kAgent, Role::kSite, Role::kPeer, Role::kReader, Role::kAdmin}) {
    EXPECT_EQ(ParseRole(RoleName(role)).value(), role);
  }
  EXPECT_EQ(ParseRole("root").status().code(), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(ParseRole("").status().code(), absl::StatusCode::kInvalidArgument);
}

}  // namespace
}  // namespace tidemark
