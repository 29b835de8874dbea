// Signatures of messages to other programs: HMAC-SHA256 under a secret that both know, in hex, as
// webhooks carry it. Never over anything that is stored.
#ifndef TIDEMARK_CRYPTO_MESSAGE_SIGNATURE_H_
#define TIDEMARK_CRYPTO_MESSAGE_SIGNATURE_H_

#include <string>

namespace tidemark {

std::string MessageSignature(const std::string& secret, const std::string& message);
// A short name for a text: the first 16 bytes of its BLAKE3 digest, in hex.
std::string MessageDigest(const std::string& text);

}  // namespace tidemark
#endif  // TIDEMARK_CRYPTO_MESSAGE_SIGNATURE_H_
