#include "crypto/tls_channel.h"

#include <openssl/err.h>
#include <openssl/ssl.h>

#include <cassert>
#include <climits>
#include <utility>

#include "absl/strings/str_format.h"
#include "crypto/certificate_x509.h"

namespace tidemark {
namespace {

using SslHandle = std::unique_ptr<SSL, OpensslDeleter<SSL_free>>;

constexpr size_t kRecordBytesMax = 16 << 10;

// Who a certificate speaks for, in words, however strange it is. Only checked characters get out.
std::string NameOf(const X509* certificate) {
  if (certificate == nullptr) return "the other end";
  const absl::StatusOr<PartyName> party = PartyOf(certificate);
  return party.ok() ? absl::StrFormat("%s %s", RoleName(party->role), party->name)
                    : "the other end";
}

// What OpenSSL's verification found, in words. depth 0 is the party's own certificate, 1 the CA's.
std::string DescribeVerifyError(int error, int depth, const X509* certificate) {
  const std::string whose =
      depth == 0 ? "the certificate of " + NameOf(certificate) : "the CA certificate";
  switch (error) {
    case X509_V_ERR_CERT_HAS_EXPIRED:
      return whose + ": certificate expired";
    case X509_V_ERR_CERT_NOT_YET_VALID:
      return whose + ": certificate not yet valid; compare the clocks";
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT:
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY:
    case X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE:
    case X509_V_ERR_CERT_SIGNATURE_FAILURE:
    case X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT:
    case X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN:
      return whose + ": certificate signed by another CA";
    default:
      return whose + ": " + X509_verify_cert_error_string(error);
  }
}

// The alert by which the other end refused our certificate; empty when it is another error.
std::string DescribeRefusal(int reason) {
  switch (reason) {
    case SSL_R_TLSV1_ALERT_UNKNOWN_CA:
    case SSL_R_TLSV1_ALERT_DECRYPT_ERROR:
      return "the other end refused our certificate: certificate signed by another CA";
    case SSL_R_SSLV3_ALERT_CERTIFICATE_EXPIRED:
      return "the other end refused our certificate: certificate expired";
    case SSL_R_TLSV13_ALERT_CERTIFICATE_REQUIRED:
      return "the other end requires a certificate";
    case SSL_R_SSLV3_ALERT_BAD_CERTIFICATE:
    case SSL_R_SSLV3_ALERT_UNSUPPORTED_CERTIFICATE:
    case SSL_R_SSLV3_ALERT_CERTIFICATE_UNKNOWN:
    case SSL_R_SSLV3_ALERT_CERTIFICATE_REVOKED:
    case SSL_R_TLSV1_ALERT_ACCESS_DENIED:
      return "the other end refused our certificate as bad or not yet valid; compare the clocks";
    default:
      return {};
  }
}

class TlsChannel : public SecureChannel {
 public:
  TlsChannel(SSL_CTX* context, bool connector, absl::Time now) : ssl_(SSL_new(context)) {
    assert(ssl_ != nullptr);
    from_network_ = BIO_new(BIO_s_mem());
    to_network_ = BIO_new(BIO_s_mem());
    SSL_set_bio(ssl_.get(), from_network_, to_network_);  // which owns them from here
    SSL_set_app_data(ssl_.get(), this);
    SSL_set_verify(ssl_.get(), SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, OnVerified);
    X509_VERIFY_PARAM_set_time(SSL_get0_param(ssl_.get()), absl::ToTimeT(now));
    if (connector) {
      SSL_set_connect_state(ssl_.get());
      dead_ = Shake();
    } else {
      SSL_set_accept_state(ssl_.get());
    }
  }

  absl::Status Receive(ByteSpan from_network) override {
    if (!dead_.ok()) return dead_;
    if (!from_network.empty()) {
      assert(from_network.size() <= INT_MAX);
      const int size = static_cast<int>(from_network.size());
      const int taken = BIO_write(from_network_, from_network.data(), size);
      assert(taken == size);
    }
    absl::Status status = established_ ? absl::OkStatus() : Shake();
    if (status.ok() && established_) status = Decrypt();
    dead_ = status;
    return status;
  }

  std::string TakeOutgoing() override {
    std::string out(BIO_ctrl_pending(to_network_), '\0');
    if (out.empty()) return out;
    const int size = BIO_read(to_network_, out.data(), static_cast<int>(out.size()));
    assert(size == static_cast<int>(out.size()));
    return out;
  }

  bool established() const override { return established_; }
  const PartyName& peer() const override {
    assert(established_);
    return peer_;
  }

  std::string peer_certificate_pem() const override {
    return WriteX509Pem(SSL_get0_peer_certificate(ssl_.get()));
  }

