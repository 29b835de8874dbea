// Peers that our own factory would never make: built on OpenSSL directly, to see how TlsChannel
// takes them.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>

#include "crypto/channel.h"
#include "tests/crypto/seeded_entropy.h"

namespace tidemark {
namespace {

using ::testing::HasSubstr;

constexpr absl::Duration kYear = absl::Hours(24 * 365);

// One end of TLS that verifies nothing unless told to.
class Stranger {
 public:
  Stranger() : context_(SSL_CTX_new(TLS_method())) {}
  ~Stranger() {
    SSL_free(ssl_);
    SSL_CTX_free(context_);
  }
  void Present(const Credential& credential) {
    BIO* bio = BIO_new_mem_buf(credential.certificate_pem.data(),
                               static_cast<int>(credential.certificate_pem.size()));
    X509* certificate = PEM_read_bio_X509(bio, nullptr, nullptr, nullptr);
    BIO_free(bio);
    bio = BIO_new_mem_buf(credential.private_key_pem.data(),
                          static_cast<int>(credential.private_key_pem.size()));
    EVP_PKEY* key = PEM_read_bio_PrivateKey(bio, nullptr, nullptr, nullptr);
    BIO_free(bio);
    EXPECT_EQ(SSL_CTX_use_certificate(context_, certificate), 1);
    EXPECT_EQ(SSL_CTX_use_PrivateKey(context_, key), 1);
    X509_free(certificate);
    EVP_PKEY_free(key);
  }
  void SpeakAtMost(int version) { SSL_CTX_set_max_proto_version(context_, version); }
  // Requires a certificate of the other end and then finds it bad, since it trusts no CA.
  void TrustNobody() {
    SSL_CTX_set_verify(context_, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, nullptr);
  }
  void Start(bool connector) {
    ssl_ = SSL_new(context_);
    SSL_set_bio(ssl_, BIO_new(BIO_s_mem()), BIO_new(BIO_s_mem()));
    connector ? SSL_set_connect_state(ssl_) : SSL_set_accept_state(ssl_);
    Step();
  }
  void Receive(const std::string& bytes) {
    if (!bytes.empty()) BIO_write(SSL_get_rbio(ssl_), bytes.data(), static_cast<int>(bytes.size()));
    Step();
  }
  std::string TakeOutgoing() {
    std::string out(BIO_ctrl_pending(SSL_get_wbio(ssl_)), '\0');
    if (!out.empty()) BIO_read(SSL_get_wbio(ssl_), out.data(), static_cast<int>(out.size()));
    return out;
  }

 private:
  void Step() {
    SSL_do_handshake(ssl_);
    ERR_clear_error();
  }
  SSL_CTX* context_;
  SSL* ssl_ = nullptr;
};

// Until nothing moves; the first error that our end gives.
absl::Status Meet(SecureChannel* ours, Stranger* stranger) {
  absl::Status first;
  for (bool moved = true; moved;) {
    const std::string theirs = stranger->TakeOutgoing();
    if (!theirs.empty()) {
      const absl::Status received = ours->Receive(AsBytes(theirs));
      if (first.ok()) first = received;
    }
    const std::string own = ours->TakeOutgoing();
    if (!own.empty()) stranger->Receive(own);
    moved = !theirs.empty() || !own.empty();
  }
  return first;
}

struct TlsStrangerTest : testing::Test {
  std::unique_ptr<ChannelFactory> Factory(Role role, const std::string& name) {
    return MakeTlsFactory({authority.certificate_pem, Issue(authority, role, name)}).value();
  }
  Credential Issue(const Credential& from, Role role, const std::string& name) {
    return IssueCertificate(from, role, name, SigningKey::Generate(&entropy), now, kYear, &entropy)
        .value();
  }
  // What our site says to this connector.
  absl::Status SiteMeets(Stranger* connector) {
    connector->Start(/*connector=*/true);
    const auto channel = Factory(Role::kSite, "b")->Accept(now);
    const absl::Status status = Meet(channel.get(), connector);
    EXPECT_FALSE(channel->established());
    return status;
  }
  SeededEntropy entropy{1};
  absl::Time now = absl::FromUnixSeconds(1'800'000'000);
  Credential authority = CreateAuthority("test-ca", now, 10 * kYear, &entropy).value();
};
using TlsStranger = TlsStrangerTest;

TEST_F(TlsStranger, AClientOfAnotherCaIsRefused) {
  const Credential other = CreateAuthority("test-ca", now, kYear, &entropy).value();
  Stranger thief;
  thief.Present(Issue(other, Role::kAgent, "agent-1"));
  const absl::Status status = SiteMeets(&thief);
  EXPECT_EQ(status.code(), absl::StatusCode::kUnauthenticated);
  EXPECT_THAT(std::string(status.message()), HasSubstr("certificate signed by another CA"));
}

TEST_F(TlsStranger, AClientWithoutCertificateIsRefused) {
  Stranger browser;
  const absl::Status status = SiteMeets(&browser);
  EXPECT_EQ(status.code(), absl::StatusCode::kUnauthenticated);
  EXPECT_THAT(std::string(status.message()), HasSubstr("presented no certificate"));
}

TEST_F(TlsStranger, AnOlderTlsIsRefused) {
  Stranger old;
  old.Present(Issue(authority, Role::kAgent, "agent-1"));
  old.SpeakAtMost(TLS1_2_VERSION);
  const absl::Status status = SiteMeets(&old);
  EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
  EXPECT_THAT(std::string(status.message()), HasSubstr("TLS 1.3"));
}

TEST_F(TlsStranger, TheCaItselfIsNoParty) {
  Stranger authority_holder;
  authority_holder.Present(authority);
  EXPECT_EQ(SiteMeets(&authority_holder).code(), absl::StatusCode::kUnauthenticated);
}

TEST_F(TlsStranger, ARefusedClientLearnsItAfterItsHandshake) {
  Stranger site;
  site.Present(Issue(authority, Role::kSite, "b"));
  site.TrustNobody();
  site.Start(/*connector=*/false);
  const auto channel = Factory(Role::kAgent, "agent-1")->Connect(now);
  const absl::Status status = Meet(channel.get(), &site);
  EXPECT_TRUE(channel->established()) << "TLS 1.3 lets the client finish first";
  EXPECT_EQ(status.code(), absl::StatusCode::kUnauthenticated);
  EXPECT_THAT(std::string(status.message()),
              HasSubstr("refused our certificate: certificate signed by another CA"));
  EXPECT_EQ(channel->Write(AsBytes("x")), status);
}

}  // namespace
}  // namespace tidemark
