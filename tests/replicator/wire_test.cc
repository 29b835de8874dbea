#include "replicator/wire.h"

#include <gtest/gtest.h>

#include "tests/replicator/positions.h"

namespace tidemark {
namespace {

wire::Control HeartbeatOf(int64_t nanos) {
  wire::Control message;
  message.mutable_heartbeat()->set_sent_at_nanos(nanos);
  return message;
}

std::string LengthPrefix(uint32_t length) {
  std::string prefix;
  for (int i = 0; i < 4; ++i) prefix.push_back(static_cast<char>(length >> (8 * i)));
  return prefix;
}

TEST(ControlParsing, GivesMessagesBackHoweverTheyAreSplit) {
  std::string stream;
  for (int64_t n = 0; n < 20; ++n) stream += EncodeControl(HeartbeatOf(n * 1000));
  for (size_t step = 1; step < 40; ++step) {
    ControlParser parser;
    int64_t next = 0;
    for (size_t at = 0; at < stream.size(); at += step) {
      parser.Feed(std::string_view(stream).substr(at, step));
      while (true) {
        const auto message = parser.Next();
        ASSERT_TRUE(message.ok());
        if (!message->has_value()) break;
        EXPECT_EQ((*message)->heartbeat().sent_at_nanos(), 1000 * next++);
      }
    }
    EXPECT_EQ(next, 20);
  }
}

TEST(ControlParsing, RefusesALengthOverTheLimitBeforeItsBytesCome) {
  ControlParser parser;
  parser.Feed(LengthPrefix(kControlMessageBytesMax + 1));
  EXPECT_EQ(parser.Next().status().code(), absl::StatusCode::kInvalidArgument);
  parser.Feed(EncodeControl(HeartbeatOf(1)));
  EXPECT_EQ(parser.Next().status().code(), absl::StatusCode::kInvalidArgument)
      << "it came back to life";
}

TEST(ControlParsing, WaitsForAMessageOfTheGreatestLength) {
  ControlParser parser;
  parser.Feed(LengthPrefix(kControlMessageBytesMax));
  const auto message = parser.Next();
  ASSERT_TRUE(message.ok());
  EXPECT_FALSE(message->has_value());
}

TEST(ControlParsing, RefusesMalformedBytesForEver) {
  ControlParser parser;
  parser.Feed(LengthPrefix(3) + std::string("\xff\xff\xff", 3));
  EXPECT_EQ(parser.Next().status().code(), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(parser.Next().status().code(), absl::StatusCode::kInvalidArgument);
}

TEST(ControlParsing, SurvivesRandomBytes) {
  for (uint64_t seed = 0; seed < 2000; ++seed) {
    Dice dice(seed);
    std::string bytes = LengthPrefix(static_cast<uint32_t>(dice.Below(64)));
    for (int i = 0; i < 64; ++i) bytes.push_back(static_cast<char>(dice.Below(24)));
    ControlParser parser;
    parser.Feed(bytes);
    for (int i = 0; i < 30; ++i) {
      const auto message = parser.Next();
      if (!message.ok()) {
        EXPECT_EQ(message.status().code(), absl::StatusCode::kInvalidArgument);
        break;
      }
      if (!message->has_value()) break;
    }
  }
}

TEST(ControlParsing, HandsOutABodyOfANewerProtocolAsNotSet) {
  ControlParser parser;
  parser.Feed(LengthPrefix(3) + std::string("\xfa\x07\x00", 3));  // field 127, empty
  const auto message = parser.Next();
  ASSERT_TRUE(message.ok());
  ASSERT_TRUE(message->has_value());
  EXPECT_EQ((*message)->body_case(), wire::Control::BODY_NOT_SET);
}

TEST(WirePositions, ComeBackAsTheyWent) {
  for (uint64_t sequence : {0, 1, 7}) {
    const Position position = LogAt(sequence, 3);
    const auto back = FromWire(ToWire(position));
    ASSERT_TRUE(back.ok());
    EXPECT_EQ(*back, position);
  }
  const auto absent = FromWire(wire::Position());
  ASSERT_TRUE(absent.ok());
  EXPECT_EQ(*absent, Position());
}

TEST(WirePositions, AreRefusedWhenMalformed) {
  wire::Position position = ToWire(LogAt(5));
  position.set_digest(position.digest().substr(1));
  EXPECT_EQ(FromWire(position).status().code(), absl::StatusCode::kInvalidArgument);
  position.clear_digest();
  EXPECT_EQ(FromWire(position).status().code(), absl::StatusCode::kInvalidArgument);
  position = ToWire(LogAt(5));
  position.set_sequence(0);
  EXPECT_EQ(FromWire(position).status().code(), absl::StatusCode::kInvalidArgument);
}

TEST(WireIds, MustHaveTheirSize) {
  SessionId id = Nonce(9);
  EXPECT_FALSE(FromWire(std::string(15, 'x'), id.bytes));
  EXPECT_FALSE(FromWire(std::string(17, 'x'), id.bytes));
  EXPECT_EQ(id, Nonce(9));
  EXPECT_TRUE(FromWire(ToWire(ByteSpan(Nonce(4).bytes)), id.bytes));
  EXPECT_EQ(id, Nonce(4));
}

TEST(Failures, EveryCodeComesBackThroughItsStatus) {
  for (int code = wire::Failure::Code_MIN; code <= wire::Failure::Code_MAX; ++code) {
    ASSERT_TRUE(wire::Failure::Code_IsValid(code));
    const auto given = MakeFailure(static_cast<wire::Failure::Code>(code), "why");
    const absl::Status status = FailureStatus("a", given);
    EXPECT_EQ(StatusFailure(status).code(), code);
    EXPECT_EQ(status.ok(), code == wire::Failure::NONE);
    if (!status.ok()) {
      EXPECT_EQ(std::string(status.message()), "site a: why");
    }
  }
}

TEST(Failures, MeanTheStatusThatTheDesignNames) {
  const auto code_of = [](wire::Failure::Code code) {
    return FailureStatus("a", MakeFailure(code, "")).code();
  };
  EXPECT_EQ(code_of(wire::Failure::FENCED), absl::StatusCode::kAborted);
  EXPECT_EQ(code_of(wire::Failure::FULL), absl::StatusCode::kResourceExhausted);
  EXPECT_EQ(code_of(wire::Failure::DIVERGED), absl::StatusCode::kDataLoss);
  EXPECT_EQ(code_of(wire::Failure::VERSION), absl::StatusCode::kUnimplemented);
  EXPECT_EQ(code_of(wire::Failure::FORBIDDEN), absl::StatusCode::kPermissionDenied);
  EXPECT_EQ(StatusFailure(absl::DataLossError("x")).code(), wire::Failure::DAMAGED);
  EXPECT_EQ(StatusFailure(absl::OutOfRangeError("x")).code(), wire::Failure::MALFORMED);
  EXPECT_EQ(StatusFailure(absl::InternalError("x")).code(), wire::Failure::IO);
}

TEST(Failures, OfANewerSiteAreUnknownAndNamed) {
  wire::Failure failure;
  failure.set_code(static_cast<wire::Failure::Code>(99));
  const absl::Status status = FailureStatus("b", failure);
  EXPECT_EQ(status.code(), absl::StatusCode::kUnknown);
  EXPECT_NE(status.message().find("99"), absl::string_view::npos);
  EXPECT_EQ(StatusFailure(status).code(), wire::Failure::IO);
}

TEST(Failures, NeverCarryControlCharactersOrEndlessText) {
  const auto made = MakeFailure(wire::Failure::IO, "\x1b[2Jgone\n\xff" + std::string(5000, 'x'));
  EXPECT_EQ(made.message().size(), kFailureMessageBytesMax);
  EXPECT_EQ(made.message().substr(0, 10), "?[2Jgone??");
  wire::Failure foreign;
  foreign.set_code(wire::Failure::IO);
  foreign.set_message("\x1b]0;evil\x07");
  EXPECT_EQ(FailureStatus("a", foreign).message(), "site a: ?]0;evil?");
}

}  // namespace
}  // namespace tidemark
