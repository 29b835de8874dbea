#include "crypto/certificate.h"

#include <openssl/err.h>
#include <openssl/pem.h>

#include <algorithm>
#include <cassert>
#include <optional>

#include "absl/strings/str_format.h"
#include "crypto/certificate_x509.h"

namespace tidemark {
namespace {

constexpr std::string_view kUriScheme = "tidemark://";
constexpr size_t kNameBytesMax = 64;
constexpr absl::Duration kClockSkewAllowed = absl::Hours(1);
constexpr int64_t kSecondsMax = 253402300799;  // 9999-12-31T23:59:59Z, where X.509 ends

struct RoleWord {
  Role role;
  std::string_view word;
};
constexpr RoleWord kRoleWords[] = {{Role::kAgent, "agent"},
                                   {Role::kSite, "site"},
                                   {Role::kPeer, "peer"},
                                   {Role::kReader, "reader"},
                                   {Role::kAdmin, "admin"}};

using ExtensionHandle = std::unique_ptr<X509_EXTENSION, OpensslDeleter<X509_EXTENSION_free>>;
using BignumHandle = std::unique_ptr<BIGNUM, OpensslDeleter<BN_free>>;
using NamesHandle = std::unique_ptr<GENERAL_NAMES, OpensslDeleter<GENERAL_NAMES_free>>;

bool IsPartyName(std::string_view name) {
  if (name.empty() || name.size() > kNameBytesMax) return false;
  return std::all_of(name.begin(), name.end(), [](char c) {
    return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '.' ||
           c == '_' || c == '-';
  });
}

absl::Status CheckPartyName(std::string_view name) {
  if (IsPartyName(name)) return absl::OkStatus();
  return absl::InvalidArgumentError("a certificate's name must be 1 to 64 of A-Z a-z 0-9 . _ -");
}

// Every extension here is a constant or made of checked names, so a failure is our bug.
void AddExtension(X509* certificate, X509* issuer, int nid, const std::string& value) {
  X509V3_CTX context;
  X509V3_set_ctx_nodb(&context);
  X509V3_set_ctx(&context, issuer, certificate, nullptr, nullptr, 0);
  const ExtensionHandle extension(X509V3_EXT_conf_nid(nullptr, &context, nid, value.c_str()));
  assert(extension != nullptr);
  const int added = X509_add_ext(certificate, extension.get(), -1);
  assert(added == 1);
}

void SetSerial(X509* certificate, EntropySource* entropy) {
  std::array<std::byte, 16> serial;
  entropy->Fill(serial);
  serial[0] &= std::byte{0x7f};  // positive
  serial[0] |= std::byte{0x40};  // and of full size, never zero
  const BignumHandle number(BN_bin2bn(OpensslIn(serial), serial.size(), nullptr));
  const bool set = BN_to_ASN1_INTEGER(number.get(), X509_get_serialNumber(certificate)) != nullptr;
  assert(set);
}

void SetCommonName(X509_NAME* name, std::string_view text) {
  const int added = X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC,
                                               reinterpret_cast<const unsigned char*>(text.data()),
                                               static_cast<int>(text.size()), -1, 0);
  assert(added == 1);
}

// Subject, serial, key and validity. The start lies a little back: the other ends' clocks differ.
X509Handle NewCertificate(std::string_view name, EVP_PKEY* key, absl::Time now, absl::Time end,
                          EntropySource* entropy) {
  X509Handle certificate(X509_new());
  int ok = X509_set_version(certificate.get(), X509_VERSION_3);
  SetSerial(certificate.get(), entropy);
  SetCommonName(X509_get_subject_name(certificate.get()), name);
  ok &= X509_set_pubkey(certificate.get(), key);
  const time_t from = absl::ToTimeT(now - kClockSkewAllowed);
  const time_t until = std::min<int64_t>(absl::ToUnixSeconds(end), kSecondsMax);
  const bool dated = ASN1_TIME_set(X509_getm_notBefore(certificate.get()), from) != nullptr &&
                     ASN1_TIME_set(X509_getm_notAfter(certificate.get()), until) != nullptr;
  assert(ok == 1 && dated);
  return certificate;
}

void SignCertificate(X509* certificate, EVP_PKEY* key) {
  // Ed25519 has its digest built in.
  const int signature_bytes = X509_sign(certificate, key, nullptr);
  assert(signature_bytes > 0);
}

PkeyHandle PkeyOf(const SigningKey& key) {
  absl::StatusOr<PkeyHandle> pkey = ReadPrivateKeyPem(key.ToPem(), "signing key");
  assert(pkey.ok());
  return *std::move(pkey);
}

absl::Time EndOf(const X509* certificate) {
  tm end{};
  if (ASN1_TIME_to_tm(X509_get0_notAfter(certificate), &end) != 1) return absl::UnixEpoch();
  return absl::FromTM(end, absl::UTCTimeZone());
}

struct Authority {
  X509Handle certificate;
  PkeyHandle key;
};

absl::StatusOr<Authority> ReadAuthority(const Credential& credential, absl::Time now) {
  absl::StatusOr<X509Handle> certificate =
      ReadX509Pem(credential.certificate_pem, "CA certificate");
  if (!certificate.ok()) return certificate.status();
  absl::StatusOr<PkeyHandle> key = ReadPrivateKeyPem(credential.private_key_pem, "CA key");
  if (!key.ok()) return key.status();
  if (X509_check_ca(certificate->get()) != 1) {
    return absl::InvalidArgumentError("the certificate given as CA is not a CA certificate");
  }
  if (X509_check_private_key(certificate->get(), key->get()) != 1) {
    ERR_clear_error();
    return absl::InvalidArgumentError("the CA certificate and the CA key do not belong together");
  }
  if (EndOf(certificate->get()) <= now) {
    return absl::FailedPreconditionError("the CA certificate has expired: make a new CA");
  }
  return Authority{*std::move(certificate), *std::move(key)};
}

std::optional<PartyName> ParseUri(std::string_view uri) {
  if (uri.substr(0, kUriScheme.size()) != kUriScheme) return std::nullopt;
  uri.remove_prefix(kUriScheme.size());
  const size_t slash = uri.find('/');
  if (slash == std::string_view::npos) return std::nullopt;
  const absl::StatusOr<Role> role = ParseRole(uri.substr(0, slash));
  const std::string_view name = uri.substr(slash + 1);
  if (!role.ok() || !IsPartyName(name)) return std::nullopt;
  return PartyName{*role, std::string(name), PublicKey()};
}

}  // namespace

