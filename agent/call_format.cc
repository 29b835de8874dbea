#include "agent/call_format.h"

#include <nlohmann/json.hpp>

#include "absl/strings/str_format.h"
#include "agent/failure.h"

namespace tidemark {
namespace {

using Json = nlohmann::ordered_json;

Json ToFields(const PushCall& call) {
  return {{"call", "push"},
          {"vault", call.vault},
          {"name", call.name},
          {"is_stream", call.is_stream},
          {"timeout_nanos", absl::ToInt64Nanoseconds(call.timeout)},
          {"wait_all", call.wait_all},
          {"idempotency_key", call.idempotency_key},
          {"compress", call.compress},
          {"resume", call.resume}};
}

Json ToFields(const RestoreCall& call) {
  Json json = {{"call", "restore"},
               {"vault", call.vault},
               {"name", call.name},
               {"offset", call.offset},
               {"length", call.length},
               {"from", call.from},
               {"output_is_stream", call.output_is_stream}};
  if (call.version.has_value()) json["version"] = *call.version;
  if (call.before.has_value()) json["before_nanos"] = absl::ToUnixNanos(*call.before);
  return json;
}

Json ToFields(const ListCall& call) {
  Json json = {{"call", "list"}, {"vault", call.vault}};
  if (call.name.has_value()) json["name"] = *call.name;
  return json;
}

Json ToFields(const StatusCall&) { return {{"call", "status"}}; }

Json ToFields(const VerifyCall& call) {
  return {{"call", "verify"}, {"vault", call.vault}, {"deep", call.deep}};
}

Json ToFields(const ReplaceCall& call) { return {{"call", "replace"}, {"site", call.site}}; }

Json ToFields(const RpoCall& call) {
  Json json = {{"call", "rpo"}, {"vault", call.vault}, {"for_export", call.for_export}};
  if (call.since.has_value()) json["since_nanos"] = absl::ToUnixNanos(*call.since);
  if (call.until.has_value()) json["until_nanos"] = absl::ToUnixNanos(*call.until);
  return json;
}

// The json library throws on a wrong type; only here, and only for what a stranger wrote.
CallRequest ReadRequest(const std::string& verb, const Json& json) {
  if (verb == "push") {
    PushCall call;
    call.vault = json.at("vault").get<std::string>();
    call.name = json.at("name").get<std::string>();
    call.is_stream = json.at("is_stream").get<bool>();
    call.timeout = absl::Nanoseconds(json.at("timeout_nanos").get<int64_t>());
    call.wait_all = json.at("wait_all").get<bool>();
    call.idempotency_key = json.at("idempotency_key").get<std::string>();
    call.compress = json.at("compress").get<bool>();
    call.resume = json.at("resume").get<bool>();
    return call;
  }
  if (verb == "restore") {
    RestoreCall call;
    call.vault = json.at("vault").get<std::string>();
    call.name = json.at("name").get<std::string>();
    call.offset = json.at("offset").get<uint64_t>();
    call.length = json.at("length").get<uint64_t>();
    call.from = json.at("from").get<std::string>();
    call.output_is_stream = json.at("output_is_stream").get<bool>();
    if (json.contains("version")) call.version = json.at("version").get<uint64_t>();
    if (json.contains("before_nanos"))
      call.before = absl::FromUnixNanos(json.at("before_nanos").get<int64_t>());
    return call;
  }
  if (verb == "list") {
    ListCall call;
    call.vault = json.at("vault").get<std::string>();
    if (json.contains("name")) call.name = json.at("name").get<std::string>();
    return call;
  }
  if (verb == "verify") {
    VerifyCall call;
    call.vault = json.at("vault").get<std::string>();
    call.deep = json.at("deep").get<bool>();
    return call;
  }
  if (verb == "rpo") {
    RpoCall call;
    call.vault = json.at("vault").get<std::string>();
    call.for_export = json.at("for_export").get<bool>();
    if (json.contains("since_nanos"))
      call.since = absl::FromUnixNanos(json.at("since_nanos").get<int64_t>());
    if (json.contains("until_nanos"))
      call.until = absl::FromUnixNanos(json.at("until_nanos").get<int64_t>());
    return call;
  }
  if (verb == "replace") return ReplaceCall{json.at("site").get<std::string>()};
  return StatusCall{};
}

bool IsVerb(const std::string& verb) {
  return verb == "push" || verb == "restore" || verb == "list" || verb == "status" ||
         verb == "verify" || verb == "replace" || verb == "rpo";
}

Json ToFields(const NoteEvent& event) { return {{"note", event.line}}; }
Json ToFields(const ProgressEvent& event) {
  return {{"progress", {event.done_bytes, event.total_bytes}}};
}
Json ToFields(const ErrorEvent& event) {
  return {{"error",
           {{"status", static_cast<int>(event.status.code())},
            {"exit", ExitOf(event.status)},
            {"message", std::string(event.status.message())},
            {"hint", HintOf(event.status)}}}};
}
Json ToFields(const ResultEvent& event) {
  return {{"result", Json::parse(event.json, nullptr, false)}};
}

CallEvent ReadEvent(const Json& json) {
  if (json.contains("note")) return NoteEvent{json.at("note").get<std::string>()};
  if (json.contains("progress")) {
    const Json& progress = json.at("progress");
    return ProgressEvent{progress.at(0).get<uint64_t>(), progress.at(1).get<uint64_t>()};
  }
  if (json.contains("result")) return ResultEvent{json.at("result").dump()};
  const Json& error = json.at("error");
  absl::Status status(static_cast<absl::StatusCode>(error.at("status").get<int>()),
                      error.at("message").get<std::string>());
  status = WithExit(std::move(status), error.at("exit").get<int>());
  const std::string hint = error.at("hint").get<std::string>();
  if (!hint.empty()) status = WithHint(std::move(status), hint);
  return ErrorEvent{std::move(status)};
}

std::string Line(const Json& json) {
  return json.dump(-1, ' ', false, Json::error_handler_t::replace) + "\n";
}

}  // namespace

std::string EncodeRequest(const CallRequest& request) {
  return Line(std::visit([](const auto& call) { return ToFields(call); }, request));
}

absl::StatusOr<CallRequest> ParseRequest(const std::string& line) {
  try {
    const Json json = Json::parse(line);
    const std::string verb = json.at("call").get<std::string>();
    if (!IsVerb(verb)) {
      return WithHint(absl::UnimplementedError(
                          absl::StrFormat("the running agent does not know the call '%s'", verb)),
                      "agent and command line must be of the same version: restart the agent");
    }
    return ReadRequest(verb, json);
  } catch (const Json::exception& error) {
    return absl::InvalidArgumentError(absl::StrFormat("not a request: %s", error.what()));
  }
}

std::string EncodeEvent(const CallEvent& event) {
  return Line(std::visit([](const auto& each) { return ToFields(each); }, event));
}

absl::StatusOr<CallEvent> ParseEvent(const std::string& line) {
  try {
    return ReadEvent(Json::parse(line));
  } catch (const Json::exception& error) {
    return absl::InternalError(
        absl::StrFormat("the agent said what nobody understands: %s", error.what()));
  }
}

}  // namespace tidemark
