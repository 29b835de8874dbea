#include "replicator/wire.h"

#include <algorithm>
#include <cassert>
#include <cstring>

#include "absl/strings/cord.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"

namespace tidemark {
namespace {

constexpr size_t kPrefixBytes = 4;
constexpr char kFailureCodeUrl[] = "tidemark/failure-code";

uint32_t ReadLength(std::string_view prefix) {
  uint32_t length = 0;
  for (size_t i = 0; i < kPrefixBytes; ++i) {
    length |= static_cast<uint32_t>(static_cast<unsigned char>(prefix[i])) << (8 * i);
  }
  return length;
}

std::string Printable(const std::string& text) {
  std::string printable = text.substr(0, kFailureMessageBytesMax);
  for (char& c : printable) {
    if (c < ' ' || c > '~') c = '?';
  }
  return printable;
}

absl::StatusCode StatusCodeOf(wire::Failure::Code code) {
  switch (code) {
    case wire::Failure::NONE:
      return absl::StatusCode::kOk;
    case wire::Failure::FENCED:
      return absl::StatusCode::kAborted;
    case wire::Failure::FULL:
      return absl::StatusCode::kResourceExhausted;
    case wire::Failure::DAMAGED:
    case wire::Failure::DIVERGED:
      return absl::StatusCode::kDataLoss;
    case wire::Failure::VERSION:
      return absl::StatusCode::kUnimplemented;
    case wire::Failure::FORBIDDEN:
      return absl::StatusCode::kPermissionDenied;
    case wire::Failure::NOT_FOUND:
      return absl::StatusCode::kNotFound;
    case wire::Failure::MALFORMED:
      return absl::StatusCode::kInvalidArgument;
    case wire::Failure::PEER:
    case wire::Failure::BUSY:
      return absl::StatusCode::kUnavailable;
    default:  // IO, and codes of a newer site
      return absl::StatusCode::kUnknown;
  }
}

wire::Failure::Code FailureCodeOf(absl::StatusCode code) {
  switch (code) {
    case absl::StatusCode::kOk:
      return wire::Failure::NONE;
    case absl::StatusCode::kAborted:
      return wire::Failure::FENCED;
    case absl::StatusCode::kResourceExhausted:
      return wire::Failure::FULL;
    case absl::StatusCode::kDataLoss:
      return wire::Failure::DAMAGED;
    case absl::StatusCode::kUnimplemented:
      return wire::Failure::VERSION;
    case absl::StatusCode::kPermissionDenied:
      return wire::Failure::FORBIDDEN;
    case absl::StatusCode::kNotFound:
      return wire::Failure::NOT_FOUND;
    case absl::StatusCode::kInvalidArgument:
    case absl::StatusCode::kOutOfRange:
    case absl::StatusCode::kAlreadyExists:
      return wire::Failure::MALFORMED;
    case absl::StatusCode::kUnavailable:
      return wire::Failure::PEER;
    case absl::StatusCode::kFailedPrecondition:
    case absl::StatusCode::kCancelled:
    case absl::StatusCode::kDeadlineExceeded:
      return wire::Failure::BUSY;
    default:
      return wire::Failure::IO;
  }
}

}  // namespace

std::string EncodeControl(const wire::Control& message) {
  const size_t length = message.ByteSizeLong();
  assert(length <= kControlMessageBytesMax);
  std::string encoded;
  encoded.reserve(kPrefixBytes + length);
  for (size_t i = 0; i < kPrefixBytes; ++i) {
    encoded.push_back(static_cast<char>((length >> (8 * i)) & 0xff));
  }
  const bool encodable = message.AppendToString(&encoded);
  assert(encodable);
  return encoded;
}

void ControlParser::Feed(std::string_view plaintext) {
  if (!failed_.ok()) return;  // nothing that follows can be framed
  buffer_.erase(0, taken_bytes_);
  taken_bytes_ = 0;
  buffer_.append(plaintext);
}

absl::StatusOr<std::optional<wire::Control>> ControlParser::Next() {
  if (!failed_.ok()) return failed_;
  const std::string_view rest = std::string_view(buffer_).substr(taken_bytes_);
  if (rest.size() < kPrefixBytes) return std::optional<wire::Control>();
  const size_t length = ReadLength(rest);
  if (length > kControlMessageBytesMax) {
    failed_ = absl::InvalidArgumentError(
        absl::StrFormat("control message of %d bytes, at most %d are allowed: the other side does "
                        "not speak this protocol",
                        length, kControlMessageBytesMax));
    return failed_;
  }
  if (rest.size() < kPrefixBytes + length) return std::optional<wire::Control>();
  std::optional<wire::Control> message(std::in_place);
  if (!message->ParseFromArray(rest.data() + kPrefixBytes, static_cast<int>(length))) {
    failed_ = absl::InvalidArgumentError(
        absl::StrFormat("control message of %d bytes is malformed", length));
    return failed_;
  }
  taken_bytes_ += kPrefixBytes + length;
  return message;
}

wire::Position ToWire(const Position& position) {
  wire::Position out;
  out.set_epoch(position.epoch);
  out.set_sequence(position.sequence);
  out.set_digest(ToWire(ByteSpan(position.digest.bytes)));
  return out;
}

absl::StatusOr<Position> FromWire(const wire::Position& position) {
  Position out;
  out.epoch = position.epoch();
  out.sequence = position.sequence();
  const bool absent = position.digest().empty() && out == Position();
  if (!absent && !FromWire(position.digest(), out.digest.bytes)) {
    return absl::InvalidArgumentError(absl::StrFormat(
        "position %d has a digest of %d bytes, not 32", out.sequence, position.digest().size()));
  }
  if (out.sequence == 0 && out != Position()) {
    return absl::InvalidArgumentError("position 0 has an epoch or a digest");
  }
  return out;
}

std::string ToWire(ByteSpan bytes) { return std::string(AsText(bytes)); }

bool FromWire(const std::string& bytes, MutableByteSpan out) {
  if (bytes.size() != out.size()) return false;
  std::memcpy(out.data(), bytes.data(), bytes.size());
  return true;
}

wire::Failure MakeFailure(wire::Failure::Code code, const std::string& message) {
  wire::Failure failure;
  failure.set_code(code);
  failure.set_message(Printable(message));
  return failure;
}

absl::Status FailureStatus(const std::string& site, const wire::Failure& failure) {
  if (failure.code() == wire::Failure::NONE) return absl::OkStatus();
  std::string text = absl::StrCat("site ", site, ": ", Printable(failure.message()));
  if (!wire::Failure::Code_IsValid(failure.code())) {
    absl::StrAppend(&text, " (failure ", static_cast<int>(failure.code()),
                    " is not known to this version)");
  }
  absl::Status status(StatusCodeOf(failure.code()), text);
  status.SetPayload(kFailureCodeUrl, absl::Cord(absl::StrCat(static_cast<int>(failure.code()))));
  return status;
}

wire::Failure StatusFailure(const absl::Status& status) {
  wire::Failure::Code code = FailureCodeOf(status.code());
  const std::string message(status.message());
  const auto carried = status.GetPayload(kFailureCodeUrl);
  if (carried.has_value()) {
    // Set by FailureStatus only, hence a number.
    const int number = std::stoi(std::string(*carried));
    if (wire::Failure::Code_IsValid(number)) code = static_cast<wire::Failure::Code>(number);
  }
  return MakeFailure(code, message);
}

}  // namespace tidemark
