#include <openssl/err.h>
#include <openssl/ssl.h>

#include <cassert>

#include "absl/strings/str_format.h"
#include "crypto/certificate_x509.h"
#include "crypto/tls_channel.h"

namespace tidemark {
namespace {

using SslContextHandle = std::unique_ptr<SSL_CTX, OpensslDeleter<SSL_CTX_free>>;

class TlsFactory : public ChannelFactory {
 public:
  explicit TlsFactory(SslContextHandle context) : context_(std::move(context)) {}
  std::unique_ptr<SecureChannel> Connect(absl::Time now) override {
    return MakeTlsChannel(context_.get(), /*connector=*/true, now);
  }
  std::unique_ptr<SecureChannel> Accept(absl::Time now) override {
    return MakeTlsChannel(context_.get(), /*connector=*/false, now);
  }

 private:
  SslContextHandle context_;
};

// Protocol choices only: what every channel of ours has.
SslContextHandle NewContext() {
  SslContextHandle context(SSL_CTX_new(TLS_method()));
  assert(context != nullptr);
  int ok = SSL_CTX_set_min_proto_version(context.get(), TLS1_3_VERSION);
  ok &= SSL_CTX_set_max_proto_version(context.get(), TLS1_3_VERSION);
  ok &= SSL_CTX_set_ciphersuites(context.get(), "TLS_AES_256_GCM_SHA384:TLS_AES_128_GCM_SHA256");
  ok &= SSL_CTX_set_num_tickets(context.get(), 0);
  assert(ok == 1);
  SSL_CTX_set_options(context.get(), SSL_OP_NO_TICKET | SSL_OP_NO_COMPRESSION);
  SSL_CTX_set_session_cache_mode(context.get(), SSL_SESS_CACHE_OFF);
  // Else OpenSSL would send the CA along, after checking it by the wall clock.
  SSL_CTX_set_mode(context.get(), SSL_MODE_NO_AUTO_CHAIN | SSL_MODE_RELEASE_BUFFERS);
  return context;
}

absl::Status CheckFit(X509* authority, X509* own, EVP_PKEY* key) {
  if (X509_check_ca(authority) != 1) {
    return absl::InvalidArgumentError("the certificate given as CA is not a CA certificate");
  }
  if (X509_check_private_key(own, key) != 1) {
    return absl::InvalidArgumentError("the own certificate and the own key do not belong together");
  }
  if (X509_verify(own, X509_get0_pubkey(authority)) != 1) {
    return absl::InvalidArgumentError(
        "the own certificate is signed by another CA than the one configured");
  }
  const absl::StatusOr<PartyName> party = PartyOf(own);
  if (!party.ok()) return party.status();
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<std::unique_ptr<ChannelFactory>> MakeTlsFactory(const ChannelIdentity& identity) {
  const absl::StatusOr<X509Handle> authority =
      ReadX509Pem(identity.authority_pem, "CA certificate");
  if (!authority.ok()) return authority.status();
  const absl::StatusOr<X509Handle> own =
      ReadX509Pem(identity.own.certificate_pem, "own certificate");
  if (!own.ok()) return own.status();
  const absl::StatusOr<PkeyHandle> key = ReadPrivateKeyPem(identity.own.private_key_pem, "own key");
  if (!key.ok()) return key.status();
  const absl::Status fit = CheckFit(authority->get(), own->get(), key->get());
  ERR_clear_error();
  if (!fit.ok()) return fit;

  SslContextHandle context = NewContext();
  const bool set =
      SSL_CTX_use_certificate(context.get(), own->get()) == 1 &&
      SSL_CTX_use_PrivateKey(context.get(), key->get()) == 1 &&
      X509_STORE_add_cert(SSL_CTX_get_cert_store(context.get()), authority->get()) == 1;
  if (!set) {
    return absl::InvalidArgumentError(
        absl::StrFormat("TLS cannot use the own certificate: %s", TakeOpensslError()));
  }
  return std::make_unique<TlsFactory>(std::move(context));
}

}  // namespace tidemark
