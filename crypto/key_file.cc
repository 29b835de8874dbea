// The key file:
//
//   tidemark-key-1
//   id 32 hex digits
//   passphrase yes|none
//   scrypt N=32768 r=8 p=1 salt 64 hex digits
//   wrapped 80 hex digits
//   checksum 64 hex digits: BLAKE3 of all lines above
#include <openssl/evp.h>

#include <cassert>
#include <optional>

#include "absl/strings/str_format.h"
#include "crypto/key_wrap.h"
#include "crypto/keys.h"
#include "crypto/openssl_handles.h"

namespace tidemark {
namespace {

constexpr std::string_view kFamily = "tidemark-key-";
constexpr std::string_view kFirstLine = "tidemark-key-1\n";
constexpr std::string_view kChecksumWord = "checksum ";
constexpr uint64_t kScryptN = 1 << 15;
constexpr uint64_t kScryptR = 8;
constexpr uint64_t kScryptP = 1;
constexpr uint64_t kScryptMemoryBytesMax = 64 << 20;  // 128 * N * r, and room

Secret32 KeyFromPassphrase(std::string_view passphrase, ByteSpan salt, ByteSpan kek_id) {
  Secret32 stretched;
  const int ok = EVP_PBE_scrypt(passphrase.data(), passphrase.size(), OpensslIn(salt), salt.size(),
                                kScryptN, kScryptR, kScryptP, kScryptMemoryBytesMax,
                                OpensslOut(stretched.mutable_view()), stretched.view().size());
  assert(ok == 1);
  // Binds the id: a key does not open under another name.
  return HkdfSha256(stretched.view(), "tidemark/key-file/1", kek_id);
}

// Takes "PREFIX value\n" off the front of text; nothing when the line is another.
std::optional<std::string_view> TakeLine(std::string_view* text, std::string_view prefix) {
  const size_t end = text->find('\n');
  if (end == std::string_view::npos || text->substr(0, prefix.size()) != prefix)
    return std::nullopt;
  if (end < prefix.size()) return std::nullopt;
  const std::string_view value = text->substr(prefix.size(), end - prefix.size());
  text->remove_prefix(end + 1);
  return value;
}

struct KeyFileFields {
  std::array<std::byte, 16> id;
  bool has_passphrase = false;
  std::array<std::byte, 32> salt;
  WrappedKey wrapped;
};

std::string ScryptPrefix() {
  return absl::StrFormat("scrypt N=%d r=%d p=%d salt ", kScryptN, kScryptR, kScryptP);
}

std::optional<KeyFileFields> ParseFields(std::string_view body) {
  KeyFileFields fields;
  const auto id = TakeLine(&body, "id ");
  if (!id.has_value() || !FromHex(*id, fields.id)) return std::nullopt;
  const auto passphrase = TakeLine(&body, "passphrase ");
  if (!passphrase.has_value() || (*passphrase != "yes" && *passphrase != "none"))
    return std::nullopt;
  fields.has_passphrase = *passphrase == "yes";
  const auto salt = TakeLine(&body, ScryptPrefix());
  if (!salt.has_value() || !FromHex(*salt, fields.salt)) return std::nullopt;
  const auto wrapped = TakeLine(&body, "wrapped ");
  if (!wrapped.has_value() || !FromHex(*wrapped, fields.wrapped)) return std::nullopt;
  if (!body.empty()) return std::nullopt;
  return fields;
}

absl::Status CheckFirstLine(std::string_view text) {
  if (text.substr(0, kFirstLine.size()) == kFirstLine) return absl::OkStatus();
  if (text.substr(0, kFamily.size()) != kFamily) {
    return absl::InvalidArgumentError(
        "not a tidemark key file: it does not begin with tidemark-key-1");
  }
  std::string_view version = text.substr(kFamily.size());
  version = version.substr(0, version.find('\n'));
  const bool is_number = !version.empty() && version.size() <= 4 &&
                         version.find_first_not_of("0123456789") == std::string_view::npos;
  if (!is_number) return absl::DataLossError("key file is damaged in its first line");
  return absl::UnimplementedError(absl::StrFormat(
      "key file has version %s; this program reads version 1: use a newer one", version));
}

}  // namespace

std::string EncodeKeyFile(const KeyEncryptionKey& kek, std::string_view passphrase,
                          EntropySource* entropy) {
  std::array<std::byte, 32> salt;
  entropy->Fill(salt);
  const WrappedKey wrapped = WrapWithKey(KeyFromPassphrase(passphrase, salt, kek.id), kek.key);
  std::string text(kFirstLine);
  text += "id " + ToHex(kek.id) + "\n";
  text += passphrase.empty() ? "passphrase none\n" : "passphrase yes\n";
  text += ScryptPrefix() + ToHex(salt) + "\n";
  text += "wrapped " + ToHex(wrapped) + "\n";
  const Digest checksum = HashBytes(AsBytes(text));
  return text + std::string(kChecksumWord) + checksum.hex() + "\n";
}

absl::StatusOr<KeyEncryptionKey> DecodeKeyFile(std::string_view text, std::string_view passphrase) {
  const absl::Status first_line = CheckFirstLine(text);
  if (!first_line.ok()) return first_line;
  const size_t checksum_at = text.rfind(kChecksumWord);
  if (checksum_at == std::string_view::npos) {
    return absl::DataLossError(
        "key file is damaged: its checksum line is missing; use another copy");
  }
  std::string_view checksum_line = text.substr(checksum_at);
  const std::string_view covered = text.substr(0, checksum_at);
  const auto stated = TakeLine(&checksum_line, kChecksumWord);
  Digest checksum;
  if (!stated.has_value() || !checksum_line.empty() || !FromHex(*stated, checksum.bytes) ||
      checksum != HashBytes(AsBytes(covered))) {
    return absl::DataLossError(
        "key file is damaged: its checksum does not match; use another copy");
  }
  const std::optional<KeyFileFields> fields = ParseFields(covered.substr(kFirstLine.size()));
  if (!fields.has_value()) return absl::InvalidArgumentError("key file is malformed");
  if (fields->has_passphrase && passphrase.empty()) {
    return absl::PermissionDeniedError("key file is protected by a passphrase and none was given");
  }
  if (!fields->has_passphrase) passphrase = {};
  KeyEncryptionKey kek;
  kek.id = fields->id;
  if (!UnwrapWithKey(KeyFromPassphrase(passphrase, fields->salt, fields->id), fields->wrapped,
                     &kek.key)) {
    return absl::PermissionDeniedError("wrong passphrase for the key file");
  }
  return kek;
}

}  // namespace tidemark
