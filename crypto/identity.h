// Ed25519 identities (RFC 8032): who signs checkpoints and receipts.
#ifndef TIDEMARK_CRYPTO_IDENTITY_H_
#define TIDEMARK_CRYPTO_IDENTITY_H_

#include <array>
#include <compare>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "crypto/bytes.h"

namespace tidemark {

struct PublicKey {
  std::array<std::byte, 32> bytes{};
  friend auto operator<=>(const PublicKey&, const PublicKey&) = default;
};
struct Signature {
  std::array<std::byte, 64> bytes{};
  friend bool operator==(const Signature&, const Signature&) = default;
};

class SigningKey {
 public:
  static SigningKey Generate(EntropySource* entropy);
  static absl::StatusOr<SigningKey> FromPem(std::string_view private_key_pem);
  static SigningKey FromSeed(Secret32 seed);
  // `domain` separates what is signed, e.g. "tidemark-receipt/1"; it is part of the signed bytes.
  Signature Sign(std::string_view domain, ByteSpan message) const;
  const PublicKey& public_key() const { return public_key_; }
  std::string ToPem() const;

 private:
  SigningKey(Secret32 seed, PublicKey public_key)
      : seed_(std::move(seed)), public_key_(public_key) {}
  Secret32 seed_;
  PublicKey public_key_;
};

// For the simulator, which plays most seeds with signatures that cost nothing and are worth
// nothing: while one is set it makes every signature, and one that it would have made verifies.
// Set between uses of keys; nullptr (the default): Ed25519.
using SignatureStandIn = Signature (*)(const PublicKey& key, ByteSpan signed_bytes);
void SetSignatureStandIn(SignatureStandIn stand_in);

bool VerifySignature(const PublicKey& key, std::string_view domain, ByteSpan message,
                     const Signature& signature);

}  // namespace tidemark
#endif  // TIDEMARK_CRYPTO_IDENTITY_H_