std::string WriteX509Pem(X509* certificate) {
  const BioHandle bio(BIO_new(BIO_s_mem()));
  const int written = PEM_write_bio_X509(bio.get(), certificate);
  assert(written == 1);
  return BioText(bio.get());
}

std::string_view RoleName(Role role) {
  for (const RoleWord& entry : kRoleWords) {
    if (entry.role == role) return entry.word;
  }
  assert(false && "not a role");
  return {};
}

absl::StatusOr<Role> ParseRole(std::string_view name) {
  for (const RoleWord& entry : kRoleWords) {
    if (entry.word == name) return entry.role;
  }
  return absl::InvalidArgumentError(
      absl::StrFormat("\"%s\" is not a role: agent, site, peer, reader or admin", name));
}

absl::StatusOr<Credential> CreateAuthority(std::string_view name, absl::Time now,
                                           absl::Duration lifetime, EntropySource* entropy) {
  const absl::Status named = CheckPartyName(name);
  if (!named.ok()) return named;
  if (lifetime <= absl::ZeroDuration()) {
    return absl::InvalidArgumentError("a certificate's lifetime must be positive");
  }
  const SigningKey key = SigningKey::Generate(entropy);
  const PkeyHandle pkey = PkeyOf(key);
  const X509Handle certificate = NewCertificate(name, pkey.get(), now, now + lifetime, entropy);
  X509* const x509 = certificate.get();
  const int named_issuer = X509_set_issuer_name(x509, X509_get_subject_name(x509));
  assert(named_issuer == 1);
  AddExtension(x509, x509, NID_basic_constraints, "critical,CA:TRUE,pathlen:0");
  AddExtension(x509, x509, NID_key_usage, "critical,keyCertSign,cRLSign");
  AddExtension(x509, x509, NID_subject_key_identifier, "hash");
  SignCertificate(x509, pkey.get());
  return Credential{WriteX509Pem(x509), key.ToPem()};
}

