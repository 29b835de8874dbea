// AES-256 key wrap (RFC 3394): a 32-byte secret under a 32-byte key, with its integrity check.
// Inside this room only: keys.h derives a wrapping key for each use.
#ifndef TIDEMARK_CRYPTO_KEY_WRAP_H_
#define TIDEMARK_CRYPTO_KEY_WRAP_H_

#include "crypto/keys.h"

namespace tidemark {

WrappedKey WrapWithKey(const Secret32& wrapping_key, const Secret32& secret);
// False when the integrity check fails: another key or changed bytes.
bool UnwrapWithKey(const Secret32& wrapping_key, const WrappedKey& wrapped, Secret32* secret);

}  // namespace tidemark
#endif  // TIDEMARK_CRYPTO_KEY_WRAP_H_
