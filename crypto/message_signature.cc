#include "crypto/message_signature.h"

#include "crypto/digest.h"
#include "crypto/hmac.h"

namespace tidemark {

std::string MessageSignature(const std::string& secret, const std::string& message) {
  const Secret32 signature = HmacSha256(AsBytes(secret), {AsBytes(message)});
  return ToHex(signature.view());
}

std::string MessageDigest(const std::string& text) {
  const Digest digest = HashBytes(AsBytes(text));
  return ToHex(ByteSpan(digest.bytes).first(16));
}

}  // namespace tidemark
