// HMAC-SHA256 (RFC 2104) and HKDF-SHA256 (RFC 5869). Inside this room only: others derive keys
// with keys.h and sealing.h, which fix the labels.
#ifndef TIDEMARK_CRYPTO_HMAC_H_
#define TIDEMARK_CRYPTO_HMAC_H_

#include <initializer_list>

#include "crypto/bytes.h"

namespace tidemark {

// Over the pieces laid end to end. The caller sees to it that their borders are unambiguous.
Secret32 HmacSha256(ByteSpan key, std::initializer_list<ByteSpan> pieces);

// Extract, then one block of expand: the first 32 bytes of RFC 5869's output.
Secret32 HkdfSha256WithSalt(ByteSpan salt, ByteSpan secret, std::initializer_list<ByteSpan> info);

}  // namespace tidemark
#endif  // TIDEMARK_CRYPTO_HMAC_H_
