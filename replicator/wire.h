// Control messages as bytes: length prefix, limits, and the formats' types in and out of protobuf.
//
//   ControlParser: (Feed, Next until nullopt)*; after an error the connection ends.
#ifndef TIDEMARK_REPLICATOR_WIRE_H_
#define TIDEMARK_REPLICATOR_WIRE_H_

#include <optional>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "replicator/record.h"
#include "replicator/wire.pb.h"

namespace tidemark {

// The message must fit kControlMessageBytesMax: whoever fills its lists bounds them.
std::string EncodeControl(const wire::Control& message);

// Collects what TLS gave and hands out whole messages. A length over kControlMessageBytesMax is
// refused before memory is taken. kInvalidArgument: malformed, now and ever after. A body that this
// side does not know comes out with body_case() == BODY_NOT_SET.
class ControlParser {
 public:
  void Feed(std::string_view plaintext);
  absl::StatusOr<std::optional<wire::Control>> Next();

 private:
  std::string buffer_;
  size_t taken_bytes_ = 0;  // of buffer_, by messages that were handed out
  absl::Status failed_;
};

wire::Position ToWire(const Position& position);
// An absent position is position 0. kInvalidArgument: malformed.
absl::StatusOr<Position> FromWire(const wire::Position& position);
std::string ToWire(ByteSpan bytes);
// False when `bytes` is not exactly out.size() bytes; then `out` is untouched.
bool FromWire(const std::string& bytes, MutableByteSpan out);

// The message is cut to kFailureMessageBytesMax and to printable ASCII: it reaches terminals.
inline constexpr size_t kFailureMessageBytesMax = 500;
wire::Failure MakeFailure(wire::Failure::Code code, const std::string& message);
// A Failure as the Status that its code means, "site NAME: message"; NONE is OK. Codes that share a
// status code stay apart: StatusFailure gives back the code that came in.
absl::Status FailureStatus(const std::string& site, const wire::Failure& failure);
wire::Failure StatusFailure(const absl::Status& status);

}  // namespace tidemark
#endif  // TIDEMARK_REPLICATOR_WIRE_H_
