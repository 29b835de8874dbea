// Goal: both ends of the socket understand each other; a stranger's line is refused, not fatal.
#include "agent/call_format.h"

#include <gtest/gtest.h>

#include "agent/failure.h"

namespace tidemark {
namespace {

TEST(CallFormat, APushReadsBack) {
  PushCall call;
  call.name = "line\nbreak \"quoted\"";
  call.timeout = absl::Milliseconds(1500);
  call.wait_all = true;
  call.idempotency_key = "k";
  call.compress = false;
  call.resume = false;
  const std::string line = EncodeRequest(call);
  EXPECT_EQ(line.find('\n'), line.size() - 1);
  const absl::StatusOr<CallRequest> request = ParseRequest(line);
  ASSERT_TRUE(request.ok()) << request.status();
  const auto* push = std::get_if<PushCall>(&*request);
  ASSERT_NE(push, nullptr);
  EXPECT_EQ(push->name, call.name);
  EXPECT_EQ(push->timeout, call.timeout);
  EXPECT_TRUE(push->wait_all);
  EXPECT_FALSE(push->compress);
  EXPECT_FALSE(push->resume);
  EXPECT_EQ(push->source, -1);
}

TEST(CallFormat, ARestoreReadsBackWithAndWithoutItsChoices) {
  RestoreCall call;
  call.name = "x";
  call.length = UINT64_MAX;
  absl::StatusOr<CallRequest> request = ParseRequest(EncodeRequest(call));
  ASSERT_TRUE(request.ok()) << request.status();
  EXPECT_EQ(std::get<RestoreCall>(*request).length, UINT64_MAX);
  EXPECT_FALSE(std::get<RestoreCall>(*request).version.has_value());
  call.version = 7;
  call.before = absl::FromUnixSeconds(1795221271);
  request = ParseRequest(EncodeRequest(call));
  ASSERT_TRUE(request.ok());
  EXPECT_EQ(std::get<RestoreCall>(*request).version, 7u);
  EXPECT_EQ(std::get<RestoreCall>(*request).before, call.before);
}

TEST(CallFormat, StrangersAreRefused) {
  for (const char* line : {"", "push", "[]", "{}", "{\"call\":1}", "{\"call\":\"push\"}",
                           "{\"call\":\"push\",\"vault\":3}", "{\"call\":\"list\",\"vault\":[]}"}) {
    EXPECT_EQ(ParseRequest(line).status().code(), absl::StatusCode::kInvalidArgument) << line;
  }
  EXPECT_EQ(ParseRequest("{\"call\":\"fly\"}").status().code(), absl::StatusCode::kUnimplemented);
}

TEST(CallFormat, AnErrorKeepsCodeExitAndHint) {
  const absl::Status status = WithHint(WithExit(absl::NotFoundError("gone"), 78), "look");
  const absl::StatusOr<CallEvent> event = ParseEvent(EncodeEvent(ErrorEvent{status}));
  ASSERT_TRUE(event.ok());
  const auto* error = std::get_if<ErrorEvent>(&*event);
  ASSERT_NE(error, nullptr);
  EXPECT_EQ(error->status.code(), absl::StatusCode::kNotFound);
  EXPECT_EQ(ExitOf(error->status), 78);
  EXPECT_EQ(HintOf(error->status), "look");
}

TEST(CallFormat, EventsReadBackAndNonsenseIsABug) {
  const absl::StatusOr<CallEvent> progress = ParseEvent(EncodeEvent(ProgressEvent{3, 9}));
  ASSERT_TRUE(progress.ok());
  EXPECT_EQ(std::get<ProgressEvent>(*progress).total_bytes, 9u);
  const absl::StatusOr<CallEvent> note = ParseEvent(EncodeEvent(NoteEvent{"waiting"}));
  ASSERT_TRUE(note.ok());
  EXPECT_EQ(std::get<NoteEvent>(*note).line, "waiting");
  EXPECT_FALSE(ParseEvent("{}").ok());
  EXPECT_FALSE(ParseEvent("{\"progress\":[1]}").ok());
}

}  // namespace
}  // namespace tidemark
