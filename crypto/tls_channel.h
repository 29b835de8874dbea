// One TLS channel over a prepared OpenSSL context. Inside this room only: tls_factory.cc decides
// what the context allows, tls_channel.cc moves the bytes.
#ifndef TIDEMARK_CRYPTO_TLS_CHANNEL_H_
#define TIDEMARK_CRYPTO_TLS_CHANNEL_H_

#include <openssl/types.h>

#include <memory>

#include "crypto/channel.h"

namespace tidemark {

// The channel keeps its own reference to the context.
std::unique_ptr<SecureChannel> MakeTlsChannel(SSL_CTX* context, bool connector, absl::Time now);

}  // namespace tidemark
#endif  // TIDEMARK_CRYPTO_TLS_CHANNEL_H_