  absl::Status Write(ByteSpan plaintext) override {
    assert(established_);
    if (!dead_.ok()) return dead_;
    if (SSL_get_shutdown(ssl_.get()) & SSL_SENT_SHUTDOWN) {
      return absl::FailedPreconditionError("write on a channel after Close");
    }
    if (plaintext.empty()) return absl::OkStatus();
    ERR_clear_error();
    size_t written = 0;
    // A memory BIO takes everything, so one call writes all.
    if (SSL_write_ex(ssl_.get(), plaintext.data(), plaintext.size(), &written) != 1) {
      dead_ = DescribeFailure();
      return dead_;
    }
    assert(written == plaintext.size());
    return absl::OkStatus();
  }

  std::string TakePlaintext() override { return std::exchange(plaintext_, {}); }
  bool closed() const override { return closed_; }

  void Close() override {
    if (!established_ || !dead_.ok()) return;
    ERR_clear_error();
    SSL_shutdown(ssl_.get());
    ERR_clear_error();
  }

  Secret32 ExportKey(std::string_view label, ByteSpan context) const override {
    assert(established_);
    Secret32 key;
    const int ok =
        SSL_export_keying_material(ssl_.get(), OpensslOut(key.mutable_view()), 32, label.data(),
                                   label.size(), OpensslIn(context), context.size(), 1);
    assert(ok == 1);
    return key;
  }

 private:
  // Called by OpenSSL for each certificate of the chain; keeps the first error's words.
  static int OnVerified(int preverified, X509_STORE_CTX* store) {
    if (preverified == 1) return 1;
    auto* ssl =
        static_cast<SSL*>(X509_STORE_CTX_get_ex_data(store, SSL_get_ex_data_X509_STORE_CTX_idx()));
    auto* channel = static_cast<TlsChannel*>(SSL_get_app_data(ssl));
    if (channel->verify_error_.empty()) {
      channel->verify_error_ = DescribeVerifyError(X509_STORE_CTX_get_error(store),
                                                   X509_STORE_CTX_get_error_depth(store),
                                                   X509_STORE_CTX_get_current_cert(store));
    }
    return 0;
  }

  // One step of the handshake.
  absl::Status Shake() {
    ERR_clear_error();
    const int result = SSL_do_handshake(ssl_.get());
    if (result != 1) {
      if (SSL_get_error(ssl_.get(), result) == SSL_ERROR_WANT_READ) return absl::OkStatus();
      return DescribeFailure();
    }
    absl::StatusOr<PartyName> party = PartyOf(SSL_get0_peer_certificate(ssl_.get()));
    if (!party.ok()) {
      SSL_shutdown(ssl_.get());
      return absl::UnauthenticatedError(std::string(party.status().message()));
    }
    peer_ = *std::move(party);
    established_ = true;
    return absl::OkStatus();
  }

  absl::Status Decrypt() {
    char record[kRecordBytesMax];
    while (!closed_) {
      ERR_clear_error();
      size_t size = 0;
      const int result = SSL_read_ex(ssl_.get(), record, sizeof(record), &size);
      if (result == 1) {
        plaintext_.append(record, size);
        continue;
      }
      const int error = SSL_get_error(ssl_.get(), result);
      if (error == SSL_ERROR_WANT_READ) break;
      if (error != SSL_ERROR_ZERO_RETURN) return DescribeFailure();
      closed_ = true;
    }
    return absl::OkStatus();
  }

  // The reason of the last failure as a status.
  absl::Status DescribeFailure() {
    if (!verify_error_.empty()) return absl::UnauthenticatedError(verify_error_);
    const int reason = ERR_GET_REASON(ERR_peek_error());
    if (std::string refusal = DescribeRefusal(reason); !refusal.empty()) {
      ERR_clear_error();
      return absl::UnauthenticatedError(refusal);
    }
    const std::string words = TakeOpensslError();
    if (reason == SSL_R_PEER_DID_NOT_RETURN_A_CERTIFICATE) {
      return absl::UnauthenticatedError("the other end presented no certificate");
    }
    if (reason == SSL_R_UNSUPPORTED_PROTOCOL || reason == SSL_R_TLSV1_ALERT_PROTOCOL_VERSION) {
      return absl::InvalidArgumentError("the other end does not speak TLS 1.3");
    }
    if (established_) {
      return absl::DataLossError(absl::StrFormat("the TLS stream is damaged: %s", words));
    }
    return absl::InvalidArgumentError(absl::StrFormat("not a TLS peer: %s", words));
  }

  SslHandle ssl_;
  BIO* from_network_;  // owned by ssl_
  BIO* to_network_;    // owned by ssl_
  PartyName peer_;
  std::string plaintext_;
  std::string verify_error_;
  absl::Status dead_;
  bool established_ = false;
  bool closed_ = false;
};

}  // namespace

std::unique_ptr<SecureChannel> MakeTlsChannel(SSL_CTX* context, bool connector, absl::Time now) {
  return std::make_unique<TlsChannel>(context, connector, now);
}

}  // namespace tidemark