absl::StatusOr<Credential> IssueCertificate(const Credential& authority, Role role,
                                            std::string_view name, const SigningKey& key,
                                            absl::Time now, absl::Duration lifetime,
                                            EntropySource* entropy) {
  const absl::Status named = CheckPartyName(name);
  if (!named.ok()) return named;
  if (lifetime <= absl::ZeroDuration()) {
    return absl::InvalidArgumentError("a certificate's lifetime must be positive");
  }
  const absl::StatusOr<Authority> ca = ReadAuthority(authority, now);
  if (!ca.ok()) return ca.status();
  X509* const issuer = ca->certificate.get();
  const PkeyHandle pkey = PkeyOf(key);
  const absl::Time end = std::min(now + lifetime, EndOf(issuer));
  const X509Handle certificate = NewCertificate(name, pkey.get(), now, end, entropy);
  X509* const x509 = certificate.get();
  const int named_issuer = X509_set_issuer_name(x509, X509_get_subject_name(issuer));
  assert(named_issuer == 1);
  AddExtension(x509, issuer, NID_basic_constraints, "critical,CA:FALSE");
  AddExtension(x509, issuer, NID_key_usage, "critical,digitalSignature");
  AddExtension(x509, issuer, NID_ext_key_usage, "serverAuth,clientAuth");
  AddExtension(x509, issuer, NID_subject_key_identifier, "hash");
  AddExtension(x509, issuer, NID_authority_key_identifier, "keyid");
  AddExtension(x509, issuer, NID_subject_alt_name,
               absl::StrFormat("URI:%s%s/%s", kUriScheme, RoleName(role), name));
  SignCertificate(x509, ca->key.get());
  return Credential{WriteX509Pem(x509), key.ToPem()};
}

absl::StatusOr<PartyName> PartyOf(const X509* certificate) {
  EVP_PKEY* const key = X509_get0_pubkey(certificate);
  if (key == nullptr || EVP_PKEY_get_id(key) != EVP_PKEY_ED25519) {
    return absl::InvalidArgumentError("the certificate's key is not an Ed25519 key");
  }
  const NamesHandle names(static_cast<GENERAL_NAMES*>(
      X509_get_ext_d2i(certificate, NID_subject_alt_name, nullptr, nullptr)));
  std::optional<PartyName> party;
  for (int i = 0; i < sk_GENERAL_NAME_num(names.get()); ++i) {
    const GENERAL_NAME* name = sk_GENERAL_NAME_value(names.get(), i);
    if (name->type != GEN_URI) continue;
    const ASN1_STRING* uri = name->d.uniformResourceIdentifier;
    const std::string_view text(reinterpret_cast<const char*>(ASN1_STRING_get0_data(uri)),
                                static_cast<size_t>(ASN1_STRING_length(uri)));
    std::optional<PartyName> parsed = ParseUri(text);
    if (!parsed.has_value()) continue;
    if (party.has_value())
      return absl::InvalidArgumentError("the certificate names two tidemark parties");
    party = std::move(parsed);
  }
  if (!party.has_value()) {
    return absl::InvalidArgumentError(
        "the certificate names no tidemark party (SAN URI tidemark://ROLE/NAME)");
  }
  size_t size = party->key.bytes.size();
  const int ok = EVP_PKEY_get_raw_public_key(key, OpensslOut(party->key.bytes), &size);
  assert(ok == 1 && size == party->key.bytes.size());
  return *std::move(party);
}

absl::StatusOr<PartyName> ReadCertificate(std::string_view certificate_pem) {
  const absl::StatusOr<X509Handle> certificate = ReadX509Pem(certificate_pem, "certificate");
  if (!certificate.ok()) return certificate.status();
  return PartyOf(certificate->get());
}

absl::StatusOr<std::string> CertificateFingerprint(std::string_view certificate_pem) {
  const absl::StatusOr<X509Handle> certificate = ReadX509Pem(certificate_pem, "certificate");
  if (!certificate.ok()) return certificate.status();
  std::array<std::byte, 32> fingerprint;
  unsigned int size = 0;
  const int ok = X509_digest(certificate->get(), EVP_sha256(), OpensslOut(fingerprint), &size);
  assert(ok == 1 && size == fingerprint.size());
  return ToHex(fingerprint);
}

}  // namespace tidemark
