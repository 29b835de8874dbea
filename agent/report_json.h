// Reports as JSON, field by field as design section 10 names them, and back. The agent writes them
// on its socket; the command line prints them as they are (--json) or reads them for its text.
//
// Numbers are numbers, times RFC 3339 in UTC, unknown is null.
#ifndef TIDEMARK_AGENT_REPORT_JSON_H_
#define TIDEMARK_AGENT_REPORT_JSON_H_

#include <string>
#include <vector>

#include "agent/report/times.h"
#include "agent/service.h"

namespace tidemark {

// One line each, without '\n'.
std::string ToJson(const PushReport& report);
std::string ToJson(const RestoreReport& report);
std::string ToJson(const std::vector<ListedVersion>& versions);
std::string ToJson(const StatusReport& report);
std::string ToJson(const VerifyReport& report);
std::string ToJson(const ReplaceReport& report);
// {"error":{"code","exit","message","hint"}}; hint is null when there is none.
std::string ErrorJson(const absl::Status& status);
// The push's report of a version that is not complete, with the error beside it.
std::string ToJson(const PushReport& report, const absl::Status& failure);

// kInternal when the text is not what ToJson makes: agent and command line are of different
// versions.
absl::StatusOr<PushReport> ParsePushReport(const std::string& json);
absl::StatusOr<RestoreReport> ParseRestoreReport(const std::string& json);
absl::StatusOr<std::vector<ListedVersion>> ParseVersions(const std::string& json);
absl::StatusOr<StatusReport> ParseStatusReport(const std::string& json);
absl::StatusOr<ReplaceReport> ParseReplaceReport(const std::string& json);
absl::StatusOr<VerifyReport> ParseVerifyReport(const std::string& json);

// Broken over lines for people: what --json prints on a terminal. Not JSON: given back unchanged.
std::string Indented(const std::string& json);

}  // namespace tidemark
#endif  // TIDEMARK_AGENT_REPORT_JSON_H_
