// Goal: every status code leaves with the exit that the contract names. Method: a table.
#include "agent/failure.h"

#include <gtest/gtest.h>

namespace tidemark {
namespace {

struct Case {
  absl::StatusCode code;
  int exit;
  const char* word;
};
constexpr Case kCases[] = {
    {absl::StatusCode::kInvalidArgument, 64, "usage"},
    {absl::StatusCode::kOutOfRange, 64, "usage"},
    {absl::StatusCode::kDataLoss, 65, "corrupt"},
    {absl::StatusCode::kNotFound, 66, "not_found"},
    {absl::StatusCode::kUnavailable, 69, "unreachable"},
    {absl::StatusCode::kInternal, 70, "bug"},
    {absl::StatusCode::kAlreadyExists, 73, "exists"},
    {absl::StatusCode::kUnknown, 74, "io"},
    {absl::StatusCode::kAborted, 75, "try_again"},
    {absl::StatusCode::kDeadlineExceeded, 75, "try_again"},
    {absl::StatusCode::kResourceExhausted, 75, "try_again"},
    {absl::StatusCode::kPermissionDenied, 77, "permission"},
    {absl::StatusCode::kUnauthenticated, 77, "permission"},
    {absl::StatusCode::kFailedPrecondition, 78, "config"},
    {absl::StatusCode::kUnimplemented, 78, "config"},
    {absl::StatusCode::kCancelled, 130, "interrupted"},
};

TEST(Failure, EveryCodeHasItsExitAndWord) {
  for (const Case& each : kCases) {
    const absl::Status status(each.code, "something");
    EXPECT_EQ(ExitOf(status), each.exit) << status;
    EXPECT_EQ(CodeWord(each.exit), each.word) << status;
  }
  EXPECT_EQ(ExitOf(absl::OkStatus()), 0);
}

TEST(Failure, AStatedExitAndHintTravelWithTheStatus) {
  const absl::Status status =
      WithHint(WithExit(absl::NotFoundError("no config"), kExitConfig), "write one");
  EXPECT_EQ(ExitOf(status), kExitConfig);
  EXPECT_EQ(HintOf(status), "write one");
  EXPECT_EQ(status.message(), "no config");
  EXPECT_TRUE(absl::IsNotFound(status));
}

TEST(Failure, SuccessKeepsNeitherExitNorHint) {
  EXPECT_EQ(ExitOf(WithExit(absl::OkStatus(), 75)), 0);
  EXPECT_EQ(HintOf(WithHint(absl::OkStatus(), "hint")), "");
}

}  // namespace
}  // namespace tidemark
