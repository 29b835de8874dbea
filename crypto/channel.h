// A secure channel as a byte filter: mutual TLS 1.3 without a socket.
//
// The owner moves bytes: what the network gave goes into Receive, what TakeOutgoing gives is
// sent. (Receive | Write | TakeOutgoing)* in any order; established() turns true once. After an
// error the channel is dead. Not thread-safe: owned by the loop thread.
//
// The simulator uses NullChannel: same interface, same exporter, no encryption.
#ifndef TIDEMARK_CRYPTO_CHANNEL_H_
#define TIDEMARK_CRYPTO_CHANNEL_H_

#include <memory>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "crypto/certificate.h"

namespace tidemark {

class SecureChannel {
 public:
  virtual ~SecureChannel() = default;
  // Bytes from the network. kUnauthenticated: bad, expired or foreign certificate, with a message
  // that says which; kInvalidArgument: not TLS.
  virtual absl::Status Receive(ByteSpan from_network) = 0;
  // Bytes for the network; empty when there are none. Also to be sent after an error (the alert).
  virtual std::string TakeOutgoing() = 0;
  virtual bool established() const = 0;
  // After established: who the other end is, by its certificate.
  virtual const PartyName& peer() const = 0;
  // After established: that certificate; empty where there are none.
  virtual std::string peer_certificate_pem() const { return ""; }
  // After established.
  virtual absl::Status Write(ByteSpan plaintext) = 0;
  // Decrypted bytes so far; empty when there are none.
  virtual std::string TakePlaintext() = 0;
  // True after the other end closed properly.
  virtual bool closed() const = 0;
  virtual void Close() = 0;
  // Keying material bound to this session (RFC 5705, RFC 8446 section 7.5). After established.
  virtual Secret32 ExportKey(std::string_view label, ByteSpan context) const = 0;
};

struct ChannelIdentity {
  std::string authority_pem;  // the CA certificate both ends must chain to
  Credential own;
};

// Makes channels. One per process; holds the parsed keys.
class ChannelFactory {
 public:
  virtual ~ChannelFactory() = default;
  virtual std::unique_ptr<SecureChannel> Connect(absl::Time now) = 0;
  virtual std::unique_ptr<SecureChannel> Accept(absl::Time now) = 0;
};
// TLS 1.3 only, both sides present certificates, no tickets, no 0-RTT. kInvalidArgument or
// kDataLoss names the piece that does not parse or does not fit together.
absl::StatusOr<std::unique_ptr<ChannelFactory>> MakeTlsFactory(const ChannelIdentity& identity);
// For the simulator: each end states its PartyName in clear; ExportKey = HKDF(both randoms, label,
// context).
std::unique_ptr<ChannelFactory> MakeNullFactory(const PartyName& own, EntropySource* entropy);

}  // namespace tidemark
#endif  // TIDEMARK_CRYPTO_CHANNEL_H_
